using System.Globalization;
using System.Text.Json;
using DbBackup.Engine.Retention;
using DbBackup.Testing;
using DbBackup.Testing.Retention;

namespace DbBackup.Tests.Integration.Retention;

/// <summary>The same moments in a repository of restic, and what <c>restic forget</c> keeps of them: each difference is one that the guide explains.</summary>
public sealed class ResticComparisonTests : IDisposable
{
    private const string Zone = "Europe/Berlin";
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_kept_sets_are_equal_but_for_what_the_guide_explains()
    {
        Require.Tool("restic");
        // Nights over a year and a half, thinned out; a few days with several, some of them missing; the hours around both changes of clocks.
        var random = new Random(20261129);
        DateTimeOffset newest = new(2026, 11, 28, 1, 0, 0, TimeSpan.Zero);
        DateTimeOffset[] moments =
        [
            .. Enumerable.Range(0, 60).Where(_ => random.Next(10) > 0).Select(day => newest.AddDays(-day).AddMinutes(random.Next(-90, 90))),
            .. Enumerable.Range(3, 8).Select(step => newest.AddDays(-60 - (step * step * 3)).AddHours(random.Next(24))),
            .. Enumerable.Range(-2, 6).Select(hour => new DateTimeOffset(2026, 10, 25, 0, 30, 0, TimeSpan.Zero).AddHours(hour)),
            .. Enumerable.Range(-2, 5).Select(hour => new DateTimeOffset(2026, 3, 29, 0, 15, 0, TimeSpan.Zero).AddHours(hour)),
        ];
        moments = [.. moments.Select(moment => moment.AddTicks(-(moment.Ticks % TimeSpan.TicksPerSecond))).Distinct().Order()];
        BackUp(moments);
        IReadOnlyList<Backup> backups = SampleBackups.At(moments);

        string[] policies = ["7d,4w,12m", "30d,12w,12m", "24h", "5h,2d", "last=10", "last=3,3d,60w", "2y", "14m,3y", "50d", "within=30d"];
        foreach (string text in policies)
        {
            HashSet<DateTimeOffset> restic = Forget(text);
            RetentionPlan plan = RetentionRules.Decide(backups, RetentionPolicy.Parse($"{text},timeZone={Zone}"), newest.AddHours(5));
            RetentionDecision[] kept = [.. plan.Decisions.Where(each => each.Action == RetentionAction.Keep)];
            Assert.Empty(plan.Stops);
            Assert.Contains(plan.Decisions, each => each.Action == RetentionAction.Remove);

            Assert.All(restic, moment => Assert.Contains(kept, each => each.Backup.Manifest!.Created == moment));
            foreach (RetentionDecision more in kept.Where(each => !restic.Contains(each.Backup.Manifest!.Created)))
                Assert.True(IsExplained(more), $"{text}: {more} is not kept by restic.");
        }
    }

    // The oldest, which newer versions of restic keep (0.14 does not); and the second time of an hour that comes twice, which restic takes for the first.
    private static bool IsExplained(RetentionDecision more) => more.Reasons.All(reason =>
        reason.StartsWith("oldest", StringComparison.Ordinal)
        || reason.StartsWith("hourly 2026-10-25 02:00", StringComparison.Ordinal));

    private void BackUp(IEnumerable<DateTimeOffset> moments)
    {
        File.WriteAllText(_folder["file"], "content");
        Run("init");
        foreach (DateTimeOffset moment in moments)
        {
            // As the clock on the wall says; the hour that comes twice is told by a zone without changes.
            TimeSpan offset = TimeZoneInfo.FindSystemTimeZoneById(Zone).GetUtcOffset(moment);
            string zone = string.Create(CultureInfo.InvariantCulture, $"Etc/GMT{-offset.Hours:+0;-0}");
            Run(zone, "backup", "--host", "host", "--time", moment.ToOffset(offset).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), _folder["file"]);
        }
    }

    private HashSet<DateTimeOffset> Forget(string policy)
    {
        var parsed = RetentionPolicy.Parse(policy);
        var arguments = new List<string> { "forget", "--dry-run", "--json" };
        foreach ((string option, int count) in new[]
        {
            ("last", parsed.Last), ("hourly", parsed.Hourly), ("daily", parsed.Daily), ("weekly", parsed.Weekly), ("monthly", parsed.Monthly), ("yearly", parsed.Yearly),
        })
        {
            if (count > 0)
                arguments.AddRange([$"--keep-{option}", count.ToString(CultureInfo.InvariantCulture)]);
        }

        if (parsed.Within is { } within)
            arguments.AddRange(["--keep-within", $"{within.Days}d"]);
        string output = Run([.. arguments]);
        using var json = JsonDocument.Parse(output[output.IndexOf('[', StringComparison.Ordinal)..]);
        return [.. json.RootElement[0].GetProperty("keep").EnumerateArray().Select(each => each.GetProperty("time").GetDateTimeOffset())];
    }

    private string Run(string zone, params string[] arguments) => Shell.Run("env", [$"TZ={zone}", .. Common, .. arguments]);

    private string Run(string[] arguments) => Run(Zone, arguments);

    private string Run(string argument) => Run(Zone, [argument]);

    private string[] Common => ["RESTIC_PASSWORD=test", $"RESTIC_REPOSITORY={_folder["restic"]}", "restic", "--no-cache"];
}
