using System.Globalization;
using System.Xml.Linq;

namespace DbBackup.Engine.Plans.Schedules.Tasks;

/// <summary>A schedule as triggers of the Task Scheduler, which fire at all its times, and perhaps at more: what is not due does not run.</summary>
internal static class TaskTriggers
{
    // https://learn.microsoft.com/windows/win32/taskschd/task-triggers: a task has at most 48.
    private const int MostTriggers = 48;
    private const int MinutesOfDay = 24 * 60;

    /// <summary>The triggers.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="zone">The machine's time zone.</param>
    /// <param name="now">The present.</param>
    /// <exception cref="BackupException">It cannot have them.</exception>
    public static IReadOnlyList<XElement> Of(PlanSchedule schedule, TimeZoneInfo zone, DateTimeOffset now)
    {
        bool isLocal = Enumerable.Range(0, 366 * 3).All(day => zone.GetUtcOffset(now.AddDays(day)) == schedule.Zone.GetUtcOffset(now.AddDays(day)));
        CronFields[] all = [.. schedule.Expressions.Select(Fields)];
        var triggers = new List<XElement>();
        foreach (CronFields fields in all)
        {
            if (isLocal)
                triggers.AddRange(Triggers(MinutesOf(fields), fields, now));
        }

        if (!isLocal || triggers.Count > MostTriggers)
        {
            // All times of day are among the multiples of a step, counted from the day's begin.
            int[] minutes = [.. all.SelectMany(fields => fields.Minutes)];
            int step = minutes.Aggregate(isLocal ? 60 : Quarters(schedule.Zone, zone, now), GreatestDivisor);
            return [Repeated(0, step, now, EachDay())];
        }

        return triggers;
    }

    private static CronFields Fields(string text)
    {
        CronFields fields = CronFields.Of(text);
        return fields.Seconds.SetEquals([0]) ? fields : throw new BackupFailure(
            ErrorCodes.ScheduleInvalid, FailureCategory.NotSupported, $"'{text}' has seconds, and the Task Scheduler's calendar knows none.", "Leave the first of the six fields out, or use Start-DbBackupService.")
        { Target = text };
    }

    private static int[] MinutesOf(CronFields fields) => [.. fields.Hours.SelectMany(hour => fields.Minutes.Select(minute => (hour * 60) + minute))];

    private static IEnumerable<XElement> Triggers(int[] minutes, CronFields fields, DateTimeOffset now)
    {
        int step = minutes.Length > 1 ? minutes[1] - minutes[0] : 0;
        // Through the whole day at even times: one trigger that repeats.
        if (step > 0 && minutes.Zip(minutes.Skip(1)).All(pair => pair.Second - pair.First == step) && minutes[0] + (minutes.Length * step) >= MinutesOfDay && minutes[0] < step)
            return [Repeated(minutes[0], step, now, Days(fields))];
        return minutes.Select(minute => Trigger(minute, now, null, Days(fields)));
    }

    private static XElement Days(CronFields fields)
    {
        XNamespace ns = TaskXml.Namespace;
        XElement months = new(ns + "Months", fields.Months.Select(month => new XElement(ns + CultureInfo.InvariantCulture.DateTimeFormat.GetMonthName(month))));
        if (!fields.IsEachDayOfMonth || fields.Months.Count < 12)
            return new XElement(ns + "ScheduleByMonth", new XElement(ns + "DaysOfMonth", fields.DaysOfMonth.Select(day => new XElement(ns + "Day", day))), months);
        return fields.IsEachDayOfWeek
            ? EachDay()
            : new XElement(
                ns + "ScheduleByWeek", new XElement(ns + "DaysOfWeek", fields.DaysOfWeek.Select(day => new XElement(ns + ((DayOfWeek)day).ToString()))), new XElement(ns + "WeeksInterval", 1));
    }

    private static XElement EachDay() => new(TaskXml.Namespace + "ScheduleByDay", new XElement(TaskXml.Namespace + "DaysInterval", 1));

    private static XElement Repeated(int minute, int step, DateTimeOffset now, XElement days) => Trigger(
        minute, now, new XElement(TaskXml.Namespace + "Repetition", new XElement(TaskXml.Namespace + "Interval", Duration(step)), new XElement(TaskXml.Namespace + "Duration", "P1D"), new XElement(TaskXml.Namespace + "StopAtDurationEnd", false)), days);

    // A time without a zone is the machine's own, also after its clocks were set.
    private static XElement Trigger(int minute, DateTimeOffset now, XElement? repetition, XElement days)
    {
        XNamespace ns = TaskXml.Namespace;
        DateTime start = now.UtcDateTime.Date.AddMinutes(minute);
        return new XElement(
            ns + "CalendarTrigger", repetition, new XElement(ns + "StartBoundary", start.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture)), new XElement(ns + "Enabled", true), days);
    }

    private static string Duration(int minutes) => minutes % 60 == 0 ? string.Create(CultureInfo.InvariantCulture, $"PT{minutes / 60}H") : string.Create(CultureInfo.InvariantCulture, $"PT{minutes}M");

    // 60, or less where zones differ by half hours and quarters.
    private static int Quarters(TimeZoneInfo one, TimeZoneInfo other, DateTimeOffset now) => Enumerable.Range(0, 366)
        .Select(day => (int)Math.Abs((one.GetUtcOffset(now.AddDays(day)) - other.GetUtcOffset(now.AddDays(day))).TotalMinutes)).Aggregate(60, GreatestDivisor);

    private static int GreatestDivisor(int one, int other) => other == 0 ? one : GreatestDivisor(other, one % other);
}
