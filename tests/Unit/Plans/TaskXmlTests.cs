using System.Xml.Linq;
using Cronos;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.Engine.Plans.Schedules.Tasks;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Plans;

public sealed class TaskXmlTests
{
    private static readonly XNamespace Ns = TaskXml.Namespace;

    private static IReadOnlyList<XElement> Triggers(string text, string zone = "UTC", string machine = "UTC") =>
        TaskTriggers.Of(PlanSchedule.Of(ScheduleSimulation.Plan(text, zone))!, TimeZoneInfo.FindSystemTimeZoneById(machine), ScheduleSimulation.Now);

    [Fact]
    public void The_task_fires_at_each_time_of_a_schedule_in_whatever_zone()
    {
        for (int seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            string text = ScheduleSamples.Expression(random, plain: false);
            string zone = ScheduleSamples.Zone(random);
            string machine = random.Next(2) == 0 ? zone : ScheduleSamples.Zone(random);
            IReadOnlyList<XElement> triggers = Triggers(text, zone, machine);
            Assert.InRange(triggers.Count, 1, 48);
            var machineZone = TimeZoneInfo.FindSystemTimeZoneById(machine);
            foreach (DateTimeOffset time in CronExpression.Parse(text).GetOccurrences(ScheduleSimulation.Now, ScheduleSimulation.Now.AddMonths(3), TimeZoneInfo.FindSystemTimeZoneById(zone)).Take(60))
                Assert.True(ScheduleSimulation.TaskFires(triggers, machineZone, time), $"'{text}' in {zone} on a machine in {machine} at {time:u}:\n{string.Join('\n', triggers)}");
        }
    }

    [Fact]
    public void A_nightly_plan_is_one_trigger()
    {
        XElement trigger = Assert.Single(Triggers("0 2 * * *"));
        Assert.Equal("2026-11-29T02:00:00", trigger.Element(Ns + "StartBoundary")!.Value);
        Assert.Null(trigger.Element(Ns + "Repetition"));
        Assert.Equal("1", trigger.Element(Ns + "ScheduleByDay")!.Element(Ns + "DaysInterval")!.Value);
    }

    [Fact]
    public void Even_times_through_the_day_are_one_trigger_that_repeats()
    {
        XElement trigger = Assert.Single(Triggers("*/15 * * * *"));
        Assert.Equal("PT15M", trigger.Element(Ns + "Repetition")!.Element(Ns + "Interval")!.Value);
    }

    [Fact]
    public void The_definition_is_what_the_task_scheduler_reads()
    {
        BackupPlan plan = ScheduleSimulation.Plan("0 2 * * 1-5", "UTC", "Ann's \"shop\" & <more>".Replace("\"", string.Empty, StringComparison.Ordinal).Replace("<more>", "more", StringComparison.Ordinal));
        string xml = TaskXml.Of(plan, ScheduleSimulation.Command with { Variables = new Dictionary<string, string> { ["DBBACKUP_REPOSITORY"] = @"D:\back ups\" } }, @"HOST\ann", Triggers("0 2 * * 1-5"));
        XElement task = XDocument.Parse(xml).Root!;
        Assert.Equal(["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"], task.Elements().Select(element => element.Name.LocalName));
        Assert.All(task.DescendantsAndSelf(), element => Assert.Equal(Ns, element.Name.Namespace));
        XElement settings = task.Element(Ns + "Settings")!;
        Assert.Equal("true", settings.Element(Ns + "StartWhenAvailable")!.Value);
        Assert.Equal("IgnoreNew", settings.Element(Ns + "MultipleInstancesPolicy")!.Value);
        Assert.Equal("PT0S", settings.Element(Ns + "ExecutionTimeLimit")!.Value);
        Assert.Equal(@"HOST\ann", task.Descendants(Ns + "UserId").Single().Value);
        XElement action = task.Element(Ns + "Actions")!.Element(Ns + "Exec")!;
        Assert.Equal("/opt/ps/pwsh", action.Element(Ns + "Command")!.Value);
        Assert.Equal(
            @"-NoProfile -NonInteractive -Command ""$env:DBBACKUP_REPOSITORY = 'D:\back ups\'; Import-Module DbBackup -ErrorAction Stop; Invoke-DbBackupPlan -Name 'Ann''s shop & more' -Scope User -Trigger Schedule -IfDue""",
            action.Element(Ns + "Arguments")!.Value);
    }

    [Fact]
    public void The_machines_plans_run_as_the_system()
    {
        XElement principal = XDocument.Parse(TaskXml.Of(ScheduleSimulation.Plan("0 2 * * *", "UTC") with { Scope = PlanScope.Machine }, ScheduleSimulation.Command, "x", [])).Descendants(Ns + "Principal").Single();
        Assert.Equal("S-1-5-18", principal.Element(Ns + "UserId")!.Value);
        Assert.Equal("HighestAvailable", principal.Element(Ns + "RunLevel")!.Value);
        Assert.Null(principal.Element(Ns + "LogonType"));
    }

    [Fact]
    public void Seconds_are_refused() => Assert.Equal(ErrorCodes.ScheduleInvalid, Assert.ThrowsAny<BackupException>(() => Triggers("5 0 2 * * *")).Code);

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a b", "\"a b\"")]
    [InlineData("", "\"\"")]
    [InlineData(@"a ""b""", @"""a \""b\""""")]
    [InlineData(@"C:\a b\", @"""C:\a b\\""")]
    [InlineData(@"a\\""b c", @"""a\\\\\""b c""")]
    public void Arguments_are_quoted_as_windows_reads_them(string argument, string expected) => Assert.Equal(expected, WindowsCommandLine.Join([argument]));
}
