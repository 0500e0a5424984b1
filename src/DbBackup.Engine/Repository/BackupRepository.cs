using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Finds, lists and removes backups, whatever kind of storage keeps them.</summary>
public sealed class BackupRepository
{
    /// <summary>The environment variable that names the default repository.</summary>
    public const string EnvironmentVariable = "DBBACKUP_REPOSITORY";

    /// <summary>Creates the repository over a storage.</summary>
    public BackupRepository(IBackupStorage storage) => Storage = storage;

    /// <summary>Where the backups lie.</summary>
    public IBackupStorage Storage { get; }

    /// <summary>The place as a person writes it.</summary>
    public string Location => Storage.Location;

    /// <summary>The repository at a location.</summary>
    /// <param name="location">An absolute folder path.</param>
    public static BackupRepository At(string location) => new(new DirectoryStorage(Path.TrimEndingDirectorySeparator(location)));

    /// <summary>All backups of a source, or of all sources, newest first.</summary>
    /// <param name="source">A source's exact name; null for all.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    /// <exception cref="BackupException">The repository does not exist or cannot be read.</exception>
    public async Task<IReadOnlyList<Backup>> ListAsync(string? source, CancellationToken cancellationToken)
    {
        if (source is not null && !BackupName.IsValid(source))
            return [];
        IReadOnlyList<StoredBackup> stored = await Storage.ListAsync(source, cancellationToken).ConfigureAwait(false);
        var backups = new Backup[stored.Count];
        Parallel.For(0, stored.Count, new ParallelOptions { CancellationToken = cancellationToken }, i => backups[i] = ToBackup(stored[i]));
        return NewestFirst(backups);
    }

    /// <summary>One backup; null where there is none.</summary>
    public async Task<Backup?> FindAsync(BackupKey key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!BackupName.IsValid(key.Source) || !BackupName.IsValid(key.Name))
            return null;
        return await Storage.FindAsync(key, cancellationToken).ConfigureAwait(false) is { } stored ? ToBackup(stored) : null;
    }

    /// <summary>Opens a file of a backup; what is wrong with it shows at the first read.</summary>
    public Stream OpenRead(BackupKey key, string fileName) => Storage.OpenRead(key, fileName);

    /// <summary>Keeps a backup from being removed while it is read.</summary>
    /// <exception cref="BackupException">The backup is gone.</exception>
    internal Task<BackupProtection> ProtectAsync(BackupKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(new BackupProtection(Storage.Claim(key)));
    }

    /// <summary>
    /// Creates a scratch folder where it was asked for, else beside the backups, else (a repository that is read-only or remote) in the
    /// system's folder for temporary files.
    /// </summary>
    /// <exception cref="NotEnoughSpaceException">There is too little room.</exception>
    internal Task<LocalWorkspace> OpenScratchAsync(string? stagingPath, long requiredBytes, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            if (stagingPath is not null)
                return OpenScratch(stagingPath, requiredBytes);
            try
            {
                return OpenScratch(Path.Combine(Storage.Location, ".dbbackup", "staging"), requiredBytes);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return OpenScratch(Path.GetTempPath(), requiredBytes);
            }
        },
        cancellationToken);

    private static LocalWorkspace OpenScratch(string parent, long requiredBytes)
    {
        if (VolumeSpace.Available(parent) is { } free && free < requiredBytes)
            throw new NotEnoughSpaceException(parent, requiredBytes, free, "the restored copy that is tested");
        return LocalWorkspace.Create(parent);
    }

    /// <summary>The manifest of a backup that is about to be used.</summary>
    /// <exception cref="BackupException">It cannot be read, or a newer version wrote it.</exception>
    public static Manifest RequireManifest(Backup backup)
    {
        ArgumentNullException.ThrowIfNull(backup);
        if (backup.Manifest is { } manifest)
            return manifest;
        bool tooNew = backup.Problem?.Contains("newer version", StringComparison.Ordinal) == true;
        throw new BackupFailure(
            tooNew ? ErrorCodes.ManifestTooNew : ErrorCodes.ManifestUnreadable,
            tooNew ? FailureCategory.NotSupported : FailureCategory.InvalidData,
            $"Backup '{backup}' cannot be used: {backup.Problem}.",
            tooNew
                ? "Update the DbBackup module on this machine, or restore by hand: RESTORE.txt in the backup's folder says how."
                : "Its payloads may still be whole: RESTORE.txt in the backup's folder says how to restore by hand. Otherwise use another backup.")
        { Target = backup.ToString() };
    }

    /// <summary>Notes the outcome of a test beside the backup.</summary>
    public void Record(Backup backup, TestRecord record)
    {
        ArgumentNullException.ThrowIfNull(backup);
        Storage.AppendLine(new BackupKey(backup.Source, backup.Name), IBackupStorage.TestsFile, ManifestJson.WriteLine(record));
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
            foreach (Backup backup in source.OrderBy(backup => backup.Manifest?.Sequence ?? 0))
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

    private Backup ToBackup(StoredBackup stored)
    {
        string? problem;
        Manifest? manifest = null;
        if (stored.Manifest.Length == 0)
            problem = "its manifest is empty or may not be read";
        else
            manifest = ManifestJson.Read(stored.Manifest, out problem);
        TestRecord[] tests = [.. stored.TestLines.Select(ManifestJson.ReadLine).OfType<TestRecord>()];
        return new Backup(manifest, stored.Key.Source, stored.Key.Name, Storage.Location, stored.Location, tests, problem);
    }
}
