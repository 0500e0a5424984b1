namespace DbBackup.Engine.Plans.Schedules;

/// <summary>A scheduler of this machine, which runs plans at their times.</summary>
public interface ISystemScheduler
{
    /// <summary>The name: <c>systemd</c>, <c>cron</c> or <c>TaskScheduler</c>.</summary>
    string Name { get; }

    /// <summary>Says why it cannot be used here; null if it can.</summary>
    string? WhyNot(PlanScope scope);

    /// <summary>True if the plan is enabled in it.</summary>
    bool IsEnabled(PlanIdentity plan);

    /// <summary>Plans what enables a plan: the same steps again change nothing.</summary>
    /// <exception cref="BackupException">It cannot run at such times.</exception>
    SchedulerChange Enable(PlanIdentity identity, BackupPlan plan, ScheduledCommand command);

    /// <summary>Plans what takes a plan out of it without a trace.</summary>
    SchedulerChange Disable(PlanIdentity plan);
}

/// <summary>What is done to a scheduler: shown by -WhatIf, and carried out as it is shown.</summary>
/// <param name="Scheduler">The scheduler's name.</param>
/// <param name="Steps">The steps in their order.</param>
/// <param name="Warnings">What the user has to know.</param>
public sealed record SchedulerChange(string Scheduler, IReadOnlyList<SchedulerStep> Steps, IReadOnlyList<string> Warnings)
{
    internal SchedulerHost Host { get; init; } = SchedulerHost.ThisMachine;

    /// <summary>The steps as a text.</summary>
    public string Text => string.Join('\n', Steps.Select(step => step.Text));

    /// <summary>Carries the steps out.</summary>
    /// <exception cref="BackupException">One of them failed.</exception>
    public void Run()
    {
        foreach (SchedulerStep step in Steps)
        {
            try
            {
                step.Run(Host);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new BackupFailure(
                    exception is UnauthorizedAccessException ? ErrorCodes.PermissionDenied : ErrorCodes.SchedulerFailed,
                    exception is UnauthorizedAccessException ? FailureCategory.PermissionDenied : FailureCategory.WriteError,
                    $"{step.Text.Split('\n')[0].TrimEnd(':')}: {exception.Message}",
                    exception is UnauthorizedAccessException ? "Run this as an administrator (sudo), or use a plan of your own (-Scope User)." : "Correct the folder's rights or make room, then try again.",
                    exception)
                { Target = Scheduler };
            }
        }
    }
}
