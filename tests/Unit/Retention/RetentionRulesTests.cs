using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;
using DbBackup.Testing.Retention;

namespace DbBackup.Tests.Unit.Retention;

/// <summary>Failures that users of other tools reported, and what the rules make of them.</summary>
public sealed class RetentionRulesTests
{
    private static readonly DateTimeOffset Night = new(2026, 11, 28, 2, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Failed_runs_make_nothing_older()
    {
        // A month without a backup: whatever the clock says, the last seven days that there are stay.
        Backup[] week = [.. Enumerable.Range(0, 10).Select(day => SampleBackups.Make(Night.AddDays(-day), 10 - day))];

        Assert.Equal(8, Kept(week, "within=7d", Night.AddDays(30)).Length);
        Assert.Equal(7, Kept(week, "7d", Night.AddDays(30)).Length);
    }

    [Fact]
    public void Damaged_backups_push_no_good_one_out_and_are_kept_with_a_word_of_what_to_do()
    {
        Backup[] history =
        [
            SampleBackups.Make(Night, 6, "good"),
            .. Enumerable.Range(1, 4).Select(day => SampleBackups.Make(Night.AddDays(-day), 6 - day, $"bad{day}", status: day < 3 ? BackupStatus.Damaged : BackupStatus.Mismatched)),
            SampleBackups.Make(Night.AddDays(-5), 1, "old"),
        ];

        RetentionPlan plan = RetentionRules.Decide(history, RetentionPolicy.Parse("2d"), Night);

        Assert.Empty(plan.Stops);
        Assert.All(plan.Decisions, each => Assert.Equal(RetentionAction.Keep, each.Action));
        Assert.Equal(["daily 2026-11-23"], ReasonsOf(plan, "old"));
        Assert.Equal(["Damaged: remove it with Remove-DbBackup"], ReasonsOf(plan, "bad1"));
        Assert.Equal(["Mismatched: remove it with Remove-DbBackup"], ReasonsOf(plan, "bad4"));
    }

    [Theory]
    [InlineData(BackupStatus.Damaged, false, "Written")]
    [InlineData(BackupStatus.Mismatched, false, "Written")]
    [InlineData(BackupStatus.Unreadable, false, "Written")]
    [InlineData(BackupStatus.Written, true, "Written")]
    [InlineData(BackupStatus.Written, false, "Checked")]
    [InlineData(BackupStatus.Checked, false, "Matched")]
    public void Nothing_goes_while_the_newest_backup_does_not_stand_for_the_older_ones(BackupStatus status, bool isCollapsed, string required)
    {
        Backup newest = SampleBackups.Make(Night, 30, "newest", status: status, isCollapsed: isCollapsed);
        Backup[] old = [.. Enumerable.Range(1, 20).Select(day => SampleBackups.Make(Night.AddDays(-day), 30 - day, status: BackupStatus.Checked))];
        var policy = RetentionPolicy.Parse($"2d,status={required}");

        RetentionPlan plan = RetentionRules.Decide([newest, .. old], policy, Night);

        RetentionStop stop = Assert.Single(plan.Stops);
        Assert.Equal(("app", "newest"), (stop.Source, stop.Newest.Name));
        Assert.All(plan.Decisions, each => Assert.Equal(RetentionAction.Keep, each.Action));
        Assert.Contains(stop.Reason, Assert.Single(plan.Decisions[^2].Reasons), StringComparison.Ordinal);
        // The next one that is good lets it go on.
        Backup next = SampleBackups.Make(Night.AddDays(1), 31, "next", status: BackupStatus.Matched);
        Assert.Equal(newest.IsGood && !isCollapsed ? 20 : 19, RetentionRules.Decide([next, newest, .. old], policy, Night).Decisions.Count(each => each.Action == RetentionAction.Remove));
    }

    [Fact]
    public void One_missed_day_and_an_untested_newcomer_do_not_take_the_last_tested_one()
    {
        // offen/docker-volume-backup#631: by age alone, the new and untested one would be all that is left.
        Backup[] history = [SampleBackups.Make(Night, 4, "new"), .. Enumerable.Range(0, 3).Select(day => SampleBackups.Make(Night.AddDays(-10 - day), 3 - day, $"old{day}", status: BackupStatus.Matched))];

        Assert.Equal(["new", "old0"], Kept(history, "within=3d", Night));
        Assert.Equal(4, Kept(history, "within=3d,status=Checked", Night).Length);
    }

    [Fact]
    public void A_source_whose_name_begins_like_another_is_another()
    {
        Backup[] history =
        [
            .. Enumerable.Range(0, 5).Select(day => SampleBackups.Make(Night.AddDays(-day), 5 - day, source: "app-test")),
            SampleBackups.Make(Night.AddDays(-400), 1, "only"),
        ];

        RetentionPlan plan = RetentionRules.Decide(history, RetentionPolicy.Parse("2d"), Night);

        Assert.Equal(RetentionAction.Keep, plan.Decisions.Single(each => each.Source == "app").Action);
        Assert.Equal(2, plan.Decisions.Count(each => each is { Source: "app-test", Action: RetentionAction.Keep }));
    }

    [Fact]
    public void An_hour_that_comes_twice_is_two_and_a_day_of_25_hours_is_one()
    {
        // The clocks of Berlin go back at 01:00 UTC on 2026-10-25: 02:00 to 03:00 comes twice.
        DateTimeOffset change = new(2026, 10, 25, 0, 30, 0, TimeSpan.Zero);
        IReadOnlyList<Backup> hours = SampleBackups.At(Enumerable.Range(-3, 8).Select(hour => change.AddHours(hour)));

        RetentionPlan plan = RetentionRules.Decide(hours, RetentionPolicy.Parse("8h,timeZone=Europe/Berlin"), change.AddHours(5));

        Assert.Equal(8, plan.Decisions.SelectMany(each => each.Reasons).Count(reason => reason.StartsWith("hourly", StringComparison.Ordinal)));
        Assert.Contains("hourly 2026-10-25 02:00 +02:00", ReasonsOf(plan, "b4"));
        Assert.Contains("hourly 2026-10-25 02:00 +01:00", ReasonsOf(plan, "b5"));
        // From 00:30 to 23:30 of that day, two hours apart, and the next midnight.
        IReadOnlyList<Backup> days = SampleBackups.At(Enumerable.Range(0, 14).Select(step => new DateTimeOffset(2026, 10, 24, 22, 30, 0, TimeSpan.Zero).AddHours(2 * step)));
        Assert.Equal(["b14", "b13", "b1"], Kept(days, "3d,timeZone=Europe/Berlin", change.AddDays(1)));
    }

    [Theory]
    [InlineData("UTC", "b2")]
    [InlineData("Asia/Tokyo", "b3")]
    public void The_zone_of_the_policy_says_which_day_it_is(string zone, string firstOfMonth)
    {
        // 20:00 UTC on the last day of October is the first of November in Tokyo.
        IReadOnlyList<Backup> backups = SampleBackups.At([new(2026, 10, 30, 20, 0, 0, TimeSpan.Zero), new(2026, 10, 31, 14, 0, 0, TimeSpan.Zero), new(2026, 10, 31, 20, 0, 0, TimeSpan.Zero)]);

        RetentionPlan plan = RetentionRules.Decide(backups, RetentionPolicy.Parse($"2m,timeZone={zone}"), Night);

        Assert.Equal(zone == "UTC" ? ["newest good backup", "monthly 2026-10"] : ["newest good backup", "monthly 2026-11"], ReasonsOf(plan, "b3"));
        Assert.Equal(zone == "UTC", plan.Decisions.Single(each => each.Name == "b2").Action == RetentionAction.Remove);
        Assert.Contains(firstOfMonth, (string[])["b2", "b3"]);
    }

    [Theory]
    [InlineData(DayOfWeek.Sunday, "2026-11-22", "2026-11-15")]
    [InlineData(DayOfWeek.Wednesday, "2026-11-25", "2026-11-18")]
    public void A_week_ends_on_its_day(DayOfWeek day, string last, string before)
    {
        // Every night up to Saturday, 28 November.
        IReadOnlyList<Backup> nights = SampleBackups.At(Enumerable.Range(0, 40).Select(back => Night.AddDays(back - 39)));

        RetentionPlan plan = RetentionRules.Decide(nights, RetentionPolicy.Parse($"3w,timeZone=UTC,weeklyOn={day}"), Night);

        Assert.Equal(
            ["2026-11-28", last, before],
            plan.Decisions.Where(each => each.Reasons.Any(reason => reason.StartsWith("weekly", StringComparison.Ordinal))).Select(each => each.Backup.Manifest!.Created.ToString("yyyy-MM-dd", null)));
    }

    [Fact]
    public void Reasons_with_a_rule_of_their_own_go_by_age_and_take_no_others_place()
    {
        Backup[] history =
        [
            SampleBackups.Make(Night, 9, "today"),
            SampleBackups.Make(Night.AddHours(-1), 8, "migration", reason: BackupReason.PreMigration),
            SampleBackups.Make(Night.AddDays(-1), 7, "yesterday"),
            SampleBackups.Make(Night.AddDays(-13), 6, "safety", reason: BackupReason.Safety),
            SampleBackups.Make(Night.AddDays(-15), 5, "oldSafety", reason: BackupReason.Safety),
            SampleBackups.Make(Night.AddDays(-80), 4, "oldMigration", reason: BackupReason.PreMigration),
            SampleBackups.Make(Night.AddDays(-91), 3, "oldestMigration", reason: BackupReason.PreMigration),
        ];

        RetentionPlan plan = RetentionRules.Decide(history, RetentionPolicy.Parse("2d,timeZone=UTC"), Night);

        Assert.Equal(["today", "migration", "yesterday", "safety", "oldMigration"], plan.Decisions.Where(each => each.Action == RetentionAction.Keep).Select(each => each.Name));
        Assert.Equal(["PreMigration within 90d"], ReasonsOf(plan, "migration"));
        Assert.Equal(["Safety, older than 14d"], ReasonsOf(plan, "oldSafety"));
        Assert.DoesNotContain("oldSafety", Kept(history, "2d,timeZone=UTC,PreMigration=none,Safety=14d", Night));
        Assert.Equal(["today", "yesterday", "safety", "oldMigration"], Kept(history, "3d,timeZone=UTC,PreMigration=none", Night));
    }

    [Fact]
    public void A_hold_keeps_until_it_ends()
    {
        Backup[] history =
        [
            SampleBackups.Make(Night, 3, "new"),
            SampleBackups.Make(Night.AddDays(-50), 2, "held", hold: new BackupHold { Reason = "audit", Until = Night.AddDays(1) }),
            SampleBackups.Make(Night.AddDays(-60), 1, "old"),
        ];

        RetentionPlan plan = RetentionRules.Decide(history, RetentionPolicy.Parse("last=1"), Night);

        Assert.StartsWith("hold: audit", Assert.Single(ReasonsOf(plan, "held")), StringComparison.Ordinal);
        Assert.Equal(["no rule of last=1 keeps it"], ReasonsOf(plan, "old"));
        Assert.Equal(["new"], Kept(history, "last=1", Night.AddDays(1)));
    }

    [Fact]
    public void What_a_kept_backup_needs_is_kept_and_what_that_needs()
    {
        Backup[] chain = [.. Enumerable.Range(0, 5).Select(day => SampleBackups.Make(Night.AddDays(-day), 5 - day, $"c{day}"))];
        IEnumerable<Backup> Needs(Backup backup) => Array.IndexOf(chain, backup) is < 3 and var index ? [chain[index + 1]] : [];

        RetentionPlan plan = RetentionRules.Decide(chain, RetentionPolicy.Parse("last=1"), Night, Needs);

        Assert.Equal(["c0", "c1", "c2", "c3"], plan.Decisions.Where(each => each.Action == RetentionAction.Keep).Select(each => each.Name));
        Assert.Equal(["needed by c2"], ReasonsOf(plan, "c3"));
    }

    [Fact]
    public void A_part_that_is_settable_tells_what_has_collapsed_unless_that_was_accepted()
    {
        const long full = 100 << 20;
        Backup[] Sizes(params long[] sizes) => [.. sizes.Select((size, index) => SampleBackups.Make(Night.AddDays(-index), sizes.Length - index, $"s{index}", size: size))];

        Assert.Single(RetentionRules.Decide(Sizes(full / 3, full, full), RetentionPolicy.Parse("1d,collapseBelow=0.5"), Night).Stops);
        Assert.Empty(RetentionRules.Decide(Sizes(full / 3, full, full), RetentionPolicy.Parse("1d"), Night).Stops);
        Assert.Empty(RetentionRules.Decide(Sizes(full * 2 / 3, full, full), RetentionPolicy.Parse("1d,collapseBelow=0.5"), Night).Stops);
        // Less than a quarter is recorded when it is made, unless -AllowCollapse says that it is right.
        Assert.Empty(RetentionRules.Decide(Sizes(full / 9, full / 8, full), RetentionPolicy.Parse("1d,collapseBelow=0.5"), Night).Stops);
    }

    [Theory]
    [InlineData("7d,4w,12m", 20)]
    [InlineData("30d,12w,12m", 47)]
    [InlineData("within=7d", 8)]
    public void What_the_seeds_scripts_promise_is_one_argument(string text, int expected)
    {
        // partshub, vamsa and aimms, after three years of nights.
        IReadOnlyList<Backup> nights = SampleBackups.At(Enumerable.Range(0, 3 * 365).Select(back => Night.AddDays(back - (3 * 365) + 1)));

        Assert.Equal(expected, Kept(nights, text + ",timeZone=UTC", Night).Length);
    }

    [Fact]
    public void A_manifest_with_the_last_day_that_there_is_stops_nothing()
    {
        Backup[] history = [SampleBackups.Make(DateTimeOffset.MaxValue, 2, "late"), SampleBackups.Make(DateTimeOffset.MinValue, 1, "early")];

        foreach (string zone in (string[])["Asia/Tokyo", "America/New_York", "UTC"])
            Assert.Equal(2, Kept(history, $"2h,2d,2w,2m,2y,within=1d,timeZone={zone}", Night).Length);
    }

    private static string[] Kept(IReadOnlyList<Backup> backups, string policy, DateTimeOffset now) =>
        [.. RetentionRules.Decide(BackupRepository.NewestFirst([.. backups]), RetentionPolicy.Parse(policy), now).Decisions.Where(each => each.Action == RetentionAction.Keep).Select(each => each.Name)];

    private static IReadOnlyList<string> ReasonsOf(RetentionPlan plan, string name) => plan.Decisions.Single(each => each.Name == name).Reasons;
}
