using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Backups;

/// <summary>What is to be backed up, and how.</summary>
public sealed record BackupRequest
{
    /// <summary>The sources, captured in this order: the database first, then the files that its rows name.</summary>
    public required IReadOnlyList<IBackupSource> Sources { get; init; }

    /// <summary>The backup's name; null for one made of its moment and type.</summary>
    public string? Name { get; init; }

    /// <summary>The source's name; null for the first source's own.</summary>
    public string? SourceName { get; init; }

    /// <summary>Why it is made: one of <see cref="BackupReason"/>.</summary>
    public string Reason { get; init; } = BackupReason.Manual;

    /// <summary>The person's own labels.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>How payloads are compressed; null for the best that this machine has.</summary>
    public string? Compression { get; init; }

    /// <summary>The level of the compression; null for its default.</summary>
    public int? CompressionLevel { get; init; }

    /// <summary>Whether it is stored whole, or as its difference to a full backup.</summary>
    public MethodChoice Method { get; init; } = new();

    /// <summary>How deep the fingerprint goes.</summary>
    public FingerprintLevel Fingerprint { get; init; }

    /// <summary>True if the backup is restored and compared before it is published.</summary>
    public bool Verify { get; init; }

    /// <summary>True if a backup that does not prove itself is thrown away; it is kept and marked otherwise.</summary>
    public bool DiscardUnverified { get; init; }

    /// <summary>How deep the proof goes.</summary>
    public BackupTestLevel ProofLevel { get; init; } = BackupTestLevel.Restore;

    /// <summary>The server on which a PostgreSQL backup is proved; null for the one that it comes from.</summary>
    public PostgreSqlConnectionRequest? TestServer { get; init; }

    /// <summary>
    /// Receives the failure of a database of a whole server, which is then left out with a note while the others are backed up; null if the
    /// first failure fails the backup.
    /// </summary>
    public Action<BackupException>? LeaveOut { get; init; }

    /// <summary>Where uncompressed copies are staged; null for the repository's own work folder.</summary>
    public string? StagingPath { get; init; }

    /// <summary>Pauses the application during capture; null to leave it running.</summary>
    public IApplicationPause? Pause { get; init; }

    /// <summary>True if a repository may be created, or another one accepted, where a known one was before.</summary>
    public bool AllowNewRepository { get; init; }

    /// <summary>When an imported backup was made, as the person says; null if its content or name is to tell.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>True if a source that holds far less than in its last backup is what it should be.</summary>
    public bool AllowCollapse { get; init; }

    /// <summary>To whom it is encrypted; null for a backup in plain form.</summary>
    public BackupSealing? Sealing { get; init; }

    /// <summary>The origin of an imported backup; null for one that is captured now.</summary>
    public ImportOrigin? Import { get; init; }
}

/// <summary>What is carried over when an existing file or folder is imported as a backup.</summary>
/// <param name="ImportedFrom">Where it came from.</param>
/// <param name="Created">When it was made.</param>
/// <param name="SchemaRevision">The revision that its own records state; null where they state none.</param>
public sealed record ImportOrigin(string ImportedFrom, DateTimeOffset Created, string? SchemaRevision)
{
    /// <summary>SHA-256 of the foreign content, by which it is known again; null where it was not taken.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Where else the same content lay.</summary>
    public IReadOnlyList<string> Copies { get; init; } = [];
}
