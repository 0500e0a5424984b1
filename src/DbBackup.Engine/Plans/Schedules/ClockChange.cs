namespace DbBackup.Engine.Plans.Schedules;

/// <summary>A moment at which the clocks of a time zone are set.</summary>
/// <param name="Moment">The moment.</param>
/// <param name="By">By how much; positive if an hour is skipped, negative if one comes twice.</param>
internal readonly record struct ClockChange(DateTimeOffset Moment, TimeSpan By)
{
    /// <summary>The changes of a zone between two moments.</summary>
    public static IEnumerable<ClockChange> Between(TimeZoneInfo zone, DateTimeOffset from, DateTimeOffset to)
    {
        // Two changes within a day cancel each other out in no zone that has ever been.
        for (DateTimeOffset day = from; day < to; day = day.AddDays(1))
        {
            TimeSpan before = zone.GetUtcOffset(day);
            TimeSpan by = zone.GetUtcOffset(day.AddDays(1)) - before;
            if (by == TimeSpan.Zero)
                continue;
            (long low, long high) = (day.UtcTicks, day.AddDays(1).UtcTicks);
            while (high - low > 1)
            {
                long middle = low + ((high - low) / 2);
                if (zone.GetUtcOffset(new DateTimeOffset(middle, TimeSpan.Zero)) == before)
                    low = middle;
                else
                    high = middle;
            }

            yield return new ClockChange(new DateTimeOffset(high, TimeSpan.Zero), by);
        }
    }
}
