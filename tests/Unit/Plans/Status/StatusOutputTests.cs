using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using DbBackup.Engine.Plans.Status;
using DbBackup.Testing;
using static DbBackup.Tests.Unit.Plans.Status.StatusSample;

namespace DbBackup.Tests.Unit.Plans.Status;

/// <summary>The metrics are what a strict reader of Prometheus' format takes; the JSON has stable names; files appear whole.</summary>
public sealed partial class StatusOutputTests
{
    private static readonly SourceStatus[] s_statuses =
    [
        new StatusSample { Plan = Nightly(), Backups = [Made(Noon.AddHours(-10), size: 1234), Made(Noon.AddDays(-1))], Runs = [Run(Noon.AddHours(-10))], Space = new SpaceFacts(5000, 1000, 100) }.Judge(),
        new StatusSample { Backups = [Made(Noon.AddDays(-3))], Rpo = TimeSpan.FromDays(1) }.Judge() with { Source = "a \"b\"\\c\nd\u202e", Repository = "https://user:secret@host/x" },
    ];

    [Fact]
    public void Metrics_are_in_the_text_format()
    {
        Dictionary<string, double> samples = Parse(StatusMetrics.Text(s_statuses, Noon));
        const string Labels = "{source=\"app\",plan=\"nightly\",repository=\"/repository\"}";
        Assert.Equal(0, samples["dbbackup_health" + Labels]);
        Assert.Equal(1234, samples["dbbackup_latest_size_bytes" + Labels]);
        Assert.Equal(Noon.AddHours(-10).ToUnixTimeSeconds(), samples["dbbackup_latest_timestamp_seconds" + Labels]);
        Assert.Equal(2 * 86400, samples["dbbackup_rpo_seconds" + Labels]);
        Assert.Equal(0, samples["dbbackup_last_run_failed" + Labels]);
        Assert.Equal(5000, samples["dbbackup_repository_free_bytes{repository=\"/repository\"}"]);
        Assert.Equal(Noon.ToUnixTimeSeconds(), samples["dbbackup_status_timestamp_seconds"]);
        Assert.Equal(2, samples["dbbackup_health{source=\"a \\\"b\\\"\\\\c\\\\x0ad\\\\u202e\",plan=\"\",repository=\"https://user:***@host/x\"}"]);
    }

    [Fact]
    public void A_series_comes_once_though_two_plans_have_one_name()
    {
        string text = StatusMetrics.Text([s_statuses[0], s_statuses[0] with { Reasons = [new StatusReason { Severity = BackupHealth.Critical, Code = StatusCodes.RunFailed, Text = "x.", NextStep = "y." }] }], Noon);
        Assert.Equal(2, Parse(text).Single(sample => sample.Key.StartsWith("dbbackup_health", StringComparison.Ordinal)).Value);
    }

    [Fact]
    public void No_statuses_are_a_file_with_its_time_alone() => Assert.Equal(["dbbackup_status_timestamp_seconds"], Parse(StatusMetrics.Text([], Noon)).Keys);

    [Fact]
    public void Json_has_the_worst_health_and_no_secret()
    {
        string text = StatusJson.Text(s_statuses, Noon);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement root = document.RootElement;
        Assert.Equal("Critical", root.GetProperty("health").GetString());
        Assert.Equal("2026-11-29T11:00:00Z", root.GetProperty("checked").GetString());
        Assert.Equal("BackupTooOld", root.GetProperty("sources")[1].GetProperty("reasons")[0].GetProperty("code").GetString());
        Assert.Equal("nightly", root.GetProperty("sources")[0].GetProperty("plan").GetString());
        Assert.Equal("Succeeded", root.GetProperty("sources")[0].GetProperty("lastRunState").GetString());
        Assert.Equal("OK", JsonDocument.Parse(StatusJson.Text([], Noon)).RootElement.GetProperty("health").GetString());
    }

    [Fact]
    public void A_file_is_replaced_whole_and_leaves_nothing_beside()
    {
        using var folder = new TempFolder();
        StatusFiles.Write(folder["a.prom"], "one\n");
        StatusFiles.Write(folder["a.prom"], "two\n");
        Assert.Equal("two\n", File.ReadAllText(folder["a.prom"]));
        Assert.Equal([folder["a.prom"]], Directory.GetFiles(folder.Path));
        BackupException failure = Assert.Throws<BackupFailure>(() => StatusFiles.Write(folder["none/a.prom"], "x"));
        Assert.Equal(ErrorCodes.WriteFailed, failure.Code);
        ErrorAssert.Sound(failure);
        // A folder in the file's place stays, and nothing is left over.
        Directory.CreateDirectory(folder["b.prom"]);
        Assert.Throws<BackupFailure>(() => StatusFiles.Write(folder["b.prom"], "x"));
        Assert.Single(Directory.GetFiles(folder.Path));
    }

    // https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format, and as strict as that: names, escapes, one TYPE a name
    // before its samples, no series twice, a line feed at the end.
    private static Dictionary<string, double> Parse(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var samples = new Dictionary<string, double>();
        var types = new HashSet<string>();
        string? current = null;
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
                continue;
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ');
                Assert.Equal(4, words.Length);
                Assert.Equal("gauge", words[3]);
                Assert.True(types.Add(current = words[2]), line);
                continue;
            }

            Match match = Sample().Match(line);
            Assert.True(match.Success, line);
            Assert.Equal(current, match.Groups["name"].Value);
            Assert.True(samples.TryAdd(match.Groups["series"].Value, double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture)), line);
        }

        return samples;
    }

    [GeneratedRegex("""^(?<series>(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*"(,(?!\})|(?=\})))+\})?) (?<value>-?[0-9]+(\.[0-9]+)?(E[+-][0-9]+)?)$""")]
    private static partial Regex Sample();
}
