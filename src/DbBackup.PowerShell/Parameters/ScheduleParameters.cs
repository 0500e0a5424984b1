using System.Management.Automation;
using DbBackup.Engine.Plans.Schedules;

namespace DbBackup.PowerShell.Parameters;

/// <summary>When a plan runs, in words.</summary>
internal sealed class ScheduleParameters
{
    private static readonly string[] s_usualTime = ["02:00"];

    /// <summary>Runs it each hour.</summary>
    public SwitchParameter Hourly { get; set; }

    /// <summary>Runs it each day.</summary>
    public SwitchParameter Daily { get; set; }

    /// <summary>Runs it each week.</summary>
    public SwitchParameter Weekly { get; set; }

    /// <summary>Runs it each month.</summary>
    public SwitchParameter Monthly { get; set; }

    /// <summary>The times of day; 02:00 without it.</summary>
    [ValidateNotNullOrEmpty]
    public string[]? At { get; set; }

    /// <summary>The days of the week; Sunday without it.</summary>
    [ValidateNotNullOrEmpty]
    public DayOfWeek[]? On { get; set; }

    /// <summary>The day of the month, or the last one of a month that is shorter; the first without it.</summary>
    [ValidateRange(1, 31)]
    public int? Day { get; set; }

    /// <summary>The cron expressions; null if no schedule was given.</summary>
    /// <exception cref="BackupException">The parameters contradict each other.</exception>
    public IReadOnlyList<string>? ToExpressions()
    {
        (string Name, bool IsGiven)[] all = [(nameof(Hourly), Hourly), (nameof(Daily), Daily), (nameof(Weekly), Weekly), (nameof(Monthly), Monthly)];
        string[] kinds = [.. all.Where(kind => kind.IsGiven).Select(kind => kind.Name)];
        if (kinds.Length > 1)
            throw Contradiction($"-{kinds[0]} and -{kinds[1]} cannot be used together.", "Choose one, or write several cron expressions: -Schedule '0 2 * * *', '0 14 * * 0'.");
        string? kind = kinds.FirstOrDefault();
        if (On is not null && kind != nameof(Weekly))
            throw Contradiction("-On names days of the week.", "Add -Weekly.");
        if (Day is not null && kind != nameof(Monthly))
            throw Contradiction("-Day names a day of the month.", "Add -Monthly.");
        if (At is not null && (kind is null or nameof(Hourly)))
            throw Contradiction("-At names a time of day.", "Add -Daily, -Weekly or -Monthly.");
        TimeOnly[] times = [.. (At ?? s_usualTime).Select(SimpleSchedule.TimeOfDay)];
        return kind switch
        {
            null => null,
            nameof(Hourly) => [SimpleSchedule.Hourly(0)],
            nameof(Daily) => [.. times.Select(SimpleSchedule.Daily)],
            nameof(Weekly) => [.. times.Select(time => SimpleSchedule.Weekly(On ?? [DayOfWeek.Sunday], time))],
            _ => [.. times.SelectMany(time => SimpleSchedule.Monthly(Day ?? 1, time))],
        };
    }

    private static BackupFailure Contradiction(string message, string hint) => new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint);
}
