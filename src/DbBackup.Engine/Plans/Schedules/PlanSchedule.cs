using Cronos;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>When a plan runs: its cron expressions in its time zone.</summary>
public sealed class PlanSchedule
{
    private readonly (string Text, CronExpression Expression)[] _times;

    private PlanSchedule((string Text, CronExpression Expression)[] times, TimeZoneInfo zone)
    {
        _times = times;
        Zone = zone;
    }

    /// <summary>The time zone.</summary>
    public TimeZoneInfo Zone { get; }

    /// <summary>The expressions.</summary>
    public IReadOnlyList<string> Expressions => [.. _times.Select(time => time.Text)];

    /// <summary>Reads the schedule of a plan; null for a plan without one.</summary>
    /// <exception cref="BackupException">It cannot be read, or never comes.</exception>
    public static PlanSchedule? Of(BackupPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return plan.Schedule.Count == 0 ? null : new PlanSchedule([.. plan.Schedule.Select(text => (text.Trim(), Parse(text.Trim())))], FindZone(plan.TimeZone));
    }

    /// <summary>The first moment after another at which it runs.</summary>
    public DateTimeOffset? NextAfter(DateTimeOffset moment) => _times
        .Select(time => time.Expression.GetNextOccurrence(moment, Zone))
        .Where(next => next is not null)
        .Min();

    /// <summary>Finds a time zone; the machine's for null.</summary>
    /// <exception cref="BackupException">There is none of that name.</exception>
    public static TimeZoneInfo FindZone(string? name)
    {
        if (name is null)
            return TimeZoneInfo.Local;
        try
        {
            return TimeZoneInfo.FindSystemTimeZoneById(name);
        }
        catch (Exception exception) when (exception is TimeZoneNotFoundException or InvalidTimeZoneException or System.Security.SecurityException)
        {
            throw new BackupFailure(
                ErrorCodes.ScheduleInvalid, FailureCategory.InvalidArgument, $"There is no time zone '{name}'.", "Use a name such as Europe/Berlin; Get-TimeZone -ListAvailable has them all.", exception)
            { Target = name };
        }
    }

    private static CronExpression Parse(string text)
    {
        try
        {
            CronFormat format = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard;
            var expression = CronExpression.Parse(text, format);
            return expression.GetNextOccurrence(DateTimeOffset.UtcNow, TimeZoneInfo.Utc) is not null
                ? expression
                : throw Invalid(text, "no day fits it", null);
        }
        catch (CronFormatException exception)
        {
            throw Invalid(text, exception.Message, exception);
        }
    }

    private static BackupFailure Invalid(string text, string why, Exception? inner) => new(
        ErrorCodes.ScheduleInvalid,
        FailureCategory.InvalidArgument,
        $"'{text}' is no schedule: {why.TrimEnd('.')}.",
        "Write minute, hour, day of month, month and day of week, as in '0 2 * * *' for 02:00 each day.",
        inner)
    { Target = text };
}
