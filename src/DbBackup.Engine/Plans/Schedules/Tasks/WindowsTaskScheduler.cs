using System.Text;

namespace DbBackup.Engine.Plans.Schedules.Tasks;

/// <summary>The Task Scheduler of Windows: a task for each plan, in the root folder, for a folder of our own could not be removed again.</summary>
internal sealed class WindowsTaskScheduler(SchedulerHost host) : ISystemScheduler
{
    public const string SchedulerName = "TaskScheduler";
    private const string Program = "schtasks";

    public string Name => SchedulerName;

    public string? WhyNot(PlanScope scope) => host.Has(Program) ? null : "This system has no Task Scheduler.";

    public bool IsEnabled(PlanIdentity plan) => host.Has(Program) && host.Run(Program, ["/Query", "/TN", plan.Unit]).ExitCode == 0;

    public SchedulerChange Enable(PlanIdentity identity, BackupPlan plan, ScheduledCommand command)
    {
        string file = Path.Combine(Path.GetTempPath(), identity.Unit + ".xml");
        string xml = TaskXml.Of(plan, command, $"{Environment.UserDomainName}\\{host.User}", TaskTriggers.Of(PlanSchedule.Of(plan)!, host.Zone, TimeProvider.System.GetUtcNow()));
        return new SchedulerChange(
            Name,
            [
                new SchedulerFile(file, xml) { Encoding = Encoding.Unicode },
                new SchedulerProgram(Program, ["/Create", "/TN", identity.Unit, "/XML", file, "/F"]),
                new SchedulerFileRemoval(file),
            ],
            plan.Scope == PlanScope.Machine ? [] : [$"The task runs only while {host.User} is logged on. Plans of the machine (-Scope Machine) run always."])
        { Host = host };
    }

    public SchedulerChange Disable(PlanIdentity plan) =>
        new(Name, [new SchedulerProgram(Program, ["/Delete", "/TN", plan.Unit, "/F"])], []) { Host = host };
}
