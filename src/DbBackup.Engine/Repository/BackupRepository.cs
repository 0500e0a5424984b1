using DbBackup.Engine.Encryption;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Listing;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Finds, lists and protects backups, whatever kind of store keeps them.</summary>
public sealed class BackupRepository
{
    /// <summary>The environment variable that names the default repository.</summary>
    public const string EnvironmentVariable = "DBBACKUP_REPOSITORY";

    private readonly RepositoryIdentity _identity;
    private readonly SignerMemory? _signers;
    private readonly ListingCache? _cache;

    /// <summary>Creates the repository over a store.</summary>
    /// <param name="store">Where its objects are.</param>
    /// <param name="known">The memory of repositories; null for none.</param>
    public BackupRepository(IObjectStore store, KnownRepositories? known = null)
        : this(store, known, null)
    {
    }

    /// <summary>Creates the repository over a store, for a user who signs.</summary>
    /// <param name="store">Where its objects are.</param>
    /// <param name="known">The memory of repositories; null for none.</param>
    /// <param name="signers">The user's key and memory of signers; null to neither sign nor read signatures.</param>
    /// <param name="cache">What listings of remote places read before; null to read all each time.</param>
    internal BackupRepository(IObjectStore store, KnownRepositories? known, SignerMemory? signers, ListingCache? cache = null)
    {
        Store = store;
        _cache = cache;
        _identity = new RepositoryIdentity(store, known);
        _signers = signers;
    }

    /// <summary>The place as a person writes it.</summary>
    public string Location => Store.Location;

    /// <summary>The folder on this machine in which its backups are; null for a remote place.</summary>
    public string? LocalFolder => Store.LocalFolder;

    /// <summary>What opens its encrypted backups, as far as the command was given it.</summary>
    public KeyRing Keys { get; init; } = new();

    /// <summary>Where its objects are.</summary>
    internal IObjectStore Store { get; }

    /// <summary>The repository at a location, which is remembered for this user.</summary>
    public static BackupRepository At(RepositoryLocation location) => At(location, new KeyRing());

    /// <summary>The repository at a location, which is remembered for this user.</summary>
    /// <param name="location">The location.</param>
    /// <param name="keys">What opens its encrypted backups.</param>
    public static BackupRepository At(RepositoryLocation location, KeyRing keys)
    {
        ArgumentNullException.ThrowIfNull(location);
        return new(location.OpenStore(), KnownRepositories.OfUser, SignerMemory.OfUser, ListingCache.OfUser) { Keys = keys };
    }

    /// <summary>The repository at a location, which is remembered for this user.</summary>
    /// <param name="location">An absolute path, or a URL.</param>
    public static BackupRepository At(string location) => At(RepositoryLocation.Parse(location, Path.GetFullPath));

    /// <summary>
    /// Makes sure that it is the repository that is known at its place, creates one where none was known, and removes what dead runs
    /// left behind.
    /// </summary>
    /// <param name="allowNew">True if another repository than the known one is accepted, or created.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It is not the known one, or cannot be written.</exception>
    public async Task PrepareAsync(bool allowNew, CancellationToken cancellationToken)
    {
        await _identity.RequireWritableAsync(allowNew, cancellationToken).ConfigureAwait(false);
        var leases = new Leases(Store);
        foreach (string name in await leases.SweepAsync(cancellationToken).ConfigureAwait(false))
        {
            if (await leases.TryTakeAsync(name, LeasePurpose.Remove, cancellationToken).ConfigureAwait(false) is not { } lease)
                continue;
            await using (lease.ConfigureAwait(false))
                await BackupDraft.RemoveLeftoverAsync(Store, name, cancellationToken).ConfigureAwait(false);
        }

        await new UnfinishedCopies(Store).SweepAsync(cancellationToken).ConfigureAwait(false);
        if (WorkFolder is { } work && !IsLink(work))
            LocalWorkspace.Sweep(work);
    }

    /// <summary>Checks whether a backup can be made here, and writes nothing.</summary>
    /// <param name="source">The source's exact name; null if it is not known yet.</param>
    /// <param name="allowNew">True if another repository than the known one is accepted, or created.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The source's backups; none in a repository that is yet to be created.</returns>
    /// <exception cref="BackupException">It is not the known one, or cannot be created.</exception>
    public async Task<IReadOnlyList<Backup>> CheckAsync(string? source, bool allowNew, CancellationToken cancellationToken)
    {
        if (await _identity.RequireKnownAsync(allowNew, cancellationToken).ConfigureAwait(false) is not null)
            return source is null ? [] : await ListAsync(source, cancellationToken).ConfigureAwait(false);
        if (LocalFolder is { } folder)
            DirectoryFailures.RequireParent(folder);
        return [];
    }

    /// <summary>All backups of a source, or of all sources, newest first.</summary>
    /// <param name="source">A source's exact name; null for all.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    /// <exception cref="BackupException">The repository does not exist or cannot be read.</exception>
    public Task<IReadOnlyList<Backup>> ListAsync(string? source, CancellationToken cancellationToken) => ListAsync(source, _cache, cancellationToken);

    /// <summary>All backups, newest first, each read anew: a check must not find what was whole before.</summary>
    /// <exception cref="BackupException">The repository does not exist or cannot be read.</exception>
    internal Task<IReadOnlyList<Backup>> ListAnewAsync(CancellationToken cancellationToken) => ListAsync(null, null, cancellationToken);

    private async Task<IReadOnlyList<Backup>> ListAsync(string? source, ListingCache? cache, CancellationToken cancellationToken)
    {
        if (source is not null && !BackupName.IsValid(source))
            return [];
        (RepositoryFile File, bool IsExpected)? found = await _identity.RequireReadableAsync(cancellationToken).ConfigureAwait(false);
        // Files of this machine are read as fast as a cache.
        RepositoryCache? cached = LocalFolder is null && found is { } known ? cache?.Open(known.File.Id, Location) : null;
        return NewestFirst(ParentBackups.Judge(await new BackupListing(Store, ReadSignatures(found), cached).ReadAsync(source, cancellationToken).ConfigureAwait(false)));
    }

    /// <summary>One backup; null where there is none.</summary>
    public async Task<Backup?> FindAsync(BackupKey key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!BackupName.IsValid(key.Source) || !BackupName.IsValid(key.Name))
            return null;
        var listing = new BackupListing(Store, _signers is null ? null : ReadSignatures(await _identity.RequireReadableAsync(cancellationToken).ConfigureAwait(false)));
        Backup? found = await listing.FindAsync(key, cancellationToken).ConfigureAwait(false);
        return found?.Manifest?.Parent is { } parent
            ? ParentBackups.Judge(found, await listing.FindAsync(key with { Name = parent.Name }, cancellationToken).ConfigureAwait(false))
            : found;
    }

    /// <summary>Writes a manifest for this repository, signed with this user's key.</summary>
    /// <param name="manifest">What is in it.</param>
    /// <param name="key">The backup's own key, to which its details are sealed; null for a plain one.</param>
    /// <param name="observer">Receives why it is not signed.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The bytes of <c>backup.json</c>.</returns>
    internal async Task<byte[]> WriteManifestAsync(Manifest manifest, X25519Recipient? key, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (_signers is null || await _identity.ReadAsync(cancellationToken).ConfigureAwait(false) is not { } file)
            return ManifestJson.Write(manifest, null, key);
        if (_signers.RequireKey() is { } signer)
            return ManifestJson.Write(manifest, body => ManifestSignature.Add(body, signer, file.Id), key);
        observer.Warning($"The backup is not signed: {_signers.Problem}");
        return ManifestJson.Write(manifest, null, key);
    }

    /// <summary>Changes what this user knows of this repository's signers.</summary>
    /// <returns>False if it cannot be kept.</returns>
    internal async Task<bool> RememberSignersAsync(Func<RepositoryMemory, bool> change, CancellationToken cancellationToken) =>
        _signers is not null && await _identity.ReadAsync(cancellationToken).ConfigureAwait(false) is { } file && _signers.Update(file.Id, change);

    /// <summary>This user's key and memory of signers; null if signatures are not read.</summary>
    internal SignerMemory? Signers => _signers;

    /// <summary>The repository's id; null before its first backup.</summary>
    internal async Task<Guid?> ReadIdAsync(CancellationToken cancellationToken) => (await _identity.ReadAsync(cancellationToken).ConfigureAwait(false))?.Id;

    private SignatureReading? ReadSignatures((RepositoryFile File, bool IsExpected)? found) =>
        found is ({ } file, var isExpected) && _signers is not null ? new SignatureReading(_signers, file.Id, isExpected) : null;

    /// <summary>Opens a file of a backup; what is wrong with it shows at the first read.</summary>
    public Stream OpenRead(BackupKey key, string fileName) => new ObjectStream(Store, RepositoryKeys.FolderOf(key) + fileName, () => new BackupFailure(
        ErrorCodes.BackupDamaged, FailureCategory.InvalidData, $"Backup '{key}' lacks its file '{fileName}'.", "Use another backup of this source: Get-DbBackup.")
    { Target = key.ToString() });

    /// <summary>The payloads of a backup, with its key if it is encrypted and was opened.</summary>
    internal BackupContent ContentOf(BackupKey key, Manifest manifest) => ContentOf(key, manifest, file => OpenRead(key, file));

    /// <summary>The payloads of a backup that is published or being written.</summary>
    internal BackupContent ContentOf(BackupKey key, Manifest manifest, Func<string, Stream> open) => new(manifest, open, Keys.Find(manifest.Id))
    {
        OpenParent = (payload, cancellationToken) => new ParentBackups(this).OpenAsync(key, manifest, payload, cancellationToken),
        VerifyParentAsync = (payload, bytesDone, cancellationToken) => new ParentBackups(this).VerifyAsync(key, manifest, payload, bytesDone, cancellationToken),
    };

    /// <summary>Keeps a backup from being removed while it is read.</summary>
    /// <exception cref="BackupException">The backup is gone.</exception>
    internal async Task<IAsyncDisposable> ProtectAsync(BackupKey key, CancellationToken cancellationToken)
    {
        var leases = new Leases(Store);
        Lease lease = await leases.ShareAsync(key.ToString(), cancellationToken).ConfigureAwait(false);
        // A removal takes the name first and then looks for readers; a reader comes first and then looks for removals: one sees the other.
        if (!await leases.IsBeingRemovedAsync(key.ToString(), cancellationToken).ConfigureAwait(false) && await FindAsync(key, cancellationToken).ConfigureAwait(false) is not null)
            return lease;
        await lease.DisposeAsync().ConfigureAwait(false);
        throw new BackupFailure(
            ErrorCodes.BackupNotFound, FailureCategory.NotFound, $"There is no backup '{key}' (any more).", "List what there is with Get-DbBackup.")
        { Target = key.ToString() };
    }

    /// <summary>
    /// Creates a scratch folder where it was asked for, else beside the backups, else (a repository that is new, read-only or remote) in
    /// the system's folder for temporary files.
    /// </summary>
    /// <exception cref="NotEnoughSpaceException">There is too little room.</exception>
    internal async Task<LocalWorkspace> OpenScratchAsync(string? stagingPath, long requiredBytes, CancellationToken cancellationToken)
    {
        string? beside = stagingPath is null && WorkFolder is not null && await _identity.IsThereAsync(cancellationToken).ConfigureAwait(false) ? WorkFolder : null;
        try
        {
            if (beside is null || IsLink(beside))
                return OpenScratch(stagingPath ?? Path.GetTempPath(), requiredBytes);
            new RootedFolder(LocalFolder!, givesToOwner: true).CreateFolder(Path.GetRelativePath(LocalFolder!, beside).Replace(Path.DirectorySeparatorChar, '/'));
            return OpenScratch(beside, requiredBytes);
        }
        catch (Exception exception) when (beside is not null && exception is IOException or UnauthorizedAccessException)
        {
            return OpenScratch(Path.GetTempPath(), requiredBytes);
        }
    }

    private string? WorkFolder => LocalFolder is { } folder ? Path.Combine(folder, RepositoryKeys.Work.TrimEnd('/'), "work") : null;

    // Whoever may write to the repository would choose what is swept there, and where a database is unpacked.
    private bool IsLink(string folder)
    {
        try
        {
            new RootedFolder(LocalFolder!).RefuseLinks(Path.GetRelativePath(LocalFolder!, folder).Replace(Path.DirectorySeparatorChar, '/'));
            return false;
        }
        catch (UnsafePathException)
        {
            return true;
        }
    }

    private static LocalWorkspace OpenScratch(string parent, long requiredBytes)
    {
        if (VolumeSpace.Available(parent) is { } free && free < requiredBytes)
            throw new NotEnoughSpaceException(parent, requiredBytes, free, "the restored copy that is tested");
        return LocalWorkspace.Create(parent);
    }

    /// <summary>The manifest of a backup whose content is about to be used.</summary>
    /// <exception cref="BackupException">It cannot be read, a newer version wrote it, or it is encrypted and was not opened.</exception>
    public static Manifest RequireManifest(Backup backup)
    {
        Manifest manifest = RequireHeader(backup);
        return manifest is { IsSealed: false } ? manifest : throw new BackupFailure(
            ErrorCodes.BackupEncrypted,
            FailureCategory.PermissionDenied,
            $"Backup '{backup}' is encrypted, and was not opened.",
            $"Open it: Get-DbBackup {backup.Name} -Source {backup.Source} -Identity PATH (or -Passphrase). Get-DbBackup, Test-DbBackup -Level Checksum, Copy-DbBackup, Export-DbBackup -Format Tar and Remove-DbBackup need no key.")
        { Target = backup.ToString() };
    }

    /// <summary>The manifest of a backup, of whose content nothing is needed: an encrypted one need not be opened.</summary>
    /// <exception cref="BackupException">It cannot be read, or a newer version wrote it.</exception>
    public static Manifest RequireHeader(Backup backup)
    {
        ArgumentNullException.ThrowIfNull(backup);
        if (backup is { Manifest: { } manifest, Problem: null })
            return manifest;
        if (backup.Status == BackupStatus.Damaged)
        {
            throw new BackupFailure(
                ErrorCodes.BackupDamaged,
                FailureCategory.InvalidData,
                $"Backup '{backup}' cannot be used: {backup.Problem}.",
                $"Use another backup (Get-DbBackup), or put the same backup.json from another copy of the repository into its place. Test-DbBackup tells whether its payloads are whole.")
            { Target = backup.ToString() };
        }

        bool tooNew = ManifestJson.IsNewer(backup.Problem);
        throw new BackupFailure(
            tooNew ? ErrorCodes.ManifestTooNew : ErrorCodes.ManifestUnreadable,
            tooNew ? FailureCategory.NotSupported : FailureCategory.InvalidData,
            $"Backup '{backup}' cannot be used: {backup.Problem}.",
            tooNew
                ? "Update the DbBackup module on this machine, or restore by hand: RESTORE.txt in the backup's folder says how."
                : "Its payloads may still be whole: RESTORE.txt in the backup's folder says how to restore by hand. Otherwise use another backup.")
        { Target = backup.ToString() };
    }

    /// <summary>Keeps the outcome of a test beside the backup.</summary>
    /// <exception cref="BackupException">The repository cannot be written.</exception>
    public async Task RecordAsync(Backup backup, TestRecord record, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(record);
        string key = $"{BackupListing.FolderOf(backup)}{RepositoryKeys.Tests}{record.Tested.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{Guid.NewGuid():N}.json";
        byte[] manifest = await Store.ReadAsync(BackupListing.ManifestOf(backup), cancellationToken).ConfigureAwait(false)
            ?? throw BackupSelection.NotFound(backup.ToString(), Location);
        await Store.PutAsync(key, ManifestJson.WriteTest(record with { ManifestSha256 = BackupListing.HashOf(manifest) }), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Orders backups newest first. Within a source the order in which they were taken counts, not the clock, which may have been
    /// set back in between.
    /// </summary>
    internal static IReadOnlyList<Backup> NewestFirst(IReadOnlyCollection<Backup> backups)
    {
        var moments = new Dictionary<Backup, DateTimeOffset>(backups.Count);
        foreach (IGrouping<string, Backup> source in backups.GroupBy(backup => backup.Source, StringComparer.Ordinal))
        {
            DateTimeOffset latest = DateTimeOffset.MinValue;
            foreach (Backup backup in source.OrderBy(backup => backup.Manifest?.Sequence ?? 0).ThenBy(backup => backup.Manifest?.Created ?? DateTimeOffset.MinValue))
            {
                DateTimeOffset created = backup.Manifest?.Created ?? DateTimeOffset.MinValue;
                // Imported backups (sequence 0) have no place in the order of taking: for them only their date speaks.
                if (backup.Manifest is { Sequence: > 0 })
                    created = latest = created > latest ? created : latest;
                moments[backup] = created;
            }
        }

        return [.. backups
            .OrderByDescending(backup => moments[backup])
            .ThenByDescending(backup => backup.Manifest?.Sequence ?? 0)
            .ThenByDescending(backup => backup.Name, StringComparer.Ordinal)];
    }
}
