using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Schedules.Cron;
using DbBackup.Engine.Plans.Schedules.Systemd;
using DbBackup.Engine.Plans.Schedules.Tasks;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>The schedulers that a machine can have.</summary>
public static class SystemSchedulers
{
    /// <summary>All of them; the first that can be used is chosen.</summary>
    public static IReadOnlyList<ISystemScheduler> All { get; } = OperatingSystem.IsWindows()
        ? [new WindowsTaskScheduler(SchedulerHost.ThisMachine)]
        : [new SystemdScheduler(SchedulerHost.ThisMachine), new CronScheduler(SchedulerHost.ThisMachine)];

    /// <summary>The names of all schedulers, those of other systems too.</summary>
    public static IReadOnlyList<string> Names { get; } = [SystemdScheduler.SchedulerName, CronScheduler.SchedulerName, WindowsTaskScheduler.SchedulerName];

    /// <summary>Chooses a scheduler.</summary>
    /// <param name="name">Its name; null for the one that the machine has.</param>
    /// <param name="scope">Whose plan is to run.</param>
    /// <exception cref="BackupException">There is none, or it cannot be used here.</exception>
    public static ISystemScheduler Choose(string? name, PlanScope scope)
    {
        ISystemScheduler[] meant = [.. All.Where(scheduler => name is null || scheduler.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
        if (meant.FirstOrDefault(scheduler => scheduler.WhyNot(scope) is null) is { } usable)
            return usable;
        string why = meant.Length == 0 ? $"'{name}' is no scheduler of this system." : string.Join(' ', meant.Select(scheduler => scheduler.WhyNot(scope)));
        throw new BackupFailure(
            ErrorCodes.SchedulerFailed, FailureCategory.NotSupported, $"No scheduler can be used: {why}", "Install cron, or run the plans in the foreground: Start-DbBackupService.")
        { Target = name };
    }

    /// <summary>The schedulers in which a plan is enabled.</summary>
    public static IReadOnlyList<ISystemScheduler> FindEnabled(PlanIdentity plan) => [.. All.Where(scheduler => scheduler.IsEnabled(plan))];

    /// <summary>Adds to a plan when it runs next and the scheduler in which it is enabled.</summary>
    public static BackupPlan Complete(BackupPlan plan, PlanFolders folders, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return plan with
        {
            NextRun = PlanSchedule.Of(plan)?.NextAfter(now)?.ToLocalTime(),
            Scheduler = FindEnabled(PlanIdentity.Of(plan.Name, folders)) is [var first, ..] ? first.Name : null,
        };
    }

    /// <summary>Plans what enables a plan in one scheduler, and takes it out of any other.</summary>
    /// <exception cref="BackupException">It has no schedule, or one that the scheduler cannot have.</exception>
    public static IReadOnlyList<SchedulerChange> Enable(BackupPlan plan, PlanFolders folders, ScheduledCommand command, string? scheduler)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (PlanSchedule.Of(plan) is null)
        {
            throw new BackupFailure(
                ErrorCodes.ScheduleInvalid, FailureCategory.InvalidArgument, $"The plan '{plan.Name}' has no schedule.", $"Give it one: Set-DbBackupPlan {PowerShellText.Quote(plan.Name)} -Daily -At 02:00.")
            { Target = plan.Name };
        }

        PlanIdentity identity = PlanIdentity.Of(plan.Name, folders);
        ISystemScheduler chosen = Choose(scheduler, folders.Scope);
        return
        [
            .. FindEnabled(identity).Where(other => other.Name != chosen.Name).Select(other => other.Disable(identity)),
            chosen.Enable(identity, plan, command),
        ];
    }

    /// <summary>Plans what takes a plan out of every scheduler; nothing where it is in none.</summary>
    public static IReadOnlyList<SchedulerChange> Disable(string plan, PlanFolders folders)
    {
        PlanIdentity identity = PlanIdentity.Of(plan, folders);
        return [.. FindEnabled(identity).Select(scheduler => scheduler.Disable(identity))];
    }
}
