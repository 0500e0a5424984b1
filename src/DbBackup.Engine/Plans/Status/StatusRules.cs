using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Plans.Status;

/// <summary>Judges how a source is backed up: a pure function of what is known and of the moment.</summary>
internal static class StatusRules
{
    /// <summary>Judges a source.</summary>
    public static SourceStatus Judge(StatusFacts facts, DateTimeOffset now)
    {
        Backup[] whole = [.. facts.Backups.Where(IsWholeGood)];
        Backup? latest = whole.FirstOrDefault(backup => !backup.IsCollapsed);
        TimeSpan? rpo = RpoOf(facts);
        StatusReason[] reasons =
        [
            .. facts.RepositoryProblem is { } problem ? [Unreadable(facts, problem)] : AgeFindings.Of(facts, latest, rpo, now),
            .. PlanFindings.Of(facts, now),
            .. BackupFindings.Of(facts, now),
            .. facts.RepositoryProblem is null ? TestFindings.Of(facts, latest, now) : [],
            .. SpaceFindings.Of(facts),
        ];
        TestRecord? test = LastTest(facts.Backups, _ => true);
        TestRecord? restoreTest = LastTest(facts.Backups, record => record.Level == BackupTestLevel.Restore);
        BackupRun? run = facts.Plan?.Runs is [var newest, ..] ? newest : null;
        return new SourceStatus
        {
            Source = facts.Source,
            Plan = facts.Plan?.Plan.Name,
            Repository = facts.Repository,
            Reasons = [.. reasons.OrderByDescending(reason => reason.Severity)],
            Checked = now.ToLocalTime(),
            Latest = latest?.ToString(),
            LatestCreated = latest?.Created,
            LatestSize = latest?.Size,
            LatestStatus = latest?.Status,
            Rpo = rpo?.TotalDays,
            LastTest = test?.Tested.ToLocalTime(),
            LastTestPassed = test?.Passed,
            LastRestoreTest = restoreTest?.Tested.ToLocalTime(),
            LastRestoreTestPassed = restoreTest?.Passed,
            Count = facts.Backups.Count,
            Size = facts.Backups.Where(backup => backup.KeptOnServer is null).Sum(backup => backup.Size),
            Classes = BackupClasses.Of(facts.Backups, facts.Plan?.Plan, now),
            GrowthPerWeek = Growth.PerWeek(whole),
            Change = Growth.Change(whole),
            NextRun = facts.Plan is { IsActive: true, Schedule: { } schedule } ? schedule.NextAfter(now)?.ToLocalTime() : null,
            LastRun = run?.Started.ToLocalTime(),
            LastRunState = run?.State,
            LastRunError = run?.Failure,
            FreeSpace = facts.Space.Free,
            FreeBackups = facts.Space is { Free: { } free, Round: > 0 and var round } ? free / round : null,
            FreeDays = facts.Space is { Free: { } room, PerDay: > 0 and var rate } ? Math.Round(room / rate, 1) : null,
        };
    }

    /// <summary>True if a backup can stand for its source; one that collapsed is counted here, since its size is a fact.</summary>
    private static bool IsWholeGood(Backup backup) =>
        backup is { IsGood: true, Manifest.Kept: null } && backup.Scope == BackupScope.Whole && BackupSelection.IsOrdinary(backup);

    // What a schedule promises holds as long as something runs it; what a person has stated always does.
    private static TimeSpan? RpoOf(StatusFacts facts) => facts.Plan is { } plan
        ? plan.Plan.Rpo ?? (plan.IsActive ? plan.Interval * 2 : null) ?? facts.Rpo
        : facts.Rpo;

    private static TestRecord? LastTest(IReadOnlyList<Backup> backups, Func<TestRecord, bool> counts) =>
        backups.SelectMany(backup => backup.Tests).Where(counts).MaxBy(record => record.Tested);

    private static StatusReason Unreadable(StatusFacts facts, BackupException problem) => new()
    {
        Severity = BackupHealth.Critical,
        Code = StatusCodes.RepositoryUnreadable,
        Text = $"The repository '{facts.Repository}' cannot be read: {problem.Message}",
        NextStep = problem.Hint,
    };
}
