using System.Text.Json.Serialization;

namespace DbBackup;

/// <summary>Whose a plan is, which decides where its file lies and as whom its schedule runs it.</summary>
public enum PlanScope
{
    /// <summary>The user's own.</summary>
    User,

    /// <summary>The machine's; only an administrator may change it.</summary>
    Machine,
}

/// <summary>What is backed up, where to, how it is tested and kept, and when: a readable file that Invoke-DbBackupPlan runs.</summary>
public sealed record BackupPlan
{
    /// <summary>The version of the format that this module writes, and the newest that it reads.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The version of the file's format.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The name, which is the file's.</summary>
    public required string Name { get; init; }

    /// <summary>What a person wrote about it.</summary>
    public string? Description { get; init; }

    /// <summary>What is backed up: the parameters of one New-DbBackup each. Wildcards are resolved at each run.</summary>
    public required IReadOnlyList<PlanParameterDictionary> Backup { get; init => field = Indexable.Of(value); }

    /// <summary>The repository; null for the one of the environment or the default.</summary>
    public string? Repository { get; init; }

    /// <summary>Repositories to which each new backup is copied.</summary>
    public IReadOnlyList<PlanCopy> CopyTo { get; init => field = Indexable.Of(value); } = Indexable.Of<PlanCopy>([]);

    /// <summary>What is kept, as in <c>7d,4w,12m</c>; null where nothing is ever removed.</summary>
    public string? Retention { get; init; }

    /// <summary>How often the newest backup is read back; null for never.</summary>
    public TimeSpan? TestEvery { get; init; }

    /// <summary>How often the newest backup is restored into a scratch database and compared; null for never.</summary>
    public TimeSpan? RestoreTestEvery { get; init; }

    /// <summary>When it runs: cron expressions of five fields, or of six with seconds first.</summary>
    public IReadOnlyList<string> Schedule { get; init => field = Indexable.Of(value); } = Indexable.Of<string>([]);

    /// <summary>The time zone of the schedule and of the retention's days, as IANA or Windows names it; null for the machine's.</summary>
    public string? TimeZone { get; init; }

    /// <summary>How old the newest good backup of each source may become, at most; null for twice the time between two runs.</summary>
    public TimeSpan? Rpo { get; init; }

    /// <summary>A command line that the system's shell runs before the backups; if it fails, nothing is backed up.</summary>
    public string? BeforeCommand { get; init; }

    /// <summary>A command line that the system's shell runs after the backups, whether they or <see cref="BeforeCommand"/> failed or not.</summary>
    public string? AfterCommand { get; init; }

    /// <summary>A command line that the system's shell runs at the end of a run in which a step failed.</summary>
    public string? FailureCommand { get; init; }

    /// <summary>Who is told of a run.</summary>
    public IReadOnlyList<PlanNotification> Notify { get; init => field = Indexable.Of(value); } = Indexable.Of<PlanNotification>([]);

    /// <summary>A file for the node exporter's textfile collector, written after each run; null for none.</summary>
    public string? MetricsPath { get; init; }

    /// <summary>A JSON file with the health of each source, written after each run; null for none.</summary>
    public string? HealthPath { get; init; }

    /// <summary>Whose it is.</summary>
    [JsonIgnore]
    public PlanScope Scope { get; init; }

    /// <summary>The file.</summary>
    [JsonIgnore]
    public string? Path { get; init; }

    /// <summary>When it runs next by its schedule, in local time; null without one.</summary>
    [JsonIgnore]
    public DateTimeOffset? NextRun { get; init; }

    /// <summary>The scheduler in which it is enabled: <c>systemd</c>, <c>cron</c>, <c>TaskScheduler</c>; null where it is not.</summary>
    [JsonIgnore]
    public string? Scheduler { get; init; }

    /// <summary>Its last run; null where it never ran.</summary>
    [JsonIgnore]
    public BackupRun? LastRun { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
