using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Plans.Schedules.Systemd;

/// <summary>The texts of a plan's units: systemd.service(5), systemd.timer(5).</summary>
internal static class SystemdUnits
{
    /// <summary>The service that runs a plan once.</summary>
    public static string Service(BackupPlan plan, ScheduledCommand command, bool isSystem)
    {
        var unit = new StringBuilder();
        unit.Append("# Written by Enable-DbBackupPlan, removed by Disable-DbBackupPlan.\n[Unit]\n");
        unit.Append(CultureInfo.InvariantCulture, $"Description=DbBackup plan {Specifiers(plan.Name)}\n");
        // A run that is caught up at boot must not come before what it backs up.
        if (isSystem)
            unit.Append("Wants=network-online.target\nAfter=network-online.target docker.service postgresql.service\n");
        unit.Append("\n[Service]\nType=oneshot\n");
        foreach ((string name, string value) in command.Variables)
            unit.Append(CultureInfo.InvariantCulture, $"Environment={Quote($"{name}={value}")}\n");
        unit.Append(CultureInfo.InvariantCulture, $"ExecStart={string.Join(' ', command.Shell.Run(command.Script(plan.Name, plan.Scope, "Schedule")).Select(argument => Quote(argument).Replace("$", "$$", StringComparison.Ordinal)))}\n");
        // The shell alone is told to stop: it stops its own programs in their order, and cleans up.
        unit.Append("KillMode=mixed\nTimeoutStopSec=300\n");
        return unit.ToString();
    }

    /// <summary>The timer that starts it, also for a time at which the machine was off.</summary>
    public static string Timer(BackupPlan plan, IEnumerable<string> events)
    {
        var unit = new StringBuilder();
        unit.Append("# Written by Enable-DbBackupPlan, removed by Disable-DbBackupPlan.\n[Unit]\n");
        unit.Append(CultureInfo.InvariantCulture, $"Description=Schedule of DbBackup plan {Specifiers(plan.Name)}\n\n[Timer]\n");
        foreach (string line in events)
            unit.Append(CultureInfo.InvariantCulture, $"OnCalendar={line}\n");
        unit.Append("Persistent=true\nAccuracySec=1s\n\n[Install]\nWantedBy=timers.target\n");
        return unit.ToString();
    }

    private static string Quote(string text) => $"\"{Specifiers(text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal))}\"";

    private static string Specifiers(string text) => text.Replace("%", "%%", StringComparison.Ordinal);
}
