using System.Globalization;

namespace DbBackup.Engine.Plans.Schedules.Systemd;

/// <summary>Cron expressions as systemd's calendar events: https://www.freedesktop.org/software/systemd/man/systemd.time.html.</summary>
internal static class OnCalendar
{
    // Rules of clock changes are known for as long as anybody has decided them; a plan that is changed is enabled anew.
    private const int YearsOfClockChanges = 10;
    private static readonly string[] s_days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

    /// <summary>The events among which are all times of a schedule.</summary>
    public static IReadOnlyList<string> Of(PlanSchedule schedule, DateTimeOffset now) =>
        [.. schedule.Expressions.Select(text => Line(CronFields.Of(text), ZoneName(schedule.Zone))), .. ClockChanges(schedule, now)];

    private static string Line(CronFields fields, string zone)
    {
        string days = fields.IsEachDayOfWeek ? string.Empty : string.Join(',', fields.DaysOfWeek.Select(day => s_days[day])) + " ";
        return $"{days}*-{List(fields.Months, 1, 12)}-{List(fields.DaysOfMonth, 1, 31)} {List(fields.Hours, 0, 23)}:{List(fields.Minutes, 0, 59)}:{List(fields.Seconds, 0, 59)} {zone}";
    }

    // systemd leaves out what a clock change skips (02:30 on the day on which 02:00 becomes 03:00) and the second of two same hours. Cron's rules
    // run it then, so these times are events of their own, in UTC; they may come on a few more days, on which nothing is due.
    private static IEnumerable<string> ClockChanges(PlanSchedule schedule, DateTimeOffset now)
    {
        var found = new SortedDictionary<(int Month, int Hour), (SortedSet<int> Days, SortedSet<int> Minutes, SortedSet<int> Seconds)>();
        foreach ((DateTimeOffset change, TimeSpan by) in ClockChange.Between(schedule.Zone, now, now.AddYears(YearsOfClockChanges)))
        {
            DateTimeOffset end = change + by.Duration();
            for (DateTimeOffset? at = schedule.NextAfter(change.AddTicks(-1)); at is { } time && time < end; at = schedule.NextAfter(time))
            {
                DateTime utc = time.UtcDateTime;
                (int, int) key = (utc.Month, utc.Hour);
                if (!found.TryGetValue(key, out (SortedSet<int> Days, SortedSet<int> Minutes, SortedSet<int> Seconds) sets))
                    found[key] = sets = ([], [], []);
                sets.Days.Add(utc.Day);
                sets.Minutes.Add(utc.Minute);
                sets.Seconds.Add(utc.Second);
            }
        }

        foreach (((int month, int hour), (SortedSet<int> days, SortedSet<int> minutes, SortedSet<int> seconds)) in found)
            yield return $"*-{Number(month)}-{Number(days.Min)}..{Number(days.Max)} {Number(hour)}:{List(minutes, 0, 59)}:{List(seconds, 0, 59)} UTC";
    }

    private static string List(SortedSet<int> values, int first, int last)
    {
        if (values.Count == last - first + 1)
            return "*";
        // Runs of three and more are shorter as ranges.
        var parts = new List<string>();
        int[] all = [.. values];
        for (int i = 0, j; i < all.Length; i = j)
        {
            for (j = i + 1; j < all.Length && all[j] == all[j - 1] + 1;)
                j++;
            if (j - i >= 3)
                parts.Add($"{Number(all[i])}..{Number(all[j - 1])}");
            else
                parts.AddRange(all[i..j].Select(Number));
        }

        return string.Join(',', parts);
    }

    private static string Number(int value) => value.ToString("00", CultureInfo.InvariantCulture);

    private static string ZoneName(TimeZoneInfo zone)
    {
        if (zone.HasIanaId)
            return zone.Id;
        return TimeZoneInfo.TryConvertWindowsIdToIanaId(zone.Id, out string? iana) ? iana : zone.Id;
    }
}
