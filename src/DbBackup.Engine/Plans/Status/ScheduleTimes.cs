using DbBackup.Engine.Plans.Schedules;

namespace DbBackup.Engine.Plans.Status;

/// <summary>What follows from a schedule for alarms: how long the wait between two runs is at most, and how late one may be.</summary>
internal static class ScheduleTimes
{
    // Enough to see the weekend of workdays, and each hour of a day.
    private const int MostRuns = 60;

    // A run later than this was missed: machines sleep and start up, and catch up then.
    private static readonly TimeSpan s_leastGrace = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan s_mostGrace = TimeSpan.FromHours(6);

    /// <summary>The longest time between two runs from a moment on; null for a schedule that runs once, or never.</summary>
    public static TimeSpan? LongestInterval(PlanSchedule schedule, DateTimeOffset from)
    {
        TimeSpan? longest = null;
        DateTimeOffset? last = schedule.NextAfter(from);
        for (int run = 0; run < MostRuns && last is not null; run++)
        {
            DateTimeOffset? next = schedule.NextAfter(last.Value);
            if (next - last is { } interval && !(interval <= longest))
                longest = interval;
            last = next;
        }

        return longest;
    }

    /// <summary>How late a run may be: a quarter of the interval, between 15 minutes and 6 hours.</summary>
    public static TimeSpan Grace(TimeSpan? interval) => interval is not { } time ? s_mostGrace
        : time / 4 < s_leastGrace ? s_leastGrace
        : time / 4 > s_mostGrace ? s_mostGrace
        : time / 4;
}
