namespace DbBackup;

/// <summary>One captured stream in a backup.</summary>
public sealed record Payload
{
    /// <summary>The file's name in the backup's folder.</summary>
    public required string FileName { get; init; }

    /// <summary>What it holds: one of <see cref="PayloadKind"/>, or what a newer version knows.</summary>
    public required string Kind { get; init; }

    /// <summary>The form of its content once decompressed: one of <see cref="PayloadFormat"/>, or what another engine or a newer version knows.</summary>
    public required string Format { get; init; }

    /// <summary>How it is compressed: one of <see cref="PayloadCompression"/>, or what a newer version knows.</summary>
    public required string Compression { get; init; }

    /// <summary>The payload from which it differs; null for one that is stored whole.</summary>
    public ParentPayloadInfo? Parent { get; init; }

    /// <summary>True if it holds all of its source: one of <see cref="BackupScope"/>.</summary>
    public string Scope { get; init; } = BackupScope.Whole;

    /// <summary>True if the file is an age file, sealed to the backup's own key after it was compressed.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>Bytes before compression.</summary>
    public required long OriginalSize { get; init; }

    /// <summary>Bytes as stored.</summary>
    public required long StoredSize { get; init; }

    /// <summary>SHA-256 of the content before compression, in lower-case hexadecimal.</summary>
    public required string OriginalSha256 { get; init; }

    /// <summary>SHA-256 of the file as stored, in lower-case hexadecimal.</summary>
    public required string StoredSha256 { get; init; }

    /// <summary>The absolute path from which it was captured; null where it is not known.</summary>
    public string? OriginalPath { get; init; }

    /// <summary>The file or folder name that a restore into another folder gives it.</summary>
    public required string RestoreName { get; init; }

    /// <summary>
    /// Where a database lies in a folder of the same backup, as in <c>data/pats.db</c> (the folder's <see cref="RestoreName"/> and
    /// the path in it, with slashes); the folder was archived without it. Null for everything else.
    /// </summary>
    public string? Within { get; init; }

    /// <summary>What must be known of a server's database to create it again; null for files.</summary>
    public DatabaseInfo? Database { get; init; }

    /// <summary>Facts of the database in the dump's snapshot; null for files, and if none were taken.</summary>
    public Fingerprint? Fingerprint { get; init; }

    /// <summary>What Alembic's <c>alembic_version</c> table says; several heads are separated by commas. Null for files, and without such a table.</summary>
    public string? SchemaRevision { get; init; }

    /// <summary>
    /// What was damaged in the database already when it was captured: an index, or a database among other files. It is stored as it was.
    /// Null for a sound one.
    /// </summary>
    public string? Damage { get; init; }

    /// <summary>Files in a tar; null otherwise.</summary>
    public long? EntryCount { get; init; }

    /// <summary>Bytes of the content that were holes in files, which take no room on disk.</summary>
    public long HoleBytes { get; init; }

    /// <summary>SHA-256 of the list of files behind a full payload, by which an incremental backup knows what is unchanged; null if it has none.</summary>
    public string? CatalogSha256 { get; init; }

    /// <summary>Bytes that it takes when it is restored.</summary>
    public long RestoredSize => OriginalSize - HoleBytes;

    /// <summary>The captured file's Unix permission bits as octal digits; null where the system has none.</summary>
    public string? UnixMode { get; init; }

    /// <summary>The captured file's owner and group as <c>uid:gid</c>; null where the system has none.</summary>
    public string? UnixOwner { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{FileName} ({ByteSize.Format(StoredSize)})";
}

/// <summary>What a payload holds: the kinds that this version knows. A manifest may name others.</summary>
public static class PayloadKind
{
    /// <summary>A database.</summary>
    public const string Database = nameof(Database);

    /// <summary>Files and folders.</summary>
    public const string Files = nameof(Files);

    /// <summary>What belongs to a server as a whole: roles and tablespaces.</summary>
    public const string Globals = nameof(Globals);
}

/// <summary>The form of a payload's content once decompressed: the formats that this version knows. A manifest may name others.</summary>
public static class PayloadFormat
{
    /// <summary>A SQLite database file.</summary>
    public const string SqliteFile = nameof(SqliteFile);

    /// <summary>SQL text that gives the SQLite database back.</summary>
    public const string SqliteSql = nameof(SqliteSql);

    /// <summary>A tar archive (POSIX pax).</summary>
    public const string Tar = nameof(Tar);

    /// <summary>An archive of <c>pg_dump -Fc</c>.</summary>
    public const string PostgreSqlCustom = nameof(PostgreSqlCustom);

    /// <summary>The folder that <c>pg_dump -Fd</c> writes, as a tar archive.</summary>
    public const string PostgreSqlDirectory = nameof(PostgreSqlDirectory);

    /// <summary>An archive of <c>pg_dump -Ft</c>.</summary>
    public const string PostgreSqlTar = nameof(PostgreSqlTar);

    /// <summary>SQL text of <c>pg_dump -Fp</c> or <c>pg_dumpall</c>, for <c>psql</c>.</summary>
    public const string PostgreSqlPlain = nameof(PostgreSqlPlain);
}

/// <summary>How a payload is compressed: the ways that this version knows. A manifest may name others.</summary>
public static class PayloadCompression
{
    /// <summary>Not at all.</summary>
    public const string None = nameof(None);

    /// <summary>gzip (RFC 1952), possibly several members one after the other.</summary>
    public const string Gzip = nameof(Gzip);

    /// <summary>Zstandard (RFC 8878), possibly several frames one after the other.</summary>
    public const string Zstd = nameof(Zstd);

    /// <summary>
    /// The difference to the payload of a full backup: a tar of zstd frames, of which each is compressed against a part of that payload
    /// (<c>zstd --patch-from</c>), and of the parts that are copied from it.
    /// </summary>
    public const string ZstdPatch = nameof(ZstdPatch);
}
