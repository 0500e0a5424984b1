using System.Diagnostics;
using System.Globalization;
using Cronos;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.Engine.Plans.Schedules.Systemd;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Plans;

/// <summary>What systemd itself makes of the events of a schedule, beside what Cronos makes of its expressions.</summary>
[Trait("Category", "Tool")]
public sealed class SystemdCalendarTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_timer_elapses_at_each_time_of_a_schedule_also_when_clocks_are_set()
    {
        Require.Tool("systemd-analyze");
        int compared = 0;
        for (int seed = 0; seed < Sampling.Rounds(12, 600); seed++)
        {
            var random = new Random(seed);
            string zone = ScheduleSamples.Zone(random);
            string text = ScheduleSamples.Expression(random, plain: false);
            var plan = new BackupPlan { Name = "p", Backup = [], Schedule = [text], TimeZone = zone };
            PlanSchedule schedule = PlanSchedule.Of(plan)!;
            IReadOnlyList<string> events = OnCalendar.Of(schedule, Now);
            ClockChange[] changes = [.. ClockChange.Between(schedule.Zone, Now, Now.AddYears(2))];
            foreach (DateTimeOffset around in changes.Select(change => change.Moment).DefaultIfEmpty(Now.AddDays(random.Next(300))))
            {
                (DateTimeOffset from, DateTimeOffset to) = (around.AddHours(-3), around.AddHours(5));
                HashSet<DateTimeOffset> elapses = [.. events.SelectMany(line => Elapses(line, from, to))];
                foreach (DateTimeOffset time in CronExpression.Parse(text).GetOccurrences(from, to, schedule.Zone))
                {
                    compared++;
                    Assert.True(elapses.Contains(time), $"'{text}' in {zone} has {time:u}, which no event has:\n{string.Join('\n', events)}");
                }
            }
        }

        Assert.True(compared > 200, $"Only {compared} times were compared.");
    }

    private static IEnumerable<DateTimeOffset> Elapses(string line, DateTimeOffset from, DateTimeOffset to)
    {
        var start = new ProcessStartInfo("systemd-analyze", ["calendar", "--iterations=500", "--base-time=" + from.AddSeconds(-1).ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture), line])
        {
            RedirectStandardOutput = true,
            Environment = { ["TZ"] = "UTC", ["LC_ALL"] = "C" },
        };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"systemd-analyze refuses '{line}'.");
        foreach (string shown in output.Split('\n').Where(shown => shown.Contains("Next elapse: ", StringComparison.Ordinal) || shown.Contains("Iter. #", StringComparison.Ordinal)))
        {
            string[] words = shown.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is [.., var date, var time, "UTC"] && DateTimeOffset.ParseExact($"{date} {time}", "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) is var moment && moment < to)
                yield return moment;
        }
    }
}
