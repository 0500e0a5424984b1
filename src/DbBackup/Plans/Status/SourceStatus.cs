namespace DbBackup;

/// <summary>How a source is backed up at one moment: as its plan says, or as its repository shows.</summary>
public sealed record SourceStatus
{
    private const int SecondsPerDay = 86400;

    /// <summary>The source's exact name; what the plan says of it, where no run has told the name yet.</summary>
    public required string Source { get; init; }

    /// <summary>The plan that backs it up; null for a source of no plan.</summary>
    public string? Plan { get; init; }

    /// <summary>The repository.</summary>
    public required string Repository { get; init; }

    /// <summary>The worst of the reasons.</summary>
    public BackupHealth Health => Reasons.Count == 0 ? BackupHealth.OK : Reasons.Max(reason => reason.Severity);

    /// <summary>What a person should know, the most urgent first; notes, which are no alarm, last.</summary>
    public IReadOnlyList<StatusReason> Reasons { get; init => field = Indexable.Of(value); } = Indexable.Of<StatusReason>([]);

    /// <summary>When this was looked at, in local time.</summary>
    public required DateTimeOffset Checked { get; init; }

    /// <summary>The name of the newest whole good backup; null without one.</summary>
    public string? Latest { get; init; }

    /// <summary>When its snapshot was taken, in local time.</summary>
    public DateTimeOffset? LatestCreated { get; init; }

    /// <summary>How old it was then, in days: a flat value for JSON. A shell shows it as what <see cref="GetAge"/> returns.</summary>
    public double? Age => GetAge()?.TotalDays;

    /// <summary>Its bytes in the repository.</summary>
    public long? LatestSize { get; init; }

    /// <summary>How far it has proved itself.</summary>
    public BackupStatus? LatestStatus { get; init; }

    /// <summary>How old it may become, in days: the plan's RPO, else twice its schedule's longest interval, else what was asked for.</summary>
    public double? Rpo { get; init; }

    /// <summary>The last test of any of its backups, in local time.</summary>
    public DateTimeOffset? LastTest { get; init; }

    /// <summary>True if it passed.</summary>
    public bool? LastTestPassed { get; init; }

    /// <summary>The last restore test of any of its backups, in local time.</summary>
    public DateTimeOffset? LastRestoreTest { get; init; }

    /// <summary>True if it passed.</summary>
    public bool? LastRestoreTestPassed { get; init; }

    /// <summary>How many backups there are.</summary>
    public int Count { get; init; }

    /// <summary>Their bytes in the repository.</summary>
    public long Size { get; init; }

    /// <summary>The same by class: each backup counts for the longest-lived rule that keeps it.</summary>
    public IReadOnlyList<BackupClass> Classes { get; init => field = Indexable.Of(value); } = Indexable.Of<BackupClass>([]);

    /// <summary>By how many bytes a week a backup has grown in the last quarter of a year; null where too few tell.</summary>
    public long? GrowthPerWeek { get; init; }

    /// <summary>How much larger the newest whole backup is than the one before: 0.1 for a tenth; null without two.</summary>
    public double? Change { get; init; }

    /// <summary>When the plan runs next, in local time.</summary>
    public DateTimeOffset? NextRun { get; init; }

    /// <summary>When its last run began, in local time.</summary>
    public DateTimeOffset? LastRun { get; init; }

    /// <summary>How that ended.</summary>
    public BackupRunState? LastRunState { get; init; }

    /// <summary>Why it failed.</summary>
    public string? LastRunError { get; init; }

    /// <summary>Free bytes of the repository; null where the place does not say.</summary>
    public long? FreeSpace { get; init; }

    /// <summary>How many more backups of all the repository's sources fit in there, if nothing is removed.</summary>
    public long? FreeBackups { get; init; }

    /// <summary>For how many days that is enough at the present rate, if nothing is removed.</summary>
    public double? FreeDays { get; init; }

    /// <summary>Returns how old the newest whole good backup was; null without one.</summary>
    public BackupAge? GetAge() => LatestCreated is { } created ? new BackupAge(Checked - created) : null;

    /// <summary>Returns how old it may become; null for any age.</summary>
    public BackupAge? GetRpo() => Rpo is { } days ? new BackupAge(TimeSpan.FromSeconds(Math.Round(days * SecondsPerDay))) : null;

    /// <inheritdoc/>
    public override string ToString() => $"{Source}{(Plan is null ? string.Empty : $" ({Plan})")}: {Health}";
}
