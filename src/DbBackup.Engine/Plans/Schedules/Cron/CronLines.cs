using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Plans.Schedules.Cron;

/// <summary>A plan's schedule as lines of cron: crontab(5).</summary>
internal static class CronLines
{
    // Debian's cron reads no longer command: MAX_COMMAND in cron.h.
    private const int LongestLine = 990;

    /// <summary>The lines, each with its end: one for each time, and one that catches up each hour what was missed.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="unit">Its unit.</param>
    /// <param name="command">What is run.</param>
    /// <param name="zone">The time zone of cron itself.</param>
    /// <param name="user">The user, in a table that has a column for one.</param>
    /// <param name="now">The present.</param>
    /// <exception cref="BackupException">cron cannot run it.</exception>
    public static string Of(BackupPlan plan, string unit, ScheduledCommand command, TimeZoneInfo zone, string? user, DateTimeOffset now)
    {
        PlanSchedule schedule = PlanSchedule.Of(plan)!;
        IReadOnlyList<int>? shifts = Shifts(schedule.Zone, zone, now);
        string run = (user is null ? string.Empty : user + " ") + Command(plan, command);
        // Whatever a machine that slept has missed is run within the hour; on most plans' minute 0 everything runs already.
        int minute = 7 + (int)(Checksum(unit) % 50);
        var times = schedule.Expressions.Select(text => Times(text, CronFields.Of(text), shifts)).Append($"{minute} * * * *").Distinct();
        var lines = new StringBuilder();
        foreach (string time in times)
        {
            string line = string.Create(CultureInfo.InvariantCulture, $"{time} {run}");
            if (line.Length > LongestLine)
            {
                throw new BackupFailure(
                    ErrorCodes.SchedulerFailed,
                    FailureCategory.NotSupported,
                    $"The line of the plan '{plan.Name}' has {line.Length} letters, and cron reads at most {LongestLine}.",
                    "Shorten $env:PATH in this session to what the plan needs, then enable it again, or use systemd.")
                { Target = plan.Name };
            }

            lines.Append(line).Append('\n');
        }

        return lines.ToString();
    }

    private static string Times(string text, CronFields fields, IReadOnlyList<int>? shifts)
    {
        if (!fields.Seconds.SetEquals([0]))
        {
            throw new BackupFailure(
                ErrorCodes.ScheduleInvalid, FailureCategory.NotSupported, $"'{text}' has seconds, and cron knows none.", "Leave the first of the six fields out, or use systemd (-Scheduler systemd) or Start-DbBackupService.")
            { Target = text };
        }

        // In another time zone: at each minute that the minutes can be in cron's own; what is not due then does not run.
        if (shifts is not null)
            return $"{List(new SortedSet<int>(fields.Minutes.SelectMany(minute => shifts.Select(shift => (minute + shift) % 60))), 0, 59)} * * * *";
        // cron runs on the days of the month and on those of the week, Cronos on days that are both: the fewer of the two, and what is not due does not run.
        bool byWeekday = !fields.IsEachDayOfWeek && (fields.IsEachDayOfMonth || fields.DaysOfWeek.Count * 31 < fields.DaysOfMonth.Count * 7);
        string days = byWeekday ? "*" : List(fields.DaysOfMonth, 1, 31);
        string weekdays = byWeekday ? List(fields.DaysOfWeek, 0, 6) : "*";
        return $"{List(fields.Minutes, 0, 59)} {List(fields.Hours, 0, 23)} {days} {List(fields.Months, 1, 12)} {weekdays}";
    }

    // By how many minutes past the hour two zones differ at some time; null if they always show the same.
    private static int[]? Shifts(TimeZoneInfo plan, TimeZoneInfo cron, DateTimeOffset now)
    {
        TimeSpan[] differences = [.. Enumerable.Range(0, 366 * 3).Select(day => now.AddDays(day)).Select(day => cron.GetUtcOffset(day) - plan.GetUtcOffset(day)).Distinct()];
        return differences is [{ Ticks: 0 }] ? null : [.. differences.Select(difference => (((int)difference.TotalMinutes % 60) + 60) % 60).Distinct()];
    }

    // Its output is the run's own record; what comes on standard error, cron sends by mail.
    private static string Command(BackupPlan plan, ScheduledCommand command)
    {
        IEnumerable<string> words =
        [
            .. command.Variables.Select(variable => $"{variable.Key}={Quote(variable.Value)}"),
            .. command.Shell.Run(command.Script(plan.Name, plan.Scope, "Schedule")).Select(Quote),
            ">/dev/null",
        ];
        return string.Join(' ', words).Replace("%", "\\%", StringComparison.Ordinal);
    }

    private static string Quote(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "._-/:,+@".Contains(c, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string List(SortedSet<int> values, int first, int last)
    {
        if (values.Count == last - first + 1)
            return "*";
        int[] all = [.. values];
        int step = all.Length > 2 ? all[1] - all[0] : 0;
        if (step > 1 && all[0] == first && Enumerable.Range(1, all.Length - 1).All(i => all[i] - all[i - 1] == step) && all[^1] + step > last)
            return string.Create(CultureInfo.InvariantCulture, $"*/{step}");
        if (all.Length > 2 && all[^1] - all[0] == all.Length - 1)
            return string.Create(CultureInfo.InvariantCulture, $"{all[0]}-{all[^1]}");
        return string.Join(',', all.Select(value => value.ToString(CultureInfo.InvariantCulture)));
    }

    private static uint Checksum(string text) => text.Aggregate(17u, (sum, letter) => (sum * 31) + letter);
}
