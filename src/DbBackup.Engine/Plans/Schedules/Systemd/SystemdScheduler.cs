namespace DbBackup.Engine.Plans.Schedules.Systemd;

/// <summary>systemd: a service and a timer for each plan. The plans of root are the system's own, for root has seldom a session.</summary>
internal sealed class SystemdScheduler(SchedulerHost host) : ISystemScheduler
{
    public const string SchedulerName = "systemd";

    public string Name => SchedulerName;

    public string? WhyNot(PlanScope scope)
    {
        if (!Directory.Exists(host.SystemdRuntime))
            return "systemd does not run here.";
        if (IsSystem(scope))
            return null;
        (int exitCode, _, string errors) = host.Run("systemctl", ["--user", "show-environment"]);
        return exitCode == 0 ? null : $"systemd does not run for the user {host.User}: {errors.Trim()}";
    }

    public bool IsEnabled(PlanIdentity plan) => File.Exists(Path.Combine(Units(plan.Scope), plan.Unit + ".timer"));

    public SchedulerChange Enable(PlanIdentity identity, BackupPlan plan, ScheduledCommand command)
    {
        string unit = identity.Unit;
        string units = Units(plan.Scope);
        IReadOnlyList<string> events = OnCalendar.Of(PlanSchedule.Of(plan)!, TimeProvider.System.GetUtcNow());
        return new SchedulerChange(
            Name,
            [
                new SchedulerFile(Path.Combine(units, unit + ".service"), SystemdUnits.Service(plan, command, IsSystem(plan.Scope))),
                new SchedulerFile(Path.Combine(units, unit + ".timer"), SystemdUnits.Timer(plan, events)),
                Control(plan.Scope, "daemon-reload"),
                Control(plan.Scope, "enable", unit + ".timer"),
                Control(plan.Scope, "restart", unit + ".timer"),
            ],
            IsSystem(plan.Scope) || File.Exists(Path.Combine(host.Linger, host.User)) ? [] :
            [
                $"The timer runs only while {host.User} is logged in. To run it always: sudo loginctl enable-linger {host.User}",
            ])
        { Host = host };
    }

    public SchedulerChange Disable(PlanIdentity plan)
    {
        string units = Units(plan.Scope);
        return new SchedulerChange(
            Name,
            [
                Control(plan.Scope, "disable", "--now", plan.Unit + ".timer"),
                new SchedulerFileRemoval(Path.Combine(units, plan.Unit + ".timer")),
                new SchedulerFileRemoval(Path.Combine(units, plan.Unit + ".service")),
                new SchedulerFileRemoval(Path.Combine(IsSystem(plan.Scope) ? host.SystemStamps : host.UserStamps, $"stamp-{plan.Unit}.timer")),
                Control(plan.Scope, "daemon-reload"),
                // Fails for a service that never failed.
                Control(plan.Scope, "reset-failed", plan.Unit + ".service") with { MayFail = true },
            ],
            [])
        { Host = host };
    }

    private bool IsSystem(PlanScope scope) => scope == PlanScope.Machine || host.IsAdministrator;

    private string Units(PlanScope scope) => IsSystem(scope) ? host.SystemUnits : host.UserUnits;

    private SchedulerProgram Control(PlanScope scope, params string[] arguments) => new("systemctl", IsSystem(scope) ? arguments : ["--user", .. arguments]);
}
