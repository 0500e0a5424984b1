using System.Globalization;

namespace DbBackup.Engine.Retention;

/// <summary>One rule that keeps the newest backup of each of so many periods.</summary>
/// <param name="Name">Its name: <c>daily</c>.</param>
/// <param name="Count">How many periods.</param>
/// <param name="Key">Returns the period in which a moment lies, in the policy's time zone.</param>
internal sealed record RetentionBuckets(string Name, int Count, Func<DateTimeOffset, string> Key)
{
    /// <summary>Returns the rules of a policy that keep something.</summary>
    public static IReadOnlyList<RetentionBuckets> Of(RetentionPolicy policy) =>
    [
        .. new RetentionBuckets[]
        {
            // With its offset: when clocks are set back, an hour comes twice.
            new("hourly", policy.Hourly, local => local.ToString("yyyy-MM-dd HH:00 zzz", CultureInfo.InvariantCulture)),
            new("daily", policy.Daily, local => local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
            new("weekly", policy.Weekly, local => "to " + WeekEnd(local, policy.WeeklyOn).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
            new("monthly", policy.Monthly, local => local.ToString("yyyy-MM", CultureInfo.InvariantCulture)),
            new("yearly", policy.Yearly, local => local.ToString("yyyy", CultureInfo.InvariantCulture)),
        }.Where(buckets => buckets.Count > 0),
    ];

    // A manifest may claim the last days that there are.
    private static DateOnly WeekEnd(DateTimeOffset local, DayOfWeek last) => DateOnly.FromDayNumber(
        Math.Min(DateOnly.MaxValue.DayNumber, DateOnly.FromDateTime(local.DateTime).DayNumber + (((int)last - (int)local.DayOfWeek + 7) % 7)));
}
