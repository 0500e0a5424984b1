using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Finds and opens the full backups from which incremental ones differ.</summary>
/// <param name="repository">The repository in which both lie.</param>
internal sealed class ParentBackups(BackupRepository repository)
{
    /// <summary>Returns the full backup of an incremental one. An encrypted one is not opened.</summary>
    /// <param name="child">The incremental backup's place.</param>
    /// <param name="manifest">The incremental backup's manifest.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It is missing, damaged or another one.</exception>
    public async Task<Backup> RequireAsync(BackupKey child, Manifest manifest, CancellationToken cancellationToken)
    {
        ParentInfo parent = manifest.Parent ?? throw new ArgumentException($"'{child}' is no incremental backup.", nameof(manifest));
        Backup? found = await repository.FindAsync(new BackupKey(child.Source, parent.Name), cancellationToken).ConfigureAwait(false);
        return FindProblem(parent, found) is { } problem ? throw Unusable(child.ToString(), problem) : found!;
    }

    /// <summary>Returns why the full backup of an incremental one cannot be used; null if it can.</summary>
    /// <param name="child">The incremental backup's place.</param>
    /// <param name="parent">What its manifest says of the full one.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<string?> FindProblemAsync(BackupKey child, ParentInfo parent, CancellationToken cancellationToken) =>
        FindProblem(parent, await repository.FindAsync(new BackupKey(child.Source, parent.Name), cancellationToken).ConfigureAwait(false));

    /// <summary>Opens the payload from which one of an incremental backup differs.</summary>
    /// <param name="child">The incremental backup's place.</param>
    /// <param name="manifest">The incremental backup's manifest.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The full backup is missing, damaged, another one, or cannot be opened.</exception>
    public async Task<ParentPayload> OpenAsync(BackupKey child, Manifest manifest, Payload payload, CancellationToken cancellationToken)
    {
        Backup parent = await RequireAsync(child, manifest, cancellationToken).ConfigureAwait(false);
        parent = await new EncryptedBackups(repository).OpenAsync(parent, cancellationToken).ConfigureAwait(false);
        Payload before = PayloadOf(child, parent, payload);
        try
        {
            return await OpenAsync(parent, before, readers: 1, cancellationToken).ConfigureAwait(false)
                ?? throw Unusable(child.ToString(), $"'{before.FileName}' of its full backup '{parent.Name}' has no index, or a damaged one");
        }
        catch (InvalidDataException exception)
        {
            throw Unusable(child.ToString(), $"'{before.FileName}' of its full backup '{parent.Name}' is damaged: {exception.Message}", exception);
        }
    }

    /// <summary>Compares the payload from which one of an incremental backup differs with its hash. No key is needed.</summary>
    /// <exception cref="BackupException">The full backup is missing, damaged or another one.</exception>
    public async Task<BackupCheck> VerifyAsync(BackupKey child, Manifest manifest, Payload payload, IProgress<long>? bytesDone, CancellationToken cancellationToken)
    {
        Backup parent = await RequireAsync(child, manifest, cancellationToken).ConfigureAwait(false);
        Payload before = PayloadOf(child, parent, payload);
        using Stream stored = repository.OpenRead(new BackupKey(child.Source, parent.Name), before.FileName);
        await PayloadReader.VerifyStoredAsync(stored, before, bytesDone, cancellationToken).ConfigureAwait(false);
        return new BackupCheck($"{parent.Name}/{before.FileName} checksum", true, $"{ByteSize.Format(before.StoredSize)} of the full backup read, SHA-256 is right");
    }

    /// <summary>Opens a payload of a full backup, block by block.</summary>
    /// <param name="parent">The backup, opened if it is encrypted.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="readers">How many threads read it at once.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Null if nothing can be based on it.</returns>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public Task<ParentPayload?> OpenAsync(Backup parent, Payload payload, int readers, CancellationToken cancellationToken)
    {
        string key = BackupListing.FolderOf(parent) + payload.FileName;
        return ParentPayload.OpenAsync(
            payload,
            async (offset, length, token) => await repository.Store.OpenAsync(key, offset, length, token).ConfigureAwait(false)
                ?? throw new BackupFailure(
                    ErrorCodes.BackupDamaged, FailureCategory.InvalidData, $"Backup '{parent}' lacks its file '{payload.FileName}'.", "Use another backup of this source: Get-DbBackup.")
                { Target = parent.ToString() },
            parent.Manifest is null ? null : repository.Keys.Find(parent.Manifest.Id),
            readers,
            ZstdLibrary.Best,
            cancellationToken);
    }

    /// <summary>Marks the incremental backups of a listing whose full backup is missing or damaged.</summary>
    /// <param name="backups">All backups of one or more sources.</param>
    public static IReadOnlyCollection<Backup> Judge(IReadOnlyCollection<Backup> backups)
    {
        if (!backups.Any(backup => backup.Manifest?.Parent is not null))
            return backups;
        Dictionary<string, Backup> named = [];
        foreach (Backup backup in backups.Where(backup => backup.Manifest is { Kept: null, Parent: null } or null))
            named[backup.ToString()] = backup;
        return [.. backups.Select(backup => backup.Manifest?.Parent is { } parent ? Judge(backup, named.GetValueOrDefault($"{backup.Source}/{parent.Name}")) : backup)];
    }

    /// <summary>Marks an incremental backup if its full backup is missing or damaged.</summary>
    /// <param name="backup">The incremental backup.</param>
    /// <param name="parent">The backup that has the name of its full one; null if there is none.</param>
    public static Backup Judge(Backup backup, Backup? parent) =>
        backup.Problem is null && (FindProblem(backup.Manifest!.Parent!, parent) ?? (parent!.Status == BackupStatus.Damaged ? $"its full backup '{parent.Name}' is damaged" : null)) is { } problem
            ? backup.WithDamage(problem)
            : backup;

    /// <summary>Returns, for a listing, the full backup without which one of its backups cannot be restored.</summary>
    public static Func<Backup, IEnumerable<Backup>> NeedsIn(IReadOnlyList<Backup> backups)
    {
        ILookup<(string Source, Guid? Id), Backup> full = backups.Where(backup => backup.Manifest is { Parent: null }).ToLookup(backup => (backup.Source, backup.Id));
        return backup => backup.Manifest?.Parent is { } parent ? full[(backup.Source, parent.Id)].Where(each => each.Name == parent.Name) : [];
    }

    private static string? FindProblem(ParentInfo parent, Backup? found) =>
        found is null ? $"its full backup '{parent.Name}' is missing"
        : found.Problem is { } problem ? $"its full backup '{parent.Name}' cannot be used: {problem}"
        : found.Id != parent.Id ? $"its full backup '{parent.Name}' is another one now"
        : null;

    private static Payload PayloadOf(BackupKey child, Backup parent, Payload payload) =>
        parent.Manifest!.Payloads.FirstOrDefault(each => each.FileName == payload.Parent!.FileName && each.StoredSha256 == payload.Parent.StoredSha256)
        ?? throw Unusable(child.ToString(), $"its full backup '{parent.Name}' has no payload '{payload.Parent!.FileName}' of that content");

    private static BackupFailure Unusable(string child, string reason, Exception? inner = null) => new(
        ErrorCodes.ParentUnusable,
        FailureCategory.InvalidData,
        $"Incremental backup '{child}' cannot be read: {reason}.",
        "Copy the full backup again from another place that keeps it (Copy-DbBackup), or use another backup of this source: Get-DbBackup.",
        inner)
    { Target = child };
}
