using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Backups;

/// <summary>The full backup to which a new one is stored as the difference. It is kept from being removed until this is disposed.</summary>
internal sealed class BackupParent : IAsyncDisposable
{
    // The index of a difference without content is larger than a full backup of very little: no reason to make one after the other.
    private const long SmallDifference = 64 << 10;

    /// <summary>The largest difference that is worth a search for what has moved, also where one is asked for.</summary>
    public const double LargestOfMoved = 0.5;

    private readonly BackupRepository _repository;
    private readonly IAsyncDisposable _claim;
    private readonly Backup _backup;
    private readonly bool _isAsked;
    private readonly Dictionary<string, ParentPayload?> _opened = [];
    private readonly List<string> _storedWhole = [];

    private BackupParent(BackupRepository repository, Backup backup, IAsyncDisposable claim, bool isAsked, double largest)
    {
        _isAsked = isAsked;
        _repository = repository;
        _backup = backup;
        _claim = claim;
        Largest = largest;
    }

    /// <summary>What an incremental backup's manifest says of it.</summary>
    public ParentInfo Info => new() { Id = _backup.Manifest!.Id, Name = _backup.Name };

    /// <summary>The largest difference that is worth it, as a share of the full payload's stored bytes.</summary>
    public double Largest { get; }

    /// <summary>Finds the backup from which a new one is to differ.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="request">The new backup.</param>
    /// <param name="compression">How its payloads are compressed.</param>
    /// <param name="history">The source's backups, newest first.</param>
    /// <param name="now">The moment.</param>
    /// <param name="observer">Receives why there is none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Null for a full backup.</returns>
    public static async Task<BackupParent?> FindAsync(
        BackupRepository repository, BackupRequest request, string compression, IReadOnlyList<Backup> history, DateTimeOffset now, IOperationObserver observer, CancellationToken cancellationToken)
    {
        bool isAsked = request.Method.Method == BackupMethod.Incremental;
        (Backup? chosen, string? reason) = Choose(request, compression, history, now);
        if (chosen is not null)
        {
            (Backup? parent, reason) = await TryOpenAsync(repository, chosen, request.Sealing, cancellationToken).ConfigureAwait(false);
            if (parent is not null)
            {
                IAsyncDisposable claim = await repository.ProtectAsync(new BackupKey(parent.Source, parent.Name), cancellationToken).ConfigureAwait(false);
                return new BackupParent(repository, parent, claim, isAsked, isAsked ? 1 : request.Method.FullAbove);
            }
        }

        // Who asks for one should hear why there is none.
        if (reason is null)
            return null;
        if (isAsked)
            observer.Warning($"A full backup is made: {reason}.");
        else
            observer.Verbose($"A full backup is made: {reason}.");
        return null;
    }

    /// <summary>Chooses the backup from which a new one is to differ, before any of it is read.</summary>
    /// <param name="request">The new backup.</param>
    /// <param name="compression">How its payloads are compressed.</param>
    /// <param name="history">The source's backups, newest first.</param>
    /// <param name="now">The moment.</param>
    /// <returns>The backup; or null, and why there is none, if one was wanted.</returns>
    public static (Backup? Parent, string? Reason) Choose(BackupRequest request, string compression, IReadOnlyList<Backup> history, DateTimeOffset now)
    {
        if (request.Method.Method == BackupMethod.Full || request.Import is not null)
            return (null, null);
        if (compression != PayloadCompression.Zstd)
            return (null, $"differences are stored with zstd alone, and {compression} was asked for");
        if (history.FirstOrDefault(IsUsable) is not { } parent)
            return (null, "there is no good full backup to differ from");
        return request.Method.Method is null && Outdated(parent, request.Method, history, now) is { } reason ? (null, reason) : (parent, null);
    }

    /// <summary>Its payloads, for sources that take from them what is unchanged.</summary>
    /// <param name="readers">How many threads read a payload at once.</param>
    /// <param name="observer">Receives why one cannot be used.</param>
    public IEarlierPayloads Earlier(int readers, IOperationObserver observer) => new EarlierPayloads(this, readers, observer);

    /// <summary>Opens the payload from which a part of the new backup is to differ.</summary>
    /// <param name="part">The part.</param>
    /// <param name="readers">How many threads read it at once.</param>
    /// <param name="observer">Receives why there is none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The payload, and what is to be said of it; null if the part is stored whole.</returns>
    public async Task<(ParentPayload Content, Payload Payload)?> OpenAsync(CapturedPayload part, int readers, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Payload? payload = PayloadOf(part);
        if (payload is null or { OriginalSize: 0 })
        {
            StoredWhole($"'{_backup.Name}' holds nothing of {(part.OriginalPath is { } path ? $"'{path}'" : $"'{part.FileName}'")}", observer);
            return null;
        }

        if (_opened.Remove(payload.FileName, out ParentPayload? opened))
            return opened is null ? null : (opened, payload);
        string problem = "it has no index, or a damaged one";
        try
        {
            if (await new ParentBackups(_repository).OpenAsync(_backup, payload, readers, cancellationToken).ConfigureAwait(false) is { } content)
                return (content, payload);
        }
        catch (Exception exception) when (exception is InvalidDataException || (exception is BackupException { Category: FailureCategory.InvalidData }))
        {
            problem = exception.Message.TrimEnd('.');
        }

        observer.Warning($"'{part.FileName}' is stored whole, for '{payload.FileName}' of the full backup '{_backup}' cannot be used: {problem}. Test that backup: Test-DbBackup '{_backup}'.");
        return null;
    }

    /// <summary>Notes why a part is stored whole.</summary>
    public void StoredWhole(string reason, IOperationObserver observer)
    {
        _storedWhole.Add(reason);
        observer.Verbose($"Stored whole: {reason}.");
    }

    /// <summary>Reports that the backup became a full one, to a caller who asked for an incremental one.</summary>
    public void TellFull(IOperationObserver observer)
    {
        if (_isAsked && _storedWhole.Count > 0)
            observer.Warning($"A full backup is made: {string.Join("; ", _storedWhole)}.");
    }

    /// <summary>Fails if the full backup cannot be used any more: a backup that lacks it must not be published.</summary>
    /// <param name="child">The new backup's place.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ParentDamagedException">It is missing, damaged or another one.</exception>
    public async Task RequirePresentAsync(BackupKey child, CancellationToken cancellationToken)
    {
        if (await new ParentBackups(_repository).FindProblemAsync(child, Info, cancellationToken).ConfigureAwait(false) is { } problem)
            throw new ParentDamagedException(problem, null);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (ParentPayload? each in _opened.Values)
            each?.Dispose();
        return _claim.DisposeAsync();
    }

    private Payload? PayloadOf(CapturedPayload part) => _backup.Manifest!.Payloads.FirstOrDefault(each =>
        each.Kind == part.Kind && each.Format == part.Format && each.Scope == part.Scope && each.OriginalPath == part.OriginalPath && each.RestoreName == part.RestoreName);

    private static bool IsUsable(Backup backup) =>
        backup is { Manifest: { Method: BackupMethod.Full, Kept: null, ImportedFrom: null }, IsGood: true, IsCollapsed: false, Reason: not BackupReason.Rehearsal };

    private static string? Outdated(Backup parent, MethodChoice choice, IReadOnlyList<Backup> history, DateTimeOffset now)
    {
        // A clock that was set back makes no backup young again: those that differ from it are as old as they say, and it is older than they are.
        DateTimeOffset since = history.Where(backup => backup.Manifest?.Parent?.Id == parent.Id).Select(backup => backup.Manifest!.Created).Append(parent.Manifest!.Created).Min();
        TimeSpan age = now - since;
        if (age >= choice.FullAfter)
            return $"the last one, '{parent.Name}', is {age.TotalDays:0.#} days old";
        if (age < -choice.FullAfter)
            return $"the last one, '{parent.Name}', is dated {parent.Manifest.Created:yyyy-MM-dd}, in the future";
        Backup? last = history.FirstOrDefault(backup => backup.Manifest?.Parent?.Id == parent.Id);
        return last is not null && last.Size > Math.Max(SmallDifference, choice.FullAbove * parent.Size)
            ? $"the last difference, '{last.Name}', has {100.0 * last.Size / Math.Max(1, parent.Size):0} % of the full one's size"
            : null;
    }

    // A difference to an encrypted backup is read with the keys of both: whoever opens the new one must be able to open the other.
    private static async Task<(Backup? Backup, string? Reason)> TryOpenAsync(BackupRepository repository, Backup parent, BackupSealing? sealing, CancellationToken cancellationToken)
    {
        if (parent.IsEncrypted != sealing is not null)
            return (null, parent.IsEncrypted ? $"the last one, '{parent.Name}', is encrypted, and this one is not" : $"the last one, '{parent.Name}', is not encrypted");
        if (sealing is null)
            return (parent, null);
        var encrypted = new EncryptedBackups(repository);
        try
        {
            Backup opened = await encrypted.OpenAsync(parent, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<string> recipients = await encrypted.RecipientsAsync(parent, cancellationToken).ConfigureAwait(false);
            return recipients.ToHashSet().SetEquals(sealing.Names) ? (opened, null) : (null, $"the last one, '{parent.Name}', is encrypted to others");
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.BackupEncrypted or ErrorCodes.KeyMismatch or ErrorCodes.BackupDamaged)
        {
            return (null, $"what changed is found only with the secret key: {failure.Message.TrimEnd('.')}");
        }
    }

    private sealed class EarlierPayloads(BackupParent parent, int readers, IOperationObserver observer) : IEarlierPayloads
    {
        public async Task<T?> OpenAsync<T>(CapturedPayload part, Func<ParentPayload, ReadOnlyMemory<byte>, T?> read, CancellationToken cancellationToken)
            where T : class
        {
            // From a store that is no folder, the content comes faster from the source itself.
            if (parent._repository.LocalFolder is null || parent.PayloadOf(part) is not { CatalogSha256: { } sha256 } payload)
                return null;
            ParentPayload? content = (await parent.OpenAsync(part, readers, observer, cancellationToken).ConfigureAwait(false))?.Content;
            // Kept for the part itself.
            parent._opened[payload.FileName] = content;
            try
            {
                return content is not null && await content.OpenCatalogAsync(sha256, cancellationToken).ConfigureAwait(false) is { } catalog ? read(content, catalog) : null;
            }
            catch (InvalidDataException exception)
            {
                observer.Warning($"All of '{part.RestoreName}' is read, for '{payload.FileName}' of the full backup '{parent._backup}' is damaged: {exception.Message}. Test that backup: Test-DbBackup '{parent._backup}'.");
                return null;
            }
        }
    }
}
