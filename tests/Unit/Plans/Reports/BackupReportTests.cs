using System.Text.RegularExpressions;
using System.Xml.Linq;
using DbBackup.Engine.Plans.Reports;
using DbBackup.Engine.Plans.Status;
using DbBackup.Tests.Unit.Plans.Status;
using static DbBackup.Tests.Unit.Plans.Status.StatusSample;

namespace DbBackup.Tests.Unit.Plans.Reports;

/// <summary>The page is well formed, needs nothing else, says what is wrong first, and shows foreign text as text.</summary>
public sealed class BackupReportTests
{
    private const string Hostile = "<script>alert(1)</script>\"'&\u202e";

    private static JudgedSource Of(StatusSample sample, string source = "app")
    {
        var facts = new StatusFacts
        {
            Source = source,
            Repository = "/repository",
            Backups = sample.Backups,
            Plan = sample.Plan is null ? null : new PlanFacts(sample.Plan, sample.Runs, sample.IsActive, sample.Changed, sample.Now),
            Space = sample.Space,
            Rpo = sample.Rpo,
        };
        return new JudgedSource(StatusRules.Judge(facts, sample.Now), facts);
    }

    private static StatusSample Year() => new()
    {
        Plan = Nightly(plan => plan with { Retention = "7d,4w,12m" }),
        Backups = [.. Enumerable.Range(0, 60).Select(day => Made(Noon.AddHours(-10).AddDays(-day), size: 1_000_000 + (day * 1000), tests: day % 7 == 0 ? [Test(Noon.AddDays(-day))] : []))],
        Runs = [Run(Noon.AddHours(-10)), Run(Noon.AddDays(-1), BackupRunState.Failed, failure: "connection refused")],
    };

    [Fact]
    public void The_page_is_well_formed_and_needs_nothing_else()
    {
        string page = BackupReport.Page([Of(Year())], null, Noon);
        Parse(page);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotMatch(@"(src|href)=|url\(|@import|https?:", page);
    }

    [Fact]
    public void What_is_wrong_comes_first_with_its_next_step()
    {
        JudgedSource bad = Of(Year() with { Backups = [], Runs = [], Changed = Noon.AddDays(-9) }, "wiki");
        XElement body = Parse(BackupReport.Page([bad, Of(Year())], null, Noon)).Element("body")!;
        XElement[] sections = [.. body.Descendants("section")];
        Assert.Equal(3, sections.Length);
        Assert.Equal("What is wrong", sections[0].Element("h2")!.Value);
        Assert.Contains("wiki", sections[0].Value, StringComparison.Ordinal);
        Assert.Contains("There is no backup of 'wiki'", sections[0].Value, StringComparison.Ordinal);
        Assert.Contains("Invoke-DbBackupPlan nightly", sections[0].Value, StringComparison.Ordinal);
        Assert.DoesNotContain("app", sections[0].Value, StringComparison.Ordinal);
        Assert.Equal("Nothing is wrong", Parse(BackupReport.Page([Of(Year())], null, Noon)).Descendants("h2").First().Value);
    }

    [Fact]
    public void Each_backup_is_a_mark_in_the_lane_of_its_class()
    {
        XElement page = Parse(BackupReport.Page([Of(Year())], null, Noon));
        Assert.Equal(60, page.Descendants("rect").Count());
        string[] lanes = [.. page.Descendants("span").Where(span => (string?)span.Attribute("class") == "lane").Select(span => span.Value)];
        Assert.Equal("Daily 6", lanes[0]);
        Assert.Equal(60, lanes.Sum(lane => int.Parse(lane.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.All(page.Descendants("svg"), svg => Assert.NotEmpty((string)svg.Attribute("aria-label")!));
        Assert.All(page.Descendants("rect"), rect => Assert.InRange(double.Parse((string)rect.Attribute("x")!, System.Globalization.CultureInfo.InvariantCulture), 0, 1000));
    }

    [Fact]
    public void Retention_shows_what_goes_next_by_the_plan_or_by_the_policy_that_was_named()
    {
        int Going(string page) => Parse(page).Descendants("rect").Count(rect => (string?)rect.Attribute("class") == "going");
        string planned = BackupReport.Page([Of(Year())], null, Noon);
        Assert.Matches(@"Retention 7d,4w,12m[^:]*: keeps \d+, and removes \d+", planned);
        Assert.True(Going(planned) > 30);
        StatusSample unplanned = Year() with { Plan = null };
        Assert.Contains("no policy; nothing is removed", BackupReport.Page([Of(unplanned)], null, Noon), StringComparison.Ordinal);
        Assert.Equal(0, Going(BackupReport.Page([Of(unplanned)], null, Noon)));
        Assert.Contains("Retention 30d: keeps 30, and removes 30", BackupReport.Page([Of(unplanned)], RetentionPolicy.Parse("30d"), Noon), StringComparison.Ordinal);
    }

    [Fact]
    public void Failed_tests_and_runs_are_counted_and_marked()
    {
        StatusSample sample = Year() with { Backups = [Made(Noon, tests: [Test(Noon.AddHours(-1)), Test(Noon, reached: BackupStatus.Damaged)])] };
        XElement page = Parse(BackupReport.Page([Of(sample)], null, Noon));
        Assert.Contains(page.Descendants("caption"), caption => caption.Value == "Tests: 1 passed, 1 failed");
        Assert.Equal(2, page.Descendants("tr").Count(row => (string?)row.Attribute("class") == "bad"));
        Assert.Contains("connection refused", page.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Foreign_text_is_shown_as_text_and_secrets_not_at_all()
    {
        const string Secret = "postgresql://app:s3cret-word@db/app";
        StatusSample sample = Year() with
        {
            Plan = Nightly(plan => plan with { Name = Hostile }),
            Backups = [Made(Noon.AddDays(-1), Hostile, tests: [Test(Noon, reached: BackupStatus.Damaged) with { Failure = Hostile + Secret }]), Made(Noon.AddDays(-2), Hostile + "2", collapsed: [Hostile])],
            Runs = [Run(Noon, BackupRunState.Failed, failure: Secret + Hostile)],
        };
        string page = BackupReport.Page([Of(sample, Hostile)], null, Noon);
        Parse(page);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("s3cret-word", page, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', page);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_with_thousands_of_backups_is_a_page_that_opens()
    {
        Backup[] many = [.. Enumerable.Range(0, 10_000).Select(hour => Made(Noon.AddHours(-hour)))];
        string page = BackupReport.Page([Of(new StatusSample { Backups = many })], null, Noon);
        Assert.InRange(page.Length, 50_000, 400_000);
        Assert.Equal(600, Regex.Count(page, "<rect "));
    }

    [Fact]
    public void Nothing_at_all_is_said() => Assert.Contains("There are no plans and no backups.", BackupReport.Page([], null, Noon), StringComparison.Ordinal);

    // As XML, which is stricter than HTML; its void elements are closed for that.
    private static XElement Parse(string page)
    {
        string xml = Regex.Replace(page.Replace("<!DOCTYPE html>", string.Empty, StringComparison.Ordinal), "<meta ([^>]*)>", "<meta $1/>");
        return XElement.Parse(xml.Trim());
    }
}
