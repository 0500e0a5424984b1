using DbBackup.Engine.Plans.Schedules;
using DbBackup.Engine.Plans.Schedules.Systemd;

namespace DbBackup.Tests.Unit.Plans;

public sealed class SystemdUnitsTests
{
    private static IReadOnlyList<string> Events(string text, string zone) => OnCalendar.Of(PlanSchedule.Of(ScheduleSimulation.Plan(text, zone))!, ScheduleSimulation.Now);

    [Theory]
    [InlineData("0 2 * * *", "*-*-* 02:00:00 UTC")]
    [InlineData("*/15 8-17 * * 1-5", "Mon,Tue,Wed,Thu,Fri *-*-* 08..17:00,15,30,45:00 UTC")]
    [InlineData("0 2 1 1,7 *", "*-01,07-01 02:00:00 UTC")]
    [InlineData("30 0 2 * * *", "*-*-* 02:00:30 UTC")]
    [InlineData("@daily", "*-*-* 00:00:00 UTC")]
    public void Expressions_become_events(string text, string expected) => Assert.Equal([expected], Events(text, "UTC"));

    [Fact]
    public void Times_around_a_clock_change_are_events_of_their_own()
    {
        // 02:30 is skipped at the end of March, and its run comes at 03:00 (01:00 UTC).
        Assert.Equal(["*-*-* 02:30:00 Europe/Berlin", "*-03-25..31 01:00:00 UTC"], Events("30 2 * * *", "Europe/Berlin"));
        Assert.Equal(["*-*-* 12:00:00 Europe/Berlin"], Events("0 12 * * *", "Europe/Berlin"));
    }

    [Fact]
    public void A_service_has_the_command_word_by_word()
    {
        BackupPlan plan = ScheduleSimulation.Plan("0 2 * * *", "UTC", "Ann's 100 +");
        string unit = SystemdUnits.Service(plan, ScheduleSimulation.Command with { Variables = new Dictionary<string, string> { ["DBBACKUP_REPOSITORY"] = @"/a ""b"" 20%\$x" } }, isSystem: true);
        Assert.Contains(@"Environment=""DBBACKUP_REPOSITORY=/a \""b\"" 20%%\\$x""", unit, StringComparison.Ordinal);
        Assert.Contains("\"-Command\" \"Import-Module DbBackup -ErrorAction Stop; Invoke-DbBackupPlan -Name 'Ann''s 100 +' -Scope User -Trigger Schedule -IfDue\"\n", unit, StringComparison.Ordinal);
    }

    [Fact]
    public void A_timer_catches_up() => Assert.Contains("OnCalendar=*-*-* 02:00:00 UTC\nPersistent=true\n", SystemdUnits.Timer(ScheduleSimulation.Plan("0 2 * * *", "UTC"), ["*-*-* 02:00:00 UTC"]), StringComparison.Ordinal);
}
