using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Plans.Status;

/// <summary>Writes statuses in Prometheus' text format, for the node exporter's textfile collector and for <c>/metrics</c>.</summary>
/// <remarks>https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format</remarks>
public static class StatusMetrics
{
    private static readonly (string Name, string Help, Func<SourceStatus, double?> Value)[] s_ofSources =
    [
        ("dbbackup_health", "Health of a source's backups: 0 OK, 1 Warning, 2 Critical.", status => (int)status.Health),
        ("dbbackup_latest_timestamp_seconds", "When the newest whole good backup was taken.", status => Seconds(status.LatestCreated)),
        ("dbbackup_latest_size_bytes", "Bytes of the newest whole good backup in the repository.", status => status.LatestSize),
        ("dbbackup_rpo_seconds", "How old the newest whole good backup may become.", status => status.Rpo * TimeSpan.SecondsPerDay),
        ("dbbackup_size_bytes", "Bytes of all backups of the source in the repository.", status => status.Size),
        ("dbbackup_growth_bytes_per_week", "By how many bytes a week a backup grows.", status => status.GrowthPerWeek),
        ("dbbackup_last_test_timestamp_seconds", "When a backup was last tested.", status => Seconds(status.LastTest)),
        ("dbbackup_last_test_passed", "1 if that test passed.", status => Flag(status.LastTestPassed)),
        ("dbbackup_last_restore_test_timestamp_seconds", "When a backup was last restored for a test.", status => Seconds(status.LastRestoreTest)),
        ("dbbackup_last_restore_test_passed", "1 if that restore test passed.", status => Flag(status.LastRestoreTestPassed)),
        ("dbbackup_last_run_timestamp_seconds", "When the plan's last run began.", status => Seconds(status.LastRun)),
        ("dbbackup_last_run_failed", "1 if the plan's last run failed, was stopped or interrupted.", status => status.LastRunState is { } state ? Flag(state is BackupRunState.Failed or BackupRunState.Stopped or BackupRunState.Interrupted) : null),
        ("dbbackup_next_run_timestamp_seconds", "When the plan runs next.", status => Seconds(status.NextRun)),
    ];

    /// <summary>Returns the text.</summary>
    /// <param name="statuses">The statuses.</param>
    /// <param name="now">The moment at which they were taken.</param>
    public static string Text(IReadOnlyList<SourceStatus> statuses, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(statuses);
        // The same series twice makes the whole file unreadable; of two plans of one name (the user's, the machine's) the worse counts.
        SourceStatus[] distinct = [.. statuses.OrderByDescending(status => status.Health).DistinctBy(Labels).OrderBy(Labels, StringComparer.Ordinal)];
        var text = new StringBuilder();
        foreach ((string name, string help, Func<SourceStatus, double?> value) in s_ofSources)
            Append(text, name, help, distinct.Select(status => (Labels(status), value(status))));
        Append(text, "dbbackup_backups", "Backups of a source by the rule that keeps them the longest.", distinct.SelectMany(status => status.Classes.Select(each => ($"{Labels(status)},class=\"{Escaped(each.Name)}\"", (double?)each.Count))));
        Append(text, "dbbackup_repository_free_bytes", "Free bytes of a repository.", distinct.Where(status => status.FreeSpace is not null).DistinctBy(status => status.Repository).Select(status => ($"repository=\"{Escaped(status.Repository)}\"", (double?)status.FreeSpace)));
        Append(text, "dbbackup_status_timestamp_seconds", "When these figures were taken.", [(string.Empty, Seconds(now))]);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string name, string help, IEnumerable<(string Labels, double? Value)> samples)
    {
        (string Labels, double? Value)[] given = [.. samples.Where(sample => sample.Value is not null)];
        if (given.Length == 0)
            return;
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");
        foreach ((string labels, double? value) in given)
            text.Append(CultureInfo.InvariantCulture, $"{name}{(labels.Length == 0 ? string.Empty : $"{{{labels}}}")} {value!.Value.ToString("R", CultureInfo.InvariantCulture)}\n");
    }

    private static string Labels(SourceStatus status) => $"source=\"{Escaped(status.Source)}\",plan=\"{Escaped(status.Plan)}\",repository=\"{Escaped(status.Repository)}\"";

    private static string Escaped(string? text) => (ForeignText.ShownLine(SecretText.Masked(text ?? string.Empty)))
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static double? Seconds(DateTimeOffset? moment) => moment?.ToUnixTimeMilliseconds() / 1000.0;

    private static double? Flag(bool? flag) => flag is { } value ? value ? 1 : 0 : null;
}
