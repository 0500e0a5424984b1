namespace DbBackup.Engine.Repository.Stores;

/// <summary>The small files of one stored backup.</summary>
/// <param name="Key">Its place.</param>
/// <param name="Location">That place as a person writes it.</param>
/// <param name="Manifest">The bytes of its manifest.</param>
/// <param name="TestLines">The lines of its test records.</param>
public sealed record StoredBackup(BackupKey Key, string Location, byte[] Manifest, IReadOnlyList<string> TestLines);

/// <summary>
/// A back-end that keeps backups. One class per kind of place; every one passes the same contract tests. It stores bytes under names and
/// knows nothing of what they mean.
/// </summary>
public interface IBackupStorage
{
    /// <summary>The file whose presence makes a backup exist; it is written last.</summary>
    const string ManifestFile = "backup.json";

    /// <summary>The file to which test records are appended.</summary>
    const string TestsFile = "tests.jsonl";

    /// <summary>The place as a person writes it: an absolute path, a URL.</summary>
    string Location { get; }

    /// <summary>Fails where the place does not exist or cannot be read.</summary>
    void RequireReadable();

    /// <summary>
    /// Makes the place fit for writing and fails where it cannot be; removes what dead runs left behind.
    /// </summary>
    void PrepareForWriting();

    /// <summary>The free bytes; null where there is no limit to know of.</summary>
    long? AvailableBytes();

    /// <summary>All complete backups of a source, or of all sources, in no order. A folder without a manifest is no backup.</summary>
    /// <param name="source">A source's exact name; null for all.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    Task<IReadOnlyList<StoredBackup>> ListAsync(string? source, CancellationToken cancellationToken);

    /// <summary>One backup; null where there is none.</summary>
    Task<StoredBackup?> FindAsync(BackupKey key, CancellationToken cancellationToken);

    /// <summary>Opens a file of a backup.</summary>
    /// <exception cref="BackupException">The file is missing or cannot be read.</exception>
    Stream OpenRead(BackupKey key, string fileName);

    /// <summary>Begins a new backup, unseen until it is published.</summary>
    /// <param name="scratchParent">Where temporary files go; null for a place of the storage's own choice.</param>
    IStagedBackup Stage(string? scratchParent);

    /// <summary>Adds a line to a file of a backup, whole or not at all.</summary>
    void AppendLine(BackupKey key, string fileName, string line);

    /// <summary>Keeps a backup from being removed while it is read; the claim ends with the process at the latest.</summary>
    /// <exception cref="BackupException">The backup is gone.</exception>
    IDisposable Claim(BackupKey key);

    /// <summary>Lets one process at a time decide what is removed.</summary>
    /// <exception cref="BackupException">Another process is removing.</exception>
    IDisposable LockForRemoval(CancellationToken cancellationToken);

    /// <summary>Removes a backup: at one moment it is listed, at the next it is not, even if its files take long to go.</summary>
    /// <exception cref="BackupException">The backup is missing or claimed.</exception>
    void Remove(BackupKey key);
}

/// <summary>A backup that is being written.</summary>
public interface IStagedBackup : IDisposable
{
    /// <summary>A local folder for temporary files, removed with this object.</summary>
    string ScratchFolder { get; }

    /// <summary>Creates a file of the backup; one of that name is replaced.</summary>
    Stream Create(string fileName);

    /// <summary>Opens a file that was written before.</summary>
    Stream OpenRead(string fileName);

    /// <summary>Writes the manifest, makes everything durable and lets the backup appear under its name, in one step.</summary>
    /// <returns>False where a backup of that name exists; nothing has happened then, and another name may be tried.</returns>
    bool TryPublish(BackupKey key, byte[] manifest);
}
