using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Plans.Service;

/// <summary>The runs of the plans as Prometheus text: https://prometheus.io/docs/instrumenting/exposition_formats.</summary>
internal static class ServiceMetrics
{
    public static string Text(IReadOnlyList<ServicePlan> plans)
    {
        var text = new StringBuilder();
        void Gauge(string name, string help, Func<ServicePlan, double?> value)
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");
            foreach (ServicePlan plan in plans)
            {
                if (value(plan) is { } number)
                    text.Append(CultureInfo.InvariantCulture, $"{name}{{plan=\"{Label(plan.Name)}\"}} {number}\n");
            }
        }

        Gauge("dbbackup_plan_healthy", "1 if nothing is wrong with the plan.", plan => plan.Problem is null ? 1 : 0);
        Gauge("dbbackup_plan_running", "1 if the plan runs.", plan => plan.IsRunning ? 1 : 0);
        Gauge("dbbackup_plan_last_run_success", "1 if the last run succeeded.", plan => plan.LastRun is { State: not BackupRunState.Running } run ? run.State == BackupRunState.Succeeded ? 1 : 0 : null);
        Gauge("dbbackup_plan_last_run_timestamp_seconds", "When the last run began.", plan => plan.LastRun is { } run ? Seconds(run.Started) : null);
        Gauge("dbbackup_plan_last_run_duration_seconds", "How long the last run took.", plan => plan.LastRun?.Duration?.TotalSeconds);
        Gauge("dbbackup_plan_next_run_timestamp_seconds", "When the plan runs next.", plan => plan.NextRun is { } next ? Seconds(next) : null);
        return text.ToString();
    }

    private static double Seconds(DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    private static string Label(string text) => text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
