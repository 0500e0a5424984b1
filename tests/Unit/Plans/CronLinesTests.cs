using Cronos;
using DbBackup.Engine.Plans.Schedules.Cron;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Plans;

public sealed class CronLinesTests
{
    private static string Lines(BackupPlan plan, TimeZoneInfo zone, string? user = null) => CronLines.Of(plan, "dbbackup-user-nightly", ScheduleSimulation.Command, zone, user, ScheduleSimulation.Now);

    [Fact]
    public void Cron_fires_at_each_time_of_a_schedule_in_whatever_zone()
    {
        for (int seed = 0; seed < 1500; seed++)
        {
            var random = new Random(seed);
            string text = ScheduleSamples.Expression(random, plain: false);
            string zone = ScheduleSamples.Zone(random);
            var machine = TimeZoneInfo.FindSystemTimeZoneById(random.Next(2) == 0 ? zone : ScheduleSamples.Zone(random));
            string lines = Lines(ScheduleSimulation.Plan(text, zone), machine);
            foreach (DateTimeOffset time in CronExpression.Parse(text).GetOccurrences(ScheduleSimulation.Now, ScheduleSimulation.Now.AddYears(2), TimeZoneInfo.FindSystemTimeZoneById(zone)).Take(60))
            {
                // A time that the plan's zone skips comes when its clock is set, which no rule of another zone has; the hourly line catches it up.
                if (!IsWholeMinuteOf(text, time, zone))
                    continue;
                Assert.True(ScheduleSimulation.CronFires(lines, machine, time), $"'{text}' in {zone} on a machine in {machine.Id} at {time:u}:\n{lines}");
            }
        }
    }

    [Fact]
    public void What_cron_can_say_is_one_line_and_another_catches_up()
    {
        string[] lines = Lines(ScheduleSimulation.Plan("0 2 * * *", "UTC"), TimeZoneInfo.Utc).Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal("0 2 * * * PATH=/usr/bin:/bin /opt/ps/pwsh -NoProfile -NonInteractive -Command 'Import-Module DbBackup -ErrorAction Stop; Invoke-DbBackupPlan -Name nightly -Scope User -Trigger Schedule -IfDue' >/dev/null", lines[0]);
        Assert.Matches(@"^\d+ \* \* \* \* PATH=", lines[1]);
    }

    [Theory]
    [InlineData("*/15 * * * *", "*/15 * * * *")]
    [InlineData("0 2 * * 1-5", "0 2 * * 1-5")]
    [InlineData("0 2 L * *", "0 2 28-31 * *")]
    [InlineData("0 2 13 * 5", "0 2 13 * *")]
    [InlineData("0 2 * * 5#2", "0 2 * * 5")]
    [InlineData("0 0 2 * * *", "0 2 * * *")]
    public void Times_are_as_cron_writes_them(string text, string expected) =>
        Assert.StartsWith(expected + " PATH", Lines(ScheduleSimulation.Plan(text, "UTC"), TimeZoneInfo.Utc), StringComparison.Ordinal);

    [Fact]
    public void A_table_of_the_machine_names_the_user() => Assert.StartsWith("0 2 * * * root PATH", Lines(ScheduleSimulation.Plan("0 2 * * *", "UTC"), TimeZoneInfo.Utc, "root"), StringComparison.Ordinal);

    [Fact]
    public void Seconds_are_refused()
    {
        BackupException failure = Assert.ThrowsAny<BackupException>(() => Lines(ScheduleSimulation.Plan("30 0 2 * * *", "UTC"), TimeZoneInfo.Utc));
        Assert.Equal(ErrorCodes.ScheduleInvalid, failure.Code);
    }

    [Fact]
    public void A_line_that_cron_would_cut_off_is_refused()
    {
        var command = ScheduleSimulation.Command with { Variables = new Dictionary<string, string> { ["PATH"] = new string('x', 1000) } };
        BackupException failure = Assert.ThrowsAny<BackupException>(
            () => CronLines.Of(ScheduleSimulation.Plan("0 2 * * *", "UTC"), "u", command, TimeZoneInfo.Utc, null, ScheduleSimulation.Now));
        Assert.Equal(ErrorCodes.SchedulerFailed, failure.Code);
    }

    [Fact]
    public void Percent_signs_and_quotation_marks_reach_the_shell()
    {
        string line = CronLines.Of(
            ScheduleSimulation.Plan("0 2 * * *", "UTC", "Ann's 100 +"), "u", ScheduleSimulation.Command with { Variables = new Dictionary<string, string> { ["DBBACKUP_REPOSITORY"] = "/a b%20'c" } }, TimeZoneInfo.Utc, null, ScheduleSimulation.Now);
        Assert.Contains(@"DBBACKUP_REPOSITORY='/a b\%20'\''c'", line, StringComparison.Ordinal);
        Assert.Contains(@"-Name '\''Ann'\'''\''s 100 +'\''", line, StringComparison.Ordinal);
    }

    private static bool IsWholeMinuteOf(string text, DateTimeOffset time, string zone)
    {
        DateTime local = TimeZoneInfo.ConvertTime(time, TimeZoneInfo.FindSystemTimeZoneById(zone)).DateTime;
        var utc = new DateTimeOffset(local, TimeSpan.Zero);
        return CronExpression.Parse(text).GetNextOccurrence(utc.AddTicks(-1), TimeZoneInfo.Utc) == utc;
    }
}
