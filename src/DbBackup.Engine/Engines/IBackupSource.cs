namespace DbBackup.Engine.Engines;

/// <summary>
/// Something that can be backed up. A source knows how to take a consistent snapshot of itself and how to describe it; it knows
/// nothing of repositories, names of backups or compression.
/// </summary>
public interface IBackupSource
{
    /// <summary>The kind, as it stands in the manifest: <c>Sqlite</c>, <c>Files</c>.</summary>
    string Engine { get; }

    /// <summary>The name that the source has unless a person gives another one. Not yet fit for a folder name.</summary>
    string DefaultName { get; }

    /// <summary>Where the source is: an absolute path, or the address of a server's database.</summary>
    string Location { get; }

    /// <summary>Other ways in which the same data may have been named, as a volume and a path in its container are.</summary>
    IReadOnlyList<SourceAlias> Aliases => [];

    /// <summary>True if <see cref="Location"/> is a path of the file system.</summary>
    bool IsPath => true;

    /// <summary>
    /// Where its files lie on this machine, also those of a container; null where they are elsewhere or it has none. What a killed restore
    /// left there is put right before a backup.
    /// </summary>
    string? PathHere => IsPath ? Location : null;

    /// <summary>True if the same location means something else on another machine.</summary>
    bool IsOfThisMachine => true;

    /// <summary>Looks at the source without reading it whole, so that what cannot work fails before anything is written.</summary>
    /// <exception cref="BackupException">The source is missing, is of another kind, or cannot be read.</exception>
    Task<SourcePreview> InspectAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Does beforehand what makes the snapshot short, while the application still runs: only where it will be paused for it.
    /// </summary>
    /// <exception cref="BackupException">It cannot be backed up; nothing outside the staging folder was changed.</exception>
    Task PrepareAsync(CaptureContext context, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Takes the snapshot. When this returns, the application may go on writing: everything else is read from the capture.
    /// </summary>
    /// <exception cref="BackupException">The snapshot could not be taken; nothing outside the staging folder was changed.</exception>
    Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken);
}

/// <summary>Another way in which a source may have been named.</summary>
/// <param name="Name">The name that it would have then.</param>
/// <param name="Location">The location that it would have then.</param>
public sealed record SourceAlias(string Name, string Location);

/// <summary>What is known of a source before its snapshot is taken.</summary>
/// <param name="ContentBytes">About how many bytes its payloads have before compression.</param>
/// <param name="StagingBytes">How many bytes the capture needs in the staging folder.</param>
public sealed record SourcePreview(long ContentBytes, long StagingBytes)
{
    /// <summary>What to do where the staged bytes have no room, as a sentence; null for the usual advice.</summary>
    public string? StagingHint { get; init; }
}

/// <summary>What a source is given to work with.</summary>
/// <param name="StagingFolder">A folder of its own for temporary files, removed afterwards.</param>
/// <param name="Observer">The progress observer.</param>
/// <param name="Activity">The words under which progress is shown.</param>
/// <param name="Fingerprint">How deep the fingerprint goes.</param>
/// <param name="ThoroughCheck">True if the engine's slow, complete integrity check is wanted.</param>
/// <param name="Excluded">True if a path is left out of an archive because it is captured otherwise.</param>
public sealed record CaptureContext(
    string StagingFolder,
    IOperationObserver Observer,
    string Activity,
    FingerprintLevel Fingerprint,
    bool ThoroughCheck,
    Func<string, bool> Excluded)
{
    /// <summary>The clock by which snapshots are dated.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>True if the application is paused until the capture stands: what would be read later must be read now.</summary>
    public bool IsPaused { get; init; }

    /// <summary>The payloads from which those of the capture will differ; null where all are stored whole.</summary>
    internal IEarlierPayloads? Earlier { get; init; }
}

/// <summary>A snapshot of a source.</summary>
public sealed record Capture
{
    /// <summary>The moment of the snapshot.</summary>
    public required DateTimeOffset Taken { get; init; }

    /// <summary>The version of the database engine; null for files.</summary>
    public string? EngineVersion { get; init; }

    /// <summary>The streams, in the order in which they are to be stored.</summary>
    public required IReadOnlyList<CapturedPayload> Payloads { get; init; }

    /// <summary>The versions of the libraries and programs that took it.</summary>
    public IReadOnlyDictionary<string, string> Tools { get; init; } = new Dictionary<string, string>();

    /// <summary>What a reader should know of it.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>
    /// What is done when the application goes on again, before anything is stored: gives the capture with all of its payloads.
    /// Null where the payloads are known already.
    /// </summary>
    public Func<CancellationToken, Task<Capture>>? Finish { get; init; }

    /// <summary>Lets go of what the snapshot holds (a session, say), where it is given up before its streams were stored.</summary>
    public Action? Abandon { get; init; }
}

/// <summary>Facts of a snapshot of a database.</summary>
/// <param name="Fingerprint">What a restore is compared with; null where none was wanted, or none can be taken.</param>
/// <param name="SchemaRevision">The Alembic revision; null where there is none.</param>
public sealed record CaptureFacts(Fingerprint? Fingerprint, string? SchemaRevision)
{
    /// <summary>What must be known to create a server's database again; null for files.</summary>
    public DatabaseInfo? Database { get; init; }

    /// <summary>What was damaged already when it was captured (see <see cref="Payload.Damage"/>); null for a sound one.</summary>
    public string? Damage { get; init; }

    /// <summary>What a reader should know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>One part of a snapshot, to be stored as one payload.</summary>
public sealed record CapturedPayload
{
    /// <summary>The payload's file name without what the compression adds: <c>pats.db</c>, <c>uploads.tar</c>.</summary>
    public required string FileName { get; init; }

    /// <summary>What it holds.</summary>
    public required string Kind { get; init; }

    /// <summary>Its form.</summary>
    public required string Format { get; init; }

    /// <summary>True if it holds all of its source: one of <see cref="BackupScope"/>.</summary>
    public string Scope { get; init; } = BackupScope.Whole;

    /// <summary>True if <see cref="StreamSummary.Catalog"/> says what it was made of.</summary>
    internal bool IsCataloged { get; init; }

    /// <summary>The file or folder name that a restore into another folder gives it.</summary>
    public required string RestoreName { get; init; }

    /// <summary>Where it was captured; null where that is not known.</summary>
    public string? OriginalPath { get; init; }

    /// <summary>Where a database lies in a folder of the same backup (see <see cref="Payload.Within"/>); null where its paths say so, or it lies in none.</summary>
    public string? Within { get; init; }

    /// <summary>Octal permission bits of what was captured; null where the system has none.</summary>
    public string? UnixMode { get; init; }

    /// <summary><c>uid:gid</c> of what was captured; null where the system has none.</summary>
    public string? UnixOwner { get; init; }

    /// <summary>The zstd level that suits it, where nobody asks for another; null for the usual one.</summary>
    public int? ZstdLevel { get; init; }

    /// <summary>How many bytes it has; null where that is not known in advance.</summary>
    public long? Length { get; init; }

    /// <summary>Opens the bytes, where they lie in a file; null where <see cref="WriteTo"/> makes them.</summary>
    public Func<Stream>? OpenRead { get; init; }

    /// <summary>Writes the bytes and says what should be known; null where <see cref="OpenRead"/> gives them.</summary>
    public Func<Stream, IProgress<long>, CancellationToken, Task<StreamSummary>>? WriteTo { get; init; }

    /// <summary>
    /// Checks the snapshot and takes its facts. Runs beside the storing of the stream; a failure here fails the backup.
    /// Null for what has no facts.
    /// </summary>
    public Func<CancellationToken, Task<CaptureFacts>>? CollectFacts { get; init; }
}

/// <summary>What was found while a stream was made.</summary>
/// <param name="EntryCount">Entries in an archive; null for other streams.</param>
/// <param name="Notes">Files that vanished, grew or could not be read.</param>
public sealed record StreamSummary(long? EntryCount, IReadOnlyList<string> Notes)
{
    /// <summary>Bytes of the stream that are holes in files.</summary>
    public long HoleBytes { get; init; }

    /// <summary>What the stream was made of, by which a later, incremental backup knows what is unchanged; empty for none.</summary>
    internal ReadOnlyMemory<byte> Catalog { get; init; }
}
