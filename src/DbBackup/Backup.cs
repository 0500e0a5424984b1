namespace DbBackup;

/// <summary>One restorable unit of one source, as it is listed from a repository.</summary>
public sealed class Backup
{
    private static readonly IReadOnlyList<string> s_noTags = Indexable.Of<string>([]);
    private readonly BackupHold? _hold;
    private readonly BackupSignature? _signature;

    /// <summary>Creates the object from what the repository holds.</summary>
    /// <param name="manifest">The manifest; null where it cannot be read or is too new.</param>
    /// <param name="source">The source's name, which is the folder's.</param>
    /// <param name="name">The backup's name, which is the folder's.</param>
    /// <param name="repository">The repository's location.</param>
    /// <param name="location">Where the backup lies.</param>
    /// <param name="tests">The records of its tests, oldest first.</param>
    /// <param name="problem">Why the manifest cannot be used; null where it can.</param>
    /// <param name="isAltered">True if the problem is damage, and the manifest can be read: it is not what was written, or the full backup is missing.</param>
    /// <param name="hold">What keeps it from being removed, also if that has ended; null without.</param>
    /// <param name="signature">Who signed it and what that is worth here; null if signatures were not read.</param>
    public Backup(
        Manifest? manifest,
        string source,
        string name,
        string repository,
        string location,
        IReadOnlyList<TestRecord> tests,
        string? problem = null,
        bool isAltered = false,
        BackupHold? hold = null,
        BackupSignature? signature = null)
    {
        ArgumentNullException.ThrowIfNull(tests);
        Manifest = manifest;
        Source = source;
        Name = name;
        Repository = repository;
        Location = location;
        Tests = Indexable.Of(tests);
        Problem = problem;
        IsAltered = isAltered;
        _hold = hold;
        _signature = signature;
    }

    /// <summary>The backup's name, unique within its source.</summary>
    public string Name { get; }

    /// <summary>The source's exact name.</summary>
    public string Source { get; }

    /// <summary>The kind of the source: <c>Sqlite</c>, <c>PostgreSql</c>, <c>Files</c>.</summary>
    public string? Engine => Manifest?.Source.Engine;

    /// <summary>How it was made: <c>Full</c> or <c>Incremental</c>.</summary>
    public string? Method => Manifest?.Method;

    /// <summary>The name of the full backup from which an incremental one differs; null for a full one.</summary>
    public string? Parent => Manifest?.Parent?.Name;

    /// <summary>Why it was made: <c>Manual</c>, <c>Scheduled</c>, <c>PreMigration</c>, <c>Safety</c> or <c>Rehearsal</c>.</summary>
    public string? Reason => Manifest?.Reason;

    /// <summary>True if it holds all of its source: <c>Whole</c> or <c>Partial</c>.</summary>
    public string? Scope => Manifest?.Scope;

    /// <summary>When its snapshot was taken, in local time.</summary>
    public DateTimeOffset? Created => Manifest?.Created.ToLocalTime();

    /// <summary>How old it is now, in days: a flat value for JSON. A shell shows and compares it as what <see cref="GetAge"/> returns.</summary>
    public double? Age => GetAge()?.TotalDays;

    /// <summary>Bytes that it added to the repository, without its parent's; on the server for a database that is kept there.</summary>
    public long Size => Manifest?.Kept?.Size ?? Manifest?.Payloads.Sum(payload => payload.StoredSize) ?? 0;

    /// <summary>Bytes before compression.</summary>
    public long OriginalSize => Manifest?.Kept?.Size ?? Manifest?.Payloads.Sum(payload => payload.OriginalSize) ?? 0;

    /// <summary>How long it took to make, in seconds: a flat value for JSON. A shell shows it as what <see cref="GetDuration"/> returns.</summary>
    public double? Duration => Manifest?.DurationSeconds;

    /// <summary>Returns how old it is now; null for a backup whose manifest cannot be read.</summary>
    public BackupAge? GetAge() => Manifest is null ? null : BackupAge.Since(Manifest.Created);

    /// <summary>Returns how long it took to make; null for a backup whose manifest cannot be read.</summary>
    public TimeSpan? GetDuration() => Manifest is null ? null : TimeSpan.FromSeconds(Manifest.DurationSeconds);

    /// <summary>How far it has proved itself: the best of its tests since the last failed one, or the failure.</summary>
    public BackupStatus Status
    {
        get
        {
            if (Problem is not null)
                return IsAltered ? BackupStatus.Damaged : BackupStatus.Unreadable;
            BackupStatus status = BackupStatus.Written;
            foreach (TestRecord test in Tests)
                status = After(status, test);
            return status;
        }
    }

    /// <summary>When it was last tested, in local time; null where it never was.</summary>
    public DateTimeOffset? LastTested => Tests.Count == 0 ? null : Tests[^1].Tested.ToLocalTime();

    /// <summary>Its Alembic revision.</summary>
    public string? SchemaRevision => Manifest?.SchemaRevision;

    /// <summary>The git commit of the folder in which the source lies.</summary>
    public string? GitCommit => Manifest?.Git?.Commit;

    /// <summary>Where the database is that this entry keeps on its server; null for a backup in the repository.</summary>
    public string? KeptOnServer => Manifest?.Kept?.Location;

    /// <summary>The person's own labels.</summary>
    public IReadOnlyList<string> Tags => Manifest?.Tags ?? s_noTags;

    /// <summary>What keeps it from being removed (Lock-DbBackup); null if nothing does, or no longer.</summary>
    public BackupHold? Hold => GetHold(DateTimeOffset.UtcNow);

    /// <summary>Returns what keeps it from being removed at a moment; null if nothing does then.</summary>
    public BackupHold? GetHold(DateTimeOffset moment) => _hold?.HoldsAt(moment) == true ? _hold : null;

    /// <summary>The repository in which it lies.</summary>
    public string Repository { get; }

    /// <summary>Its folder.</summary>
    public string Location { get; }

    /// <summary>Why it cannot be used; null where it can.</summary>
    public string? Problem { get; }

    // Reading files back says nothing of what a restore gives.
    private static BackupStatus After(BackupStatus status, TestRecord test) =>
        !test.Passed ? test.Reached == BackupStatus.Mismatched ? BackupStatus.Mismatched : BackupStatus.Damaged
        : status == BackupStatus.Mismatched && test.Level != BackupTestLevel.Restore ? status
        : (BackupStatus)Math.Max((int)status, (int)test.Reached);

    // Its manifest can be read, but is not what was written, or its full backup is not there.
    private bool IsAltered { get; }

    /// <summary>Its identity; null where the manifest cannot be read.</summary>
    public Guid? Id => Manifest?.Id;

    /// <summary>What is in it and how to check it; null where it cannot be read.</summary>
    public Manifest? Manifest { get; }

    /// <summary>The records of its tests, oldest first.</summary>
    public IReadOnlyList<TestRecord> Tests { get; }

    /// <summary>True if a restore from it can be expected to work: its manifest is readable and not suspect, and its last test did not fail.</summary>
    public bool IsGood => Status >= BackupStatus.Written && !IsSuspect;

    /// <summary>Who signed it: the computer, and the first digits of the key's fingerprint; null for an unsigned one.</summary>
    public string? Signer => _signature?.Signer;

    /// <summary>What its signature is worth to this user; null if its manifest cannot be read.</summary>
    public SignatureStatus? Signature => _signature?.Status;

    /// <summary>What is wrong with its signature; null if nothing is.</summary>
    public string? SignatureProblem => _signature?.Problem;

    /// <summary>True if its signature gives reason to think that someone else has put it there: Restore-DbBackup refuses it without -Force.</summary>
    public bool IsSuspect => _signature is { IsTrusted: false };

    /// <summary>Returns all that is known of its signature; null if its manifest cannot be read.</summary>
    public BackupSignature? GetSignature() => _signature;

    /// <summary>True if it is encrypted.</summary>
    public bool IsEncrypted => Manifest?.Encryption is not null;

    /// <summary>Returns the same backup, which is damaged for a reason that lies outside of it: its full backup is missing, say.</summary>
    /// <param name="problem">Why it cannot be used.</param>
    public Backup WithDamage(string problem) => new(Manifest, Source, Name, Repository, Location, Tests, problem, isAltered: true, _hold, _signature);

    /// <summary>Returns the same backup with what a key has opened of its manifest.</summary>
    public Backup WithManifest(Manifest manifest) => new(manifest, Source, Name, Repository, Location, Tests, Problem, IsAltered, _hold, _signature);

    /// <summary>True if it holds far less than the source's last good backup before it, or lacks databases of its server: it does not count as the last good one.</summary>
    public bool IsCollapsed => Manifest?.Collapsed.Count > 0;

    /// <inheritdoc/>
    public override string ToString() => $"{Source}/{Name}";
}
