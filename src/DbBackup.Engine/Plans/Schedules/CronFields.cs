using System.Globalization;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>
/// The fields of a cron expression as sets, for schedulers that have no cron expressions. What has no set (the last day, the workday nearest to the
/// 15th, the second Friday) becomes the days among which it can be, so that the sets hold every time of the expression, and perhaps more.
/// </summary>
internal sealed class CronFields
{
    private static readonly string[] s_months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    private static readonly string[] s_days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    private CronFields(string text)
    {
        // https://github.com/HangfireIO/Cronos#macro
        string expanded = text.Trim().ToUpperInvariant() switch
        {
            "@EVERY_SECOND" => "* * * * * *",
            "@EVERY_MINUTE" => "* * * * *",
            "@HOURLY" => "0 * * * *",
            "@DAILY" or "@MIDNIGHT" => "0 0 * * *",
            "@WEEKLY" => "0 0 * * 0",
            "@MONTHLY" => "0 0 1 * *",
            "@YEARLY" or "@ANNUALLY" => "0 0 1 1 *",
            var other => other,
        };
        string[] fields = expanded.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length == 5)
            fields = ["0", .. fields];
        Seconds = Set(fields[0], 0, 59, []);
        Minutes = Set(fields[1], 0, 59, []);
        Hours = Set(fields[2], 0, 23, []);
        Months = Set(fields[4], 1, 12, s_months);
        DaysOfMonth = Days(fields[3]);
        DaysOfWeek = Weekdays(fields[5], DaysOfMonth);
    }

    /// <summary>The seconds.</summary>
    public SortedSet<int> Seconds { get; }

    /// <summary>The minutes.</summary>
    public SortedSet<int> Minutes { get; }

    /// <summary>The hours.</summary>
    public SortedSet<int> Hours { get; }

    /// <summary>The days of the month, of which one of <see cref="DaysOfWeek"/> is meant.</summary>
    public SortedSet<int> DaysOfMonth { get; }

    /// <summary>The months.</summary>
    public SortedSet<int> Months { get; }

    /// <summary>The days of the week; Sunday is 0.</summary>
    public SortedSet<int> DaysOfWeek { get; }

    /// <summary>True if each day of a month will do.</summary>
    public bool IsEachDayOfMonth => DaysOfMonth.Count == 31;

    /// <summary>True if each day of the week will do.</summary>
    public bool IsEachDayOfWeek => DaysOfWeek.Count == 7;

    /// <summary>Reads an expression that Cronos has read.</summary>
    public static CronFields Of(string expression) => new(expression);

    private static SortedSet<int> Days(string field) => field switch
    {
        "L" => [28, 29, 30, 31],
        _ when field.Contains('L', StringComparison.Ordinal) || field.Contains('W', StringComparison.Ordinal) => Range(1, 31),
        _ => Set(field, 1, 31, []),
    };

    private static SortedSet<int> Weekdays(string field, SortedSet<int> days)
    {
        // 5#2 is the second Friday, 5L the last one.
        if (field.Split('#') is [var weekday, var number])
        {
            int first = ((int.Parse(number, CultureInfo.InvariantCulture) - 1) * 7) + 1;
            days.IntersectWith(Range(first, Math.Min(first + 6, 31)));
            field = weekday;
        }
        else if (field.Length > 1 && field.EndsWith('L'))
        {
            days.IntersectWith(Range(22, 31));
            field = field[..^1];
        }

        return Set(field, 0, 7, s_days);
    }

    private static SortedSet<int> Set(string field, int first, int last, string[] names)
    {
        SortedSet<int> all = [];
        foreach (string part in field.Split(','))
        {
            string[] stepped = part.Split('/');
            int step = stepped.Length == 2 ? int.Parse(stepped[1], CultureInfo.InvariantCulture) : 1;
            string[] ends = stepped[0].Split('-');
            bool isAll = stepped[0] is "*" or "?";
            int from = isAll ? first : Number(ends[0], first, names);
            // "5/10" goes on to the end, "5" is alone.
            int to = isAll ? last : ends.Length == 2 ? Number(ends[1], first, names) : stepped.Length == 2 ? last : from;
            // 22-4 goes over the end; the week's end has Sunday as 7 too.
            int length = names == s_days ? 7 : last - first + 1;
            int span = to >= from ? to - from : to - from + length;
            for (int passed = 0; passed <= span; passed += step)
                all.Add(((from - first + passed) % length) + first);
        }

        return all;
    }

    private static int Number(string text, int first, string[] names)
    {
        int named = Array.IndexOf(names, text);
        return named >= 0 ? named + first : int.Parse(text, CultureInfo.InvariantCulture);
    }

    private static SortedSet<int> Range(int first, int last) => [.. Enumerable.Range(first, last - first + 1)];
}
