namespace DbBackup.Engine.Plans.Schedules.Cron;

/// <summary>cron: the lines of a user's plan are in the user's table, those of the machine's in a file of their own.</summary>
internal sealed class CronScheduler(SchedulerHost host) : ISystemScheduler
{
    public const string SchedulerName = "cron";

    public string Name => SchedulerName;

    public string? WhyNot(PlanScope scope)
    {
        if (!host.Has("crontab"))
            return "cron is not installed.";
        return scope == PlanScope.Machine && !Directory.Exists(host.CronTables) ? $"This cron has no folder '{host.CronTables}' for the machine's plans; root's own (-Scope User) can be used." : null;
    }

    public bool IsEnabled(PlanIdentity plan) => plan.Scope == PlanScope.Machine
        ? File.Exists(TableOf(plan))
        : host.Has("crontab") && Read() is { } table && CronTable.Has(table, plan.Unit);

    public SchedulerChange Enable(PlanIdentity identity, BackupPlan plan, ScheduledCommand command)
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        bool isMachine = plan.Scope == PlanScope.Machine;
        string lines = CronLines.Of(plan, identity.Unit, command, host.Zone, isMachine ? "root" : null, now);
        return new SchedulerChange(
            Name,
            [
                isMachine
                    ? new SchedulerFile(TableOf(identity), "# Written by Enable-DbBackupPlan, removed by Disable-DbBackupPlan.\nSHELL=/bin/sh\n" + lines)
                    : new SchedulerProgram("crontab", ["-"], CronTable.Put(Read(), identity.Unit, lines)),
            ],
            // On macOS it is started when it is needed.
            OperatingSystem.IsMacOS() || host.IsRunning("cron", "crond") ? [] : ["cron does not run, so the plan will not either. Start it, as in: sudo service cron start"])
        { Host = host };
    }

    public SchedulerChange Disable(PlanIdentity plan)
    {
        SchedulerStep step = plan.Scope == PlanScope.Machine ? new SchedulerFileRemoval(TableOf(plan))
            : CronTable.Take(Read() ?? string.Empty, plan.Unit) is { } left ? new SchedulerProgram("crontab", ["-"], left)
            : new SchedulerProgram("crontab", ["-r"]);
        return new SchedulerChange(Name, [step], []) { Host = host };
    }

    private string TableOf(PlanIdentity plan) => Path.Combine(host.CronTables, plan.Unit);

    private string? Read()
    {
        (int exitCode, string output, string errors) = host.Run("crontab", ["-l"]);
        if (exitCode == 0)
            return output;
        // Every cron says so in these words: Vixie's, cronie's, BusyBox's ("can't open 'root': No such file or directory").
        if (errors.Contains("no crontab", StringComparison.OrdinalIgnoreCase) || errors.Contains("No such file", StringComparison.OrdinalIgnoreCase))
            return null;
        throw new BackupFailure(
            ErrorCodes.SchedulerFailed, FailureCategory.Refused, $"The cron table of {host.User} cannot be read: {errors.Trim()}", "Allow this user to use cron (crontab(1), /etc/cron.allow), or choose another scheduler.")
        { Target = host.User };
    }
}
