using System.Globalization;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>Schedules in words, as the cron expressions that plans hold.</summary>
public static class SimpleSchedule
{
    /// <summary>Once an hour.</summary>
    /// <param name="minute">The minute.</param>
    public static string Hourly(int minute) => Text($"{minute} * * * *");

    /// <summary>Once a day.</summary>
    /// <param name="at">The time of day.</param>
    public static string Daily(TimeOnly at) => Text($"{Time(at)} * * *");

    /// <summary>Once a week, or on several days of each.</summary>
    /// <param name="on">The days.</param>
    /// <param name="at">The time of day.</param>
    public static string Weekly(IEnumerable<DayOfWeek> on, TimeOnly at) =>
        Text($"{Time(at)} * * {string.Join(',', on.Distinct().Order().Select(day => ((int)day).ToString(CultureInfo.InvariantCulture)))}");

    /// <summary>Once a month.</summary>
    /// <param name="day">The day of the month, 1 to 31; in months that are shorter the last one.</param>
    /// <param name="at">The time of day.</param>
    public static IReadOnlyList<string> Monthly(int day, TimeOnly at)
    {
        if (day <= 28)
            return [Text($"{Time(at)} {day} * *")];
        // The 31st of a month with 30 days would be no backup at all.
        if (day == 31)
            return [Text($"{Time(at)} L * *")];
        return day == 30
            ? [Text($"{Time(at)} 30 1,3-12 *"), Text($"{Time(at)} L 2 *")]
            : [Text($"{Time(at)} 29 1,3-12 *"), Text($"{Time(at)} L 2 *")];
    }

    /// <summary>A time of day as people write it, as in 02:00 or 14:30.</summary>
    /// <exception cref="BackupException">It is none.</exception>
    public static TimeOnly TimeOfDay(string text) =>
        TimeOnly.TryParseExact(text, ["H:mm", "HH:mm"], CultureInfo.InvariantCulture, DateTimeStyles.AllowWhiteSpaces, out TimeOnly time)
            ? time
            : throw new BackupFailure(ErrorCodes.ScheduleInvalid, FailureCategory.InvalidArgument, $"'{text}' is no time of day.", "Write hours and minutes, as in -At 02:00 or -At 14:30.") { Target = text };

    private static string Time(TimeOnly at) => Text($"{at.Minute} {at.Hour}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
