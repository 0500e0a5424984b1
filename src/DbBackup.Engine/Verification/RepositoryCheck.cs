using System.Security.Cryptography;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Verification;

/// <summary>Checks a repository as a whole, and changes nothing in it.</summary>
/// <param name="repository">The repository.</param>
public sealed class RepositoryCheck(BackupRepository repository)
{
    private readonly IObjectStore _store = repository.Store;
    private readonly List<RepositoryFinding> _findings = [];

    /// <summary>Checks it.</summary>
    /// <param name="deep">True if all payloads are read and compared with their hashes.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <returns>What was found, the most urgent first; nothing if all is well.</returns>
    /// <exception cref="BackupException">The repository is not there, or cannot be read.</exception>
    public Task<IReadOnlyList<RepositoryFinding>> RunAsync(bool deep, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return DiskFailures.GuardAsync(repository.Location, $"checking '{repository.Location}'", () => CheckAsync(deep, observer, cancellationToken));
    }

    private async Task<IReadOnlyList<RepositoryFinding>> CheckAsync(bool deep, IOperationObserver observer, CancellationToken cancellationToken)
    {
        observer.Progress(new OperationProgress($"Checking {repository.Location}", "listing"));
        IReadOnlyList<Backup> backups = await repository.ListAnewAsync(cancellationToken).ConfigureAwait(false);
        IReadOnlyList<StoredObject> objects = await _store.ListAsync(string.Empty, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ListedLease> leases = await new Leases(_store).ListAsync(cancellationToken).ConfigureAwait(false);
        // Those that were removed meanwhile are no findings.
        backups = await StillThereAsync(backups, objects, cancellationToken).ConfigureAwait(false);
        if (repository.LocalFolder is { } folder)
            CheckPrivacy(folder, objects);
        else
            await CheckExposureAsync(observer, cancellationToken).ConfigureAwait(false);
        await CheckSpaceAsync(backups, cancellationToken).ConfigureAwait(false);
        CheckBackups(backups, objects);
        await CheckNewestAsync(backups, cancellationToken).ConfigureAwait(false);
        CheckLeftovers(backups, objects, leases, await new UnfinishedCopies(_store).ListAsync(cancellationToken).ConfigureAwait(false));
        if (_store is ILockingStore { IsLocking: true } locking && await locking.FindLockProblemAsync(cancellationToken).ConfigureAwait(false) is { } problem)
            Add(RepositoryFindingKind.NotLocked, BackupHealth.Critical, repository.Location, $"Object lock does not protect this repository: {problem}.", "Switch object lock on for the bucket, and check with its administrator who may bypass it.");
        if (deep)
            await ReadAsync(backups, objects, observer, cancellationToken).ConfigureAwait(false);
        return [.. _findings.OrderByDescending(finding => finding.Severity).ThenBy(finding => finding.Kind).ThenBy(finding => finding.Path, StringComparer.Ordinal)];
    }

    private void Add(RepositoryFindingKind kind, BackupHealth severity, string path, string message, string hint) =>
        _findings.Add(new RepositoryFinding { Kind = kind, Severity = severity, Repository = repository.Location, Path = path, Message = message, Hint = hint });

    private async Task<IReadOnlyList<Backup>> StillThereAsync(IReadOnlyList<Backup> backups, IReadOnlyList<StoredObject> objects, CancellationToken cancellationToken)
    {
        HashSet<string> keys = [.. objects.Select(each => each.Key)];
        var there = new List<Backup>();
        foreach (Backup backup in backups)
        {
            string key = BackupListing.ManifestOf(backup);
            if (keys.Contains(key) || await _store.ReadAsync(key, cancellationToken).ConfigureAwait(false) is not null)
                there.Add(backup);
        }

        return there;
    }

    // What a server does not tell is said, and no finding: a login that may do little is as it should be.
    private async Task CheckExposureAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        StoreExposure exposure = _store is IExposedStore exposed ? await exposed.FindExposureAsync(cancellationToken).ConfigureAwait(false) : new StoreExposure([], ["who else may read it"]);
        foreach (string problem in exposure.Problems)
        {
            Add(
                RepositoryFindingKind.NotPrivate,
                BackupHealth.Critical,
                repository.Location,
                $"The repository is not private: {problem}.",
                "Take the right away at the server (for S3: block public access), and find out who may have read the backups. Those that are not encrypted are known to others then.");
        }

        if (exposure.NotChecked.Count > 0)
            observer.Verbose($"Not checked, because '{repository.Location}' does not tell it to this login: {string.Join(", ", exposure.NotChecked)}.");
    }

    // Windows: what a folder inherits is the administrator's to say.
    private void CheckPrivacy(string folder, IReadOnlyList<StoredObject> objects)
    {
        if (OperatingSystem.IsWindows())
            return;
        const UnixFileMode write = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        const UnixFileMode enter = UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        const UnixFileMode read = UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        UnixFileMode root = File.GetUnixFileMode(folder);
        if ((root & write) != 0)
        {
            Add(RepositoryFindingKind.NotPrivate, BackupHealth.Critical, folder, $"Other users can write to the repository's folder (its mode is {Octal(root)}): they can remove and replace backups.", $"Take the right away: chmod go-w '{folder}'.");
        }

        // No other process comes past it.
        if ((root & enter) == 0)
            return;
        string[] open = [.. objects.Select(each => _store.Locate(each.Key)).Where(path => IsOpen(path, read | write) && !IsBehind(folder, path, enter))];
        if (open.Length > 0)
        {
            Add(
                RepositoryFindingKind.NotPrivate,
                BackupHealth.Critical,
                open[0],
                $"Other users can read or write {open.Length} {(open.Length == 1 ? "file" : "files")} of the repository, such as this one.",
                $"Take the rights away: chmod -R go= '{folder}'.");
        }
    }

    private static bool IsOpen(string path, UnixFileMode rights)
    {
        try
        {
            return !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & rights) != 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool IsBehind(string folder, string path, UnixFileMode enter)
    {
        for (string? above = Path.GetDirectoryName(path); above is not null && above.Length > folder.Length; above = Path.GetDirectoryName(above))
        {
            if (!IsOpen(above, enter))
                return true;
        }

        return false;
    }

    private static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8).PadLeft(4, '0');

    private async Task CheckSpaceAsync(IReadOnlyList<Backup> backups, CancellationToken cancellationToken)
    {
        if ((await _store.ReadPropertiesAsync(cancellationToken).ConfigureAwait(false)).AvailableBytes is not { } free)
            return;
        foreach (Backup last in BackupSelection.LatestGood(backups, null).Where(backup => backup.Manifest?.Kept is null && backup.Size > free))
        {
            Add(
                RepositoryFindingKind.Space,
                BackupHealth.Critical,
                repository.Location,
                $"The next backup of '{last.Source}' has no room: the last one has {ByteSize.Format(last.Size)}, and {ByteSize.Format(free)} are free.",
                "Make room on the repository's disk, or remove backups by a policy: Invoke-DbBackupRetention.");
        }
    }

    private void CheckBackups(IReadOnlyList<Backup> backups, IReadOnlyList<StoredObject> objects)
    {
        Dictionary<string, long> sizes = objects.ToDictionary(each => each.Key, each => each.Size, StringComparer.Ordinal);
        foreach (Backup backup in backups)
        {
            if (backup.Problem is { } problem)
                Add(RepositoryFindingKind.Unreadable, BackupHealth.Critical, backup.Location, $"Backup '{backup}' cannot be used: {problem}.", "Put the same backup.json from another copy of the repository into its place, or make a new backup (New-DbBackup).");
            if (backup.GetSignature() is { IsTrusted: false } signature)
            {
                bool isOfAnother = signature.Status is SignatureStatus.UnknownSigner or SignatureStatus.OtherRepository;
                Add(RepositoryFindingKind.Signature, isOfAnother ? BackupHealth.Warning : BackupHealth.Critical, backup.Location, $"The signature of backup '{backup}' is not valid ({signature.Status}): {signature.Problem}.", SignatureGate.HintFor(signature));
            }

            if (backup.Manifest is not { } manifest)
                continue;
            string folder = BackupListing.FolderOf(backup);
            foreach (Payload payload in manifest.Payloads)
                CheckFile(backup, folder + payload.FileName, payload.StoredSize, sizes);
            if (manifest.InstructionsSha256 is not null)
                CheckFile(backup, folder + RepositoryKeys.Instructions, null, sizes);
            if (manifest.Encryption is null)
                continue;
            // While its recipients change, and where that was cut short, the next key opens it as well.
            bool isChanging = sizes.ContainsKey(folder + RepositoryKeys.NextKey) && sizes.ContainsKey(folder + RepositoryKeys.NextKeyRecord);
            foreach (string file in isChanging ? [RepositoryKeys.SealedInstructions] : (string[])[RepositoryKeys.Key, RepositoryKeys.KeyRecord, RepositoryKeys.SealedInstructions])
                CheckFile(backup, folder + file, null, sizes);
        }
    }

    private void CheckFile(Backup backup, string key, long? expected, Dictionary<string, long> sizes)
    {
        string name = key[(key.LastIndexOf('/') + 1)..];
        string? what = !sizes.TryGetValue(key, out long size) ? "is missing" : expected is { } bytes && size != bytes ? $"has {size} bytes instead of {bytes}" : null;
        if (what is not null)
        {
            Add(
                RepositoryFindingKind.MissingFile,
                BackupHealth.Critical,
                _store.Locate(key),
                $"'{name}' of backup '{backup}' {what}.",
                "Put it back from another copy of the repository (Copy-DbBackup), or make a new backup (New-DbBackup).");
        }
    }

    private async Task CheckNewestAsync(IReadOnlyList<Backup> backups, CancellationToken cancellationToken)
    {
        if (repository.Signers is not { } user || await repository.ReadIdAsync(cancellationToken).ConfigureAwait(false) is not { } id || user.Find(id) is not { } known)
            return;
        HashSet<Guid> there = [.. backups.Select(backup => backup.Id).OfType<Guid>()];
        foreach ((string source, SourceMemory memory) in known.Sources)
        {
            if (memory.Newest is not { } newest || there.Contains(newest.Id))
                continue;
            // One that is newer than what was seen shows that the history goes on.
            if (backups.Any(backup => backup.Source == source && !backup.IsSuspect && backup.Manifest?.Sequence > newest.Sequence))
                continue;
            Add(
                RepositoryFindingKind.NewestGone,
                BackupHealth.Warning,
                repository.Location,
                $"The newest backup of '{source}' that this user has seen, '{newest.Name}', is gone, and this user has not removed it.",
                "If you did not remove it, the repository was set back to an older state: find out who can write to it, and make a new backup (New-DbBackup).");
        }
    }

    private void CheckLeftovers(IReadOnlyList<Backup> backups, IReadOnlyList<StoredObject> objects, IReadOnlyList<ListedLease> leases, IReadOnlyList<UnfinishedCopy> copies)
    {
        HashSet<string> atWork = [.. leases.Where(lease => !lease.IsDead).Select(lease => lease.Name).OfType<string>()];
        Dictionary<string, Backup> byFolder = backups.ToDictionary(BackupListing.FolderOf, StringComparer.Ordinal);
        HashSet<string> entries = [.. backups.Where(backup => backup.Manifest?.Kept is not null).Select(BackupListing.ManifestOf)];
        var leftovers = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (StoredObject each in objects)
        {
            string[] names = each.Key.Split('/');
            string folder = names.Length > 2 ? $"{names[0]}/{names[1]}/" : string.Empty;
            if (each.Key is RepositoryKeys.Identity || each.Key.StartsWith('.') || entries.Contains(each.Key))
                continue;
            if (names.Length > 2 && byFolder.TryGetValue(folder, out Backup? backup))
            {
                if (!Belongs(backup, names[2..]))
                    Add(RepositoryFindingKind.UnknownFile, BackupHealth.Warning, _store.Locate(each.Key), $"'{string.Join('/', names[2..])}' is no file of backup '{backup}'.", "Find out where it comes from, and delete it if it is not needed.");
            }
            else if (names.Length > 2 && BackupName.IsValid(names[0]) && BackupName.IsValid(names[1]))
            {
                if (!atWork.Contains($"{names[0]}/{names[1]}"))
                    leftovers[folder] = leftovers.GetValueOrDefault(folder) + each.Size;
            }
            else
            {
                Add(RepositoryFindingKind.UnknownFile, BackupHealth.Warning, _store.Locate(each.Key), $"'{each.Key}' belongs to no backup.", "Find out where it comes from, and delete it if it is not needed.");
            }
        }

        HashSet<string> swept = [.. leases.Where(lease => lease.IsDead).Select(lease => lease.Name + "/")];
        foreach ((string folder, long bytes) in leftovers)
        {
            if (copies.FirstOrDefault(each => each.Name + "/" == folder) is { } copy)
            {
                Add(
                    RepositoryFindingKind.Leftover,
                    BackupHealth.Warning,
                    _store.Locate(folder),
                    $"'{copy.Name}' has {ByteSize.Format(bytes)} of a copy that was cut, and is no backup yet.",
                    $"Run Copy-DbBackup again to go on with it. The first command that writes to this repository after {copy.Ends.ToLocalTime():g} removes it.");
                continue;
            }

            Add(
                RepositoryFindingKind.Leftover,
                BackupHealth.Warning,
                _store.Locate(folder),
                $"'{folder.TrimEnd('/')}' has {ByteSize.Format(bytes)} of files and no backup.json, so it is no backup: its backup or its removal was cut short.",
                swept.Contains(folder) ? "The next New-DbBackup to this repository removes it." : "Look whether anything in it is needed, and delete the folder.");
        }

        foreach (ListedLease lease in leases.Where(lease => lease.IsDead))
            Add(RepositoryFindingKind.StaleLease, BackupHealth.Warning, _store.Locate(lease.Key), $"The process that had a lease{(lease.Name is null ? string.Empty : $" of '{lease.Name}'")} has ended without giving it up.", "It keeps nobody out, and the next New-DbBackup to this repository removes it.");
    }

    private static bool Belongs(Backup backup, string[] names) =>
        // Of what cannot be read, nothing is known.
        backup.Manifest is not { } manifest
        || (names is [var file]
            ? file is RepositoryKeys.Manifest or RepositoryKeys.Instructions or RepositoryKeys.Hold || (manifest.Encryption is not null && IsOfEncryption(file)) || manifest.Payloads.Any(payload => payload.FileName == file)
            : names is [var folder, var record] && folder + "/" == RepositoryKeys.Tests && record.EndsWith(".json", StringComparison.Ordinal));

    // The next key is there while recipients change, and where that was cut short.
    private static bool IsOfEncryption(string file) =>
        file is RepositoryKeys.Key or RepositoryKeys.KeyRecord or RepositoryKeys.NextKey or RepositoryKeys.NextKeyRecord or RepositoryKeys.SealedInstructions;

    private async Task ReadAsync(IReadOnlyList<Backup> backups, IReadOnlyList<StoredObject> objects, IOperationObserver observer, CancellationToken cancellationToken)
    {
        HashSet<string> there = [.. objects.Select(each => each.Key)];
        foreach (Backup backup in backups.Where(backup => backup.Manifest is { Kept: null }))
        {
            var key = new BackupKey(backup.Source, backup.Name);
            IAsyncDisposable reading;
            try
            {
                reading = await repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false);
            }
            catch (BackupException gone) when (gone.Code == ErrorCodes.BackupNotFound)
            {
                continue;
            }

            await using (reading.ConfigureAwait(false))
            {
                foreach (Payload payload in backup.Manifest!.Payloads.Where(payload => there.Contains(RepositoryKeys.FolderOf(key) + payload.FileName)))
                    await ReadPayloadAsync(backup, key, payload, observer, cancellationToken).ConfigureAwait(false);
                await ReadInstructionsAsync(backup, key, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task ReadPayloadAsync(Backup backup, BackupKey key, Payload payload, IOperationObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            Stream stored = repository.OpenRead(key, payload.FileName);
            await using (stored.ConfigureAwait(false))
            {
                var progress = new PayloadProgress(observer, $"Checking {repository.Location}", $"reading {backup}/{payload.FileName}", payload.StoredSize);
                await PayloadReader.VerifyStoredAsync(stored, payload, progress, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (BackupException failure) when (failure.Category is FailureCategory.InvalidData or FailureCategory.ReadError)
        {
            AddDamage(backup, _store.Locate(RepositoryKeys.FolderOf(key) + payload.FileName), failure.Message);
        }
        catch (IOException failure)
        {
            AddDamage(backup, _store.Locate(RepositoryKeys.FolderOf(key) + payload.FileName), failure.Message);
        }
    }

    private async Task ReadInstructionsAsync(Backup backup, BackupKey key, CancellationToken cancellationToken)
    {
        string instructions = RepositoryKeys.FolderOf(key) + RepositoryKeys.Instructions;
        if (backup.Manifest!.InstructionsSha256 is { } hash
            && await _store.ReadAsync(instructions, cancellationToken).ConfigureAwait(false) is { } content
            && Convert.ToHexStringLower(SHA256.HashData(content)) != hash)
            AddDamage(backup, _store.Locate(instructions), $"{RepositoryKeys.Instructions} is not what was written: do not paste its commands.");
    }

    private void AddDamage(Backup backup, string path, string message) =>
        Add(RepositoryFindingKind.Damaged, BackupHealth.Critical, path, $"Backup '{backup}' is damaged: {message}", "Check the repository's disk, put the file back from another copy of the repository, or make a new backup (New-DbBackup).");
}
