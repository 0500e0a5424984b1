namespace DbBackup;

/// <summary>
/// What is in a backup and how to check it: the content of <c>backup.json</c>. It is written once, last, and never changed.
/// </summary>
public sealed record Manifest
{
    /// <summary>The newest format version that this product reads and the one that it writes.</summary>
    public const int CurrentFormatVersion = 1;

    /// <summary>The feature of encrypted backups: payloads and details are age files.</summary>
    public const string Age = "age";

    /// <summary>The version of the manifest's format. A greater one than <see cref="CurrentFormatVersion"/> is listed and refused.</summary>
    public int FormatVersion { get; init; } = CurrentFormatVersion;

    /// <summary>The backup's identity, the same wherever it is copied.</summary>
    public required Guid Id { get; init; }

    /// <summary>The backup's name, unique within its source.</summary>
    public required string Name { get; init; }

    /// <summary>How it was made: one of <see cref="BackupMethod"/>, or what a newer version knows.</summary>
    public string Method { get; init; } = BackupMethod.Full;

    /// <summary>The full backup from which it differs; null for a full one.</summary>
    public ParentInfo? Parent { get; init; }

    /// <summary>Why it was made: one of <see cref="BackupReason"/>, or what a newer version knows.</summary>
    public string Reason { get; init; } = BackupReason.Manual;

    /// <summary>Features of the format that a reader must know to use the backup: <see cref="Age"/> for an encrypted one.</summary>
    public IReadOnlyList<string> Requires { get; init => field = Indexable.Of(value); } = [];

    /// <summary>When the snapshot was taken (UTC).</summary>
    public required DateTimeOffset Created { get; init; }

    /// <summary>When everything was written (UTC).</summary>
    public required DateTimeOffset Completed { get; init; }

    /// <summary>How long it took, by a clock that nobody sets, in seconds.</summary>
    public double DurationSeconds { get; init; }

    /// <summary>
    /// Counts a source's backups in the order in which they were taken, whatever the clock says; 0 for an imported backup.
    /// </summary>
    public long Sequence { get; init; }

    /// <summary>What was backed up.</summary>
    public required SourceInfo Source { get; init; }

    /// <summary>The captured streams.</summary>
    public required IReadOnlyList<Payload> Payloads { get; init => field = Indexable.Of(value); }

    /// <summary>The git commit of the folder in which the source lies.</summary>
    public GitInfo? Git { get; init; }

    /// <summary>The person's own labels.</summary>
    public IReadOnlyList<string> Tags { get; init => field = Indexable.Of(value); } = [];

    /// <summary>The computer on which it was made.</summary>
    public string? Host { get; init; }

    /// <summary>The version of this module.</summary>
    public string? ModuleVersion { get; init; }

    /// <summary>The versions of the libraries and programs that made it.</summary>
    public IReadOnlyDictionary<string, string> Tools { get; init => field = value ?? new Dictionary<string, string>(); } = new Dictionary<string, string>();

    /// <summary>
    /// The database that a restore replaced and that is kept on its server under another name; such an entry has no payloads.
    /// Null for a backup that lies in the repository.
    /// </summary>
    public KeptDatabase? Kept { get; init; }

    /// <summary>SHA-256 of the backup's <c>RESTORE.txt</c>, in lower-case hexadecimal; null for a backup without it.</summary>
    public string? InstructionsSha256 { get; init; }

    /// <summary>How it is encrypted; null for a backup in plain form.</summary>
    public EncryptionInfo? Encryption { get; init; }

    /// <summary>
    /// True if it was read without a key that opens it: what would tell of the content (names of tables and roles, counts, fingerprints, hashes
    /// of the plain content, paths, notes) is not there.
    /// </summary>
    public bool IsSealed { get; init; }

    /// <summary>How the application was paused for the snapshot; null if it was not.</summary>
    public PauseInfo? Pause { get; init; }

    /// <summary>Where an imported backup came from; null for one that was captured.</summary>
    public string? ImportedFrom { get; init; }

    /// <summary>SHA-256 of the imported file or folder, by which it is known again; null for a backup that was captured.</summary>
    public string? ImportedSha256 { get; init; }

    /// <summary>What a reader should know: files that vanished while they were archived, say.</summary>
    public IReadOnlyList<string> Notes { get; init => field = Indexable.Of(value); } = [];

    /// <summary>
    /// What holds far less than in the source's last good backup, as in <c>uploads: 1 entries instead of 302</c>, and databases of a server that were left out; such a backup does not count
    /// as the last good one.
    /// </summary>
    public IReadOnlyList<string> Collapsed { get; init => field = Indexable.Of(value); } = [];

    /// <summary>One of <see cref="BackupScope"/>: partial if any payload is.</summary>
    public string Scope => Payloads.Any(payload => payload.Scope != BackupScope.Whole) ? BackupScope.Partial : BackupScope.Whole;

    /// <summary>The revision of the one database in it that has one; null if none or several have.</summary>
    public string? SchemaRevision => Kept is not null ? Kept.SchemaRevision : Payloads.Select(payload => payload.SchemaRevision).OfType<string>().Take(2).ToArray() is [var only] ? only : null;

    /// <inheritdoc/>
    public override string ToString() => $"{Method} of {Source.Name}, format {FormatVersion}: {string.Join(", ", Payloads.Select(payload => payload.FileName))}";
}
