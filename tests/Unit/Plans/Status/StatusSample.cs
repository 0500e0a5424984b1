using System.Globalization;
using DbBackup.Engine.Plans.Status;

namespace DbBackup.Tests.Unit.Plans.Status;

/// <summary>A source, its plan and its repository as a test wants them, and their judgement.</summary>
internal sealed record StatusSample
{
    /// <summary>A Sunday; 02:00 in Berlin was ten hours ago.</summary>
    public static readonly DateTimeOffset Noon = new(2026, 11, 29, 11, 0, 0, TimeSpan.Zero);

    public DateTimeOffset Now { get; init; } = Noon;

    public IReadOnlyList<Backup> Backups { get; init; } = [];

    public BackupPlan? Plan { get; init; }

    public bool IsActive { get; init; } = true;

    public DateTimeOffset? Changed { get; init; } = Noon.AddDays(-100);

    public IReadOnlyList<BackupRun> Runs { get; init; } = [];

    public TimeSpan? Rpo { get; init; }

    public SpaceFacts Space { get; init; } = SpaceFacts.Unknown;

    public BackupException? Problem { get; init; }

    public static BackupPlan Nightly(Func<BackupPlan, BackupPlan>? change = null)
    {
        var plan = new BackupPlan
        {
            Name = "nightly",
            Backup = [new PlanParameterDictionary([new("Path", "/srv/app.db")])],
            Schedule = ["0 2 * * *"],
            TimeZone = "Europe/Berlin",
        };
        return change is null ? plan : change(plan);
    }

    public static Backup Made(
        DateTimeOffset created, string? name = null, long size = 1000, string reason = BackupReason.Scheduled, string scope = BackupScope.Whole,
        BackupHold? hold = null, IReadOnlyList<string>? collapsed = null, IReadOnlyList<TestRecord>? tests = null, string? problem = null, string source = "app")
    {
        name ??= created.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var payload = new Payload
        {
            FileName = "app.db",
            Kind = PayloadKind.Database,
            Format = PayloadFormat.SqliteFile,
            Compression = PayloadCompression.None,
            Scope = scope,
            OriginalSize = size,
            StoredSize = size,
            OriginalSha256 = new string('0', 64),
            StoredSha256 = new string('0', 64),
            RestoreName = "app.db",
        };
        var manifest = new Manifest
        {
            Id = Guid.NewGuid(),
            Name = name,
            Reason = reason,
            Created = created.ToUniversalTime(),
            Completed = created.ToUniversalTime(),
            Source = new SourceInfo { Name = source, Engine = "Sqlite" },
            Payloads = [payload],
            Collapsed = collapsed ?? [],
            Host = "db1",
        };
        return new Backup(problem is null ? manifest : null, source, name, "/repository", $"/repository/{source}/{name}", tests ?? [], problem, hold: hold);
    }

    public static TestRecord Test(DateTimeOffset tested, BackupTestLevel level = BackupTestLevel.Structure, BackupStatus reached = BackupStatus.Checked) => new()
    {
        Tested = tested,
        Level = level,
        Passed = reached > BackupStatus.Written,
        Reached = reached,
        Failure = reached > BackupStatus.Written ? null : "app.db: SHA-256 differs",
    };

    public static BackupRun Run(DateTimeOffset started, BackupRunState state = BackupRunState.Succeeded, string? source = "app", string trigger = "Schedule", string? failure = null, params string[] steps) => new()
    {
        Id = started.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture),
        Plan = "nightly",
        State = state,
        Trigger = trigger,
        Started = started,
        Host = "db1",
        Failure = failure,
        Backups = source is null ? [] : [new BackupRunBackup { Source = source, Name = "x" }],
        Steps = [.. steps.Select(name => new BackupRunStep { Name = name, State = BackupRunStepState.Done, Started = started })],
    };

    public SourceStatus Judge() => StatusRules.Judge(
        new StatusFacts
        {
            Source = "app",
            Repository = "/repository",
            Backups = Backups,
            RepositoryProblem = Problem,
            Plan = Plan is null ? null : new PlanFacts(Plan, Runs, IsActive, Changed, Now),
            Rpo = Rpo,
            Space = Space,
        },
        Now);

    /// <summary>The alarms, as in <c>Critical BackupTooOld</c>; notes are none.</summary>
    public string[] Alarms() => [.. Judge().Reasons.Where(reason => reason.Severity > BackupHealth.OK).Select(reason => $"{reason.Severity} {reason.Code}")];
}
