using DbBackup.Engine.Plans.Runs;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>
/// Tells if a plan has to run: its schedule had a time since its last run. A scheduler is an alarm clock alone, which may ring too often (or late,
/// after the machine slept): this decides.
/// </summary>
public static class DueTime
{
    /// <summary>The time at which the plan should have run; null if it ran since, or has no schedule.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="runs">The records of its runs.</param>
    /// <param name="now">The present.</param>
    /// <exception cref="BackupException">The schedule cannot be read.</exception>
    public static DateTimeOffset? Of(BackupPlan plan, RunStore runs, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(runs);
        return Of(plan, runs.Last(plan.Name)?.Started, Written(plan.Path), now);
    }

    /// <inheritdoc cref="Of(BackupPlan, RunStore, DateTimeOffset)"/>
    /// <param name="plan">The plan.</param>
    /// <param name="lastRun">When it ran last.</param>
    /// <param name="written">When its file was written: what was due before was due to another plan.</param>
    /// <param name="now">The present.</param>
    internal static DateTimeOffset? Of(BackupPlan plan, DateTimeOffset? lastRun, DateTimeOffset? written, DateTimeOffset now)
    {
        // A date to come is that of a wrong clock, and must not keep the plan from running until then.
        DateTimeOffset since = ((DateTimeOffset?[])[lastRun, written]).Where(time => time <= now).Max() ?? now.AddDays(-1);
        return PlanSchedule.Of(plan)?.NextAfter(since) is { } due && due <= now ? due : null;
    }

    private static DateTimeOffset? Written(string? path) =>
        path is not null && File.Exists(path) ? new DateTimeOffset(File.GetLastWriteTimeUtc(path), TimeSpan.Zero) : null;
}
