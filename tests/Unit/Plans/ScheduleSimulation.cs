using System.Xml.Linq;
using Cronos;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.Engine.Plans.Schedules.Tasks;

namespace DbBackup.Tests.Unit.Plans;

/// <summary>What schedulers do with what is written for them.</summary>
internal static class ScheduleSimulation
{
    public static readonly DateTimeOffset Now = new(2026, 11, 29, 3, 0, 0, TimeSpan.Zero);

    public static readonly ScheduledCommand Command = new(new ShellProgram("/opt/ps/pwsh", []), "DbBackup", new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" });

    public static BackupPlan Plan(string expression, string zone, string name = "nightly") => new() { Name = name, Backup = [], Schedule = [expression], TimeZone = zone };

    /// <summary>True if one of cron's lines fires at a moment.</summary>
    public static bool CronFires(string lines, TimeZoneInfo zone, DateTimeOffset moment) => lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Any(line =>
    {
        string[] fields = [.. line.Split(' ').Take(5)];
        // Of cron's own days either would do, which Cronos does not know.
        Assert.True(fields[2] == "*" || fields[4] == "*", line);
        return CronExpression.Parse(string.Join(' ', fields)).GetNextOccurrence(moment.AddTicks(-1), zone) == moment;
    });

    /// <summary>True if one of the triggers fires at a moment.</summary>
    public static bool TaskFires(IEnumerable<XElement> triggers, TimeZoneInfo zone, DateTimeOffset moment)
    {
        XNamespace ns = TaskXml.Namespace;
        DateTime local = TimeZoneInfo.ConvertTime(moment, zone).DateTime;
        return triggers.Any(trigger =>
        {
            TimeSpan start = DateTime.Parse(trigger.Element(ns + "StartBoundary")!.Value, System.Globalization.CultureInfo.InvariantCulture).TimeOfDay;
            bool isTime = trigger.Element(ns + "Repetition") is { } repetition
                ? local.TimeOfDay >= start && (local.TimeOfDay - start).Ticks % System.Xml.XmlConvert.ToTimeSpan(repetition.Element(ns + "Interval")!.Value).Ticks == 0
                : local.TimeOfDay == start;
            bool isDay = trigger.Element(ns + "ScheduleByDay") is not null
                || (trigger.Element(ns + "ScheduleByWeek") is { } week && week.Element(ns + "DaysOfWeek")!.Elements().Any(day => day.Name.LocalName == local.DayOfWeek.ToString()))
                || (trigger.Element(ns + "ScheduleByMonth") is { } month
                    && month.Element(ns + "DaysOfMonth")!.Elements().Any(day => (int)day == local.Day)
                    && month.Element(ns + "Months")!.Elements().Any(name => name.Name.LocalName == local.ToString("MMMM", System.Globalization.CultureInfo.InvariantCulture)));
            return isTime && isDay;
        });
    }
}
