using DbBackup.Engine.Plans.Schedules;

namespace DbBackup.Engine.Plans.Status;

/// <summary>What is known of a plan, and what follows from its schedule.</summary>
internal sealed class PlanFacts
{
    /// <summary>Gathers it.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="runs">Its runs, newest first.</param>
    /// <param name="isActive">True if something runs it by its schedule: the machine's scheduler, or the service.</param>
    /// <param name="changed">When its file was last written; null where that is not known.</param>
    /// <param name="now">The moment.</param>
    public PlanFacts(BackupPlan plan, IReadOnlyList<BackupRun> runs, bool isActive, DateTimeOffset? changed, DateTimeOffset now)
    {
        Plan = plan;
        Runs = runs;
        Changed = changed;
        try
        {
            Schedule = PlanSchedule.Of(plan);
            Interval = Schedule is null ? null : ScheduleTimes.LongestInterval(Schedule, now);
        }
        catch (BackupException problem)
        {
            Problem = problem;
        }

        IsActive = isActive && Schedule is not null;
        MissedRun = IsActive ? FindMissed(now) : null;
        IsFirstRunPending = !runs.Any(run => run.State != BackupRunState.Running) && Problem is null && MissedRun is null && (IsActive || now - changed is not { } age || !(age > Patience));
    }

    /// <summary>The plan.</summary>
    public BackupPlan Plan { get; }

    /// <summary>Its name as PowerShell takes it.</summary>
    public string Quoted => StatusText.Quoted(Plan.Name);

    /// <summary>Its schedule; null without one.</summary>
    public PlanSchedule? Schedule { get; }

    /// <summary>Why its schedule cannot be read; null where it can.</summary>
    public BackupException? Problem { get; }

    /// <summary>The longest time between two runs by its schedule.</summary>
    public TimeSpan? Interval { get; }

    /// <summary>True if something runs it by its schedule.</summary>
    public bool IsActive { get; }

    /// <summary>When its file was last written.</summary>
    public DateTimeOffset? Changed { get; }

    /// <summary>Its runs, newest first.</summary>
    public IReadOnlyList<BackupRun> Runs { get; }

    /// <summary>The first run that is overdue; null if none is.</summary>
    public DateTimeOffset? MissedRun { get; }

    /// <summary>True if it has not run yet, and need not have.</summary>
    public bool IsFirstRunPending { get; }

    // What nothing runs is forgotten, not new, after two intervals; what has no schedule promises no more than its RPO.
    private TimeSpan? Patience => Plan.Rpo ?? Interval * 2;

    // A plan is not blamed for what was before it was written.
    private DateTimeOffset? FindMissed(DateTimeOffset now)
    {
        BackupRun? last = Runs.Count > 0 ? Runs[0] : null;
        if (last?.State == BackupRunState.Running)
            return null;
        DateTimeOffset? since = last is null || Changed > last.Started ? Changed : last.Started;
        if (since is not { } from || Schedule!.NextAfter(from) is not { } due)
            return null;
        return now - due > ScheduleTimes.Grace(Interval) ? due : null;
    }
}
