using System.Globalization;
using DbBackup.Engine.Plans.Status;
using DbBackup.Engine.Retention;

namespace DbBackup.Engine.Plans.Reports;

/// <summary>One source: its figures, its backups over time, its tests, what retention does next, its plan's runs.</summary>
internal static class ReportSource
{
    private const int MostRows = 12;

    /// <summary>Writes it.</summary>
    public static void Write(HtmlWriter html, JudgedSource judged, RetentionPolicy? retention, DateTimeOffset now)
    {
        (SourceStatus status, StatusFacts facts) = judged;
        html.Raw("<section class=\"source\"><h2>");
        ReportOverview.Badge(html, status.Health);
        html.Text(status.Source).Raw("</h2>\n");
        Figures(html, status);
        foreach (StatusReason note in status.Reasons.Where(reason => reason.Severity == BackupHealth.OK))
            html.Raw("<p class=\"note\">").Text(note.Text).Raw(" <span class=\"next\">").Text(note.NextStep).Raw("</span></p>\n");
        if (facts.Backups.Count > 0)
        {
            IReadOnlyList<RetentionDecision> decisions = RetentionRules.Decide(facts.Backups, retention ?? BackupClasses.PolicyOf(null), now).Decisions;
            ReportCharts.Timeline(html, decisions, retention is not null, now);
            ReportCharts.Sizes(html, facts.Backups, now);
            Tests(html, facts.Backups);
            Retention(html, retention, decisions);
        }

        Runs(html, facts.Plan?.Runs ?? []);
        html.Raw("</section>\n");
    }

    private static void Figures(HtmlWriter html, SourceStatus status)
    {
        html.Raw("<dl>");
        Figure(html, "Newest good backup", status.Latest is null ? "none" : $"{status.GetAge()} old ({StatusText.Time(status.LatestCreated!.Value)}), {status.LatestStatus}, {ByteSize.Format(status.LatestSize!.Value)}");
        Figure(html, "May be as old as", status.GetRpo()?.ToString());
        Figure(html, "Backups", string.Create(CultureInfo.InvariantCulture, $"{status.Count}, {ByteSize.Format(status.Size)}"));
        Figure(html, "By class", status.Classes.Count == 0 ? null : status.Classes.ToString());
        Figure(html, "Growth", status.GrowthPerWeek is { } growth ? $"{ByteSize.Format(growth)} a week" : null);
        Figure(html, "Last test", Tested(status.LastTest, status.LastTestPassed));
        Figure(html, "Last restore test", Tested(status.LastRestoreTest, status.LastRestoreTestPassed));
        Figure(html, "Plan", status.Plan ?? "none");
        Figure(html, "Last run", status.LastRun is { } run ? $"{StatusText.Time(run)}, {status.LastRunState}" : null);
        Figure(html, "Next run", status.NextRun is { } next ? StatusText.Time(next) : null);
        Figure(html, "Repository", status.Repository);
        Figure(html, "Free space", status.FreeSpace is { } free
            ? ByteSize.Format(free) + (status.FreeBackups is { } more ? string.Create(CultureInfo.InvariantCulture, $", enough for {more:N0} more of each source") : string.Empty)
            : null);
        html.Raw("</dl>\n");
    }

    private static string Tested(DateTimeOffset? moment, bool? passed) => moment is { } when ? $"{StatusText.Time(when)}, {(passed == true ? "passed" : "FAILED")}" : "never";

    private static void Figure(HtmlWriter html, string name, string? value)
    {
        if (value is { Length: > 0 })
            html.Raw("<div>").Element("dt", name).Element("dd", value).Raw("</div>");
    }

    private static void Tests(HtmlWriter html, IReadOnlyList<Backup> backups)
    {
        (Backup Backup, TestRecord Test)[] tests = [.. backups.SelectMany(backup => backup.Tests.Select(test => (backup, test))).OrderByDescending(each => each.test.Tested)];
        if (tests.Length == 0)
            return;
        int failed = tests.Count(each => !each.Test.Passed);
        html.Table(
            string.Create(CultureInfo.InvariantCulture, $"Tests: {tests.Length - failed} passed, {failed} failed{(tests.Length > MostRows ? $"; the last {MostRows}" : string.Empty)}"),
            ["Tested", "Backup", "Level", "Result"],
            tests.Take(MostRows).Select(each => (each.Test.Passed ? null : "bad", (string?[])[StatusText.Time(each.Test.Tested), each.Backup.Name, each.Test.Level.ToString(), each.Test.Passed ? $"passed: {each.Test.Reached}" : $"FAILED: {each.Test.Failure}"])));
    }

    private static void Retention(HtmlWriter html, RetentionPolicy? policy, IReadOnlyList<RetentionDecision> decisions)
    {
        if (policy is null)
        {
            html.Element("p", "Retention: no policy; nothing is removed.", "note");
            return;
        }

        RetentionDecision[] going = [.. decisions.Where(decision => decision.Action == RetentionAction.Remove)];
        string summary = string.Create(CultureInfo.InvariantCulture, $"Retention {policy}: keeps {decisions.Count - going.Length}");
        if (going.Length == 0)
        {
            html.Element("p", $"{summary}, and removes nothing now.", "note");
            return;
        }

        html.Table(
            string.Create(CultureInfo.InvariantCulture, $"{summary}, and removes {going.Length} ({ByteSize.Format(going.Sum(decision => decision.Size))}) next{(going.Length > MostRows ? $"; the newest {MostRows}" : string.Empty)}"),
            ["Backup", "Taken", "Size", "Why"],
            going.Take(MostRows).Select(decision => ((string?)null, (string?[])[decision.Name, decision.Created is { } created ? StatusText.Time(created) : null, ByteSize.Format(decision.Size), string.Join("; ", decision.Reasons)])));
    }

    private static void Runs(HtmlWriter html, IReadOnlyList<BackupRun> runs)
    {
        if (runs.Count == 0)
            return;
        html.Table(
            string.Create(CultureInfo.InvariantCulture, $"Runs of the plan: the last {Math.Min(runs.Count, MostRows)} of {runs.Count}"),
            ["Began", "State", "Took", "Backups", "Failure"],
            runs.Take(MostRows).Select(run => (run.State is BackupRunState.Succeeded or BackupRunState.Running ? null : "bad", (string?[])
                [StatusText.Time(run.Started), run.State.ToString(), run.Duration is { } time ? new BackupAge(time).ToString() : null, run.Backups.Count.ToString(CultureInfo.InvariantCulture), run.Failure])));
    }
}
