using DbBackup.Engine.Plans.Status;
using static DbBackup.Tests.Unit.Plans.Status.StatusSample;

namespace DbBackup.Tests.Unit.Plans.Status;

/// <summary>An alarm for each thing that is wrong, with the next step, and none for what is well.</summary>
public sealed class StatusRulesTests
{
    private static readonly DateTimeOffset s_lastNight = new(2026, 11, 29, 1, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_plan_that_runs_each_night_is_well()
    {
        SourceStatus status = new StatusSample { Plan = Nightly(), Backups = [Made(s_lastNight), Made(s_lastNight.AddDays(-1))], Runs = [Run(s_lastNight)] }.Judge();
        Assert.Equal(BackupHealth.OK, status.Health);
        Assert.Empty(status.Reasons);
        Assert.Equal("app/20261129T010000Z", status.Latest);
        Assert.Equal(2, status.Rpo);
        Assert.Equal(10, status.GetAge()!.Value.TotalHours, 3);
        Assert.Equal(s_lastNight.AddDays(1), status.NextRun);
        Assert.Equal(BackupRunState.Succeeded, status.LastRunState);
    }

    [Fact]
    public void A_backup_older_than_the_plan_allows_is_critical()
    {
        var sample = new StatusSample { Plan = Nightly(plan => plan with { Rpo = TimeSpan.FromHours(26) }), Backups = [Made(Noon.AddHours(-25))], Runs = [Run(Noon.AddHours(-10), source: "other")] };
        Assert.Empty(sample.Alarms());
        Assert.Equal(["Critical BackupTooOld"], (sample with { Backups = [Made(Noon.AddHours(-27))] }).Alarms());
    }

    [Fact]
    public void Without_an_rpo_twice_the_longest_interval_counts_and_without_a_schedule_what_was_asked_for()
    {
        BackupPlan workdays = Nightly(plan => plan with { Schedule = ["0 2 * * 1-5"] });
        // From Friday to Monday are three days.
        Assert.Equal(6, new StatusSample { Plan = workdays, Backups = [Made(s_lastNight.AddDays(-2))], Runs = [Run(s_lastNight.AddDays(-2))] }.Judge().Rpo);
        Assert.Equal(TimeSpan.FromHours(26), new StatusSample { Backups = [Made(Noon)], Rpo = TimeSpan.FromHours(26) }.Judge().GetRpo()!.Value.Value);
        Assert.Null(new StatusSample { Backups = [Made(Noon)] }.Judge().Rpo);
        Assert.Equal(["Critical BackupTooOld"], new StatusSample { Backups = [Made(Noon.AddHours(-27))], Rpo = TimeSpan.FromHours(26) }.Alarms());
    }

    [Fact]
    public void Only_a_whole_good_backup_that_did_not_collapse_stands_for_the_source()
    {
        Backup old = Made(Noon.AddDays(-3), "old");
        Backup[] others =
        [
            Made(Noon.AddHours(-1), "damaged", tests: [Test(Noon, reached: BackupStatus.Damaged)]),
            Made(Noon.AddHours(-2), "partial", scope: BackupScope.Partial),
            Made(Noon.AddHours(-3), "safety", reason: BackupReason.Safety),
            Made(Noon.AddHours(-4), "collapsed", collapsed: ["app.db: 1 rows instead of 1000"]),
            Made(Noon.AddHours(-5), "unreadable", problem: "its manifest is empty"),
        ];
        foreach (Backup other in others)
        {
            SourceStatus status = new StatusSample { Plan = Nightly(), Backups = [other, old], Runs = [Run(s_lastNight)] }.Judge();
            Assert.Equal("app/old", status.Latest);
            Assert.Contains(status.Reasons, reason => reason is { Code: StatusCodes.BackupTooOld, Severity: BackupHealth.Critical });
        }
    }

    [Fact]
    public void A_source_without_any_backup_is_critical_once_the_first_run_is_over()
    {
        var fresh = new StatusSample { Plan = Nightly(), Changed = Noon.AddHours(-1) };
        Assert.Empty(fresh.Alarms());
        Assert.Equal(StatusCodes.FirstRunPending, Assert.Single(fresh.Judge().Reasons).Code);
        Assert.Equal(["Critical NoBackup", "Critical RunFailed"], (fresh with { Runs = [Run(Noon, BackupRunState.Failed, source: null, failure: "connection refused")] }).Alarms());
        Assert.Equal(["Critical NoBackup", "Critical RunMissed"], (fresh with { Changed = Noon.AddDays(-1) }).Alarms());
        // While the first run is at work, it has not failed.
        Assert.Empty((fresh with { Runs = [Run(Noon, BackupRunState.Running, source: null)] }).Alarms());
    }

    [Fact]
    public void None_good_is_critical_but_parts_and_safety_backups_alone_are_nobodys_promise()
    {
        Backup damaged = Made(Noon, tests: [Test(Noon, reached: BackupStatus.Damaged)]);
        Assert.Equal(["Critical NoGoodBackup", "Critical BackupDamaged"], new StatusSample { Backups = [damaged] }.Alarms());
        Assert.Empty(new StatusSample { Backups = [Made(Noon, reason: BackupReason.Safety), Made(Noon, scope: BackupScope.Partial)] }.Alarms());
        Assert.Equal(["Critical NoGoodBackup"], new StatusSample { Backups = [Made(Noon, scope: BackupScope.Partial)], Rpo = TimeSpan.FromDays(1) }.Alarms());
    }

    [Theory]
    [InlineData(BackupRunState.Failed, "app", "Warning RunFailed")]
    [InlineData(BackupRunState.Failed, null, "Critical RunFailed")]
    [InlineData(BackupRunState.Interrupted, null, "Critical RunInterrupted")]
    [InlineData(BackupRunState.Stopped, null, "Warning RunStopped")]
    [InlineData(BackupRunState.Running, null, null)]
    public void The_last_run_is_an_alarm_by_what_it_came_to_for_this_source(BackupRunState state, string? source, string? alarm)
    {
        var sample = new StatusSample { Plan = Nightly(), Backups = [Made(s_lastNight.AddDays(-1))], Runs = [Run(s_lastNight, state, source, failure: "the disk is full"), Run(s_lastNight.AddDays(-1))] };
        Assert.Equal(alarm is null ? [] : [alarm], sample.Alarms());
    }

    [Fact]
    public void A_run_that_does_not_end_is_told()
    {
        var sample = new StatusSample { Plan = Nightly(), Backups = [Made(Noon.AddDays(-1.2))], Runs = [Run(Noon.AddDays(-1.1), BackupRunState.Running)] };
        Assert.Empty(sample.Alarms());
        Assert.Equal(["Warning RunTooLong"], (sample with { Runs = [Run(Noon.AddDays(-1.3), BackupRunState.Running)] }).Alarms());
    }

    [Fact]
    public void A_missed_run_is_an_alarm_after_its_grace_though_the_newest_backup_is_young_enough()
    {
        var sample = new StatusSample { Plan = Nightly(plan => plan with { Rpo = TimeSpan.FromDays(7) }), Backups = [Made(s_lastNight.AddDays(-1))], Runs = [Run(s_lastNight.AddDays(-1))] };
        // Six hours after 02:00 in Berlin.
        Assert.Empty((sample with { Now = s_lastNight.AddHours(5.9) }).Alarms());
        Assert.Equal(["Critical RunMissed"], (sample with { Now = s_lastNight.AddHours(6.1) }).Alarms());
        // Hourly ones may be a quarter of an hour late.
        StatusSample hourly = sample with { Plan = Nightly(plan => plan with { Schedule = ["0 * * * *"], Rpo = TimeSpan.FromDays(7) }), Runs = [Run(Noon.AddHours(-1))] };
        Assert.Empty((hourly with { Now = Noon.AddMinutes(14) }).Alarms());
        Assert.Equal(["Critical RunMissed"], (hourly with { Now = Noon.AddMinutes(16) }).Alarms());
    }

    [Fact]
    public void A_plan_that_was_changed_a_moment_ago_is_not_blamed_for_what_was_before()
    {
        var sample = new StatusSample { Plan = Nightly(plan => plan with { Rpo = TimeSpan.FromDays(90) }), Backups = [Made(Noon.AddDays(-30))], Runs = [Run(Noon.AddDays(-30))], Changed = Noon.AddMinutes(-1) };
        Assert.Empty(sample.Alarms());
        Assert.Equal(["Critical RunMissed"], (sample with { Changed = Noon.AddDays(-2) }).Alarms());
    }

    [Fact]
    public void Days_on_which_the_clocks_change_raise_no_alarm()
    {
        // 02:30 does not exist on 2026-03-29 in Berlin, and comes twice on 2026-10-25.
        foreach (DateTimeOffset day in (DateTimeOffset[])[new(2026, 3, 27, 0, 0, 0, TimeSpan.Zero), new(2026, 10, 23, 0, 0, 0, TimeSpan.Zero)])
        {
            BackupPlan plan = Nightly(plan => plan with { Schedule = ["30 2 * * *"] });
            var schedule = Engine.Plans.Schedules.PlanSchedule.Of(plan)!;
            DateTimeOffset run = schedule.NextAfter(day)!.Value;
            for (DateTimeOffset now = run.AddMinutes(1); now < day.AddDays(5); now = now.AddMinutes(30))
            {
                if (schedule.NextAfter(run) is { } next && next < now)
                    run = next;
                Assert.Empty(new StatusSample { Plan = plan, Now = now, Backups = [Made(run)], Runs = [Run(run)] }.Alarms());
            }
        }
    }

    [Fact]
    public void A_plan_that_nothing_runs_is_a_note_and_a_warning_if_it_never_ran()
    {
        var disabled = new StatusSample { Plan = Nightly(), IsActive = false, Backups = [Made(Noon.AddDays(-20))], Runs = [Run(Noon.AddDays(-20))] };
        Assert.Empty(disabled.Alarms());
        Assert.Equal([StatusCodes.PlanNotEnabled], disabled.Judge().Reasons.Select(reason => reason.Code));
        Assert.Null(disabled.Judge().NextRun);
        // What a person promised stays promised.
        Assert.Equal(["Critical BackupTooOld"], (disabled with { Plan = Nightly(plan => plan with { Rpo = TimeSpan.FromDays(2) }) }).Alarms());
        StatusSample never = disabled with { Backups = [], Runs = [] };
        Assert.Empty((never with { Changed = Noon.AddDays(-1) }).Alarms());
        Assert.Equal(["Warning PlanNotEnabled"], (never with { Changed = Noon.AddDays(-3) }).Alarms());
    }

    [Fact]
    public void Bad_backups_are_named_and_the_newest_one_is_critical()
    {
        Backup good = Made(s_lastNight);
        Backup bad(BackupStatus status, DateTimeOffset when) => Made(when, "bad", tests: [Test(when, BackupTestLevel.Restore, status)]);
        StatusSample With(params Backup[] backups) => new() { Backups = backups };
        Assert.Equal(["Warning BackupDamaged"], With(good, bad(BackupStatus.Damaged, Noon.AddDays(-3))).Alarms());
        Assert.Equal(["Critical BackupMismatched"], With(bad(BackupStatus.Mismatched, Noon), good).Alarms());
        Assert.Equal(["Critical BackupUnreadable"], With(Made(Noon, problem: "its manifest is empty"), good).Alarms());
        Assert.Equal(["Critical BackupCollapsed"], With(Made(Noon, collapsed: ["app.db: 1 rows instead of 1000"]), good).Alarms());
        StatusReason reason = Assert.Single(With(good, bad(BackupStatus.Damaged, Noon.AddDays(-3)), bad(BackupStatus.Damaged, Noon.AddDays(-4))).Judge().Reasons);
        Assert.StartsWith("2 backups are damaged: 'bad', 'bad' (app.db: SHA-256 differs)", reason.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_that_a_plan_wants_and_that_is_not_done_is_a_warning()
    {
        BackupPlan plan = Nightly(plan => plan with { TestEvery = TimeSpan.FromDays(1), RestoreTestEvery = TimeSpan.FromDays(7) });
        BackupRun[] runs = [Run(s_lastNight), Run(s_lastNight.AddDays(-60))];
        var sample = new StatusSample { Plan = plan, Runs = runs, Backups = [Made(s_lastNight)] };
        Assert.Equal(["Warning TestOverdue", "Warning RestoreTestOverdue"], sample.Alarms());
        // A restore test is a test too.
        Assert.Empty((sample with { Backups = [Made(s_lastNight, tests: [Test(Noon.AddDays(-1), BackupTestLevel.Restore, BackupStatus.Matched)])] }).Alarms());
        Assert.Equal(["Warning RestoreTestOverdue"], (sample with { Backups = [Made(s_lastNight, tests: [Test(Noon.AddDays(-1))])] }).Alarms());
        // Retention may have removed the backup that was tested; the run is on record.
        Assert.Empty((sample with { Runs = [Run(s_lastNight, steps: "Test"), Run(s_lastNight.AddDays(-6), steps: "RestoreTest")] }).Alarms());
        // One that failed is none.
        Assert.Contains("Warning RestoreTestOverdue", (sample with { Backups = [Made(s_lastNight), Made(s_lastNight.AddDays(-1), tests: [Test(Noon, BackupTestLevel.Restore, BackupStatus.Mismatched)])] }).Alarms());
        // A plan that wants tests since today.
        Assert.Empty((sample with { Changed = Noon.AddHours(-1) }).Alarms());
    }

    [Fact]
    public void Room_for_less_than_two_rounds_is_a_warning_and_for_none_critical()
    {
        StatusSample With(long free) => new() { Backups = [Made(s_lastNight)], Space = new SpaceFacts(free, 1000, 500) };
        Assert.Empty(With(2000).Alarms());
        Assert.Equal(["Warning SpaceLow"], With(1999).Alarms());
        Assert.Equal(["Critical SpaceOut"], With(999).Alarms());
        Assert.Equal((2L, 4.0), (With(2000).Judge().FreeBackups, With(2000).Judge().FreeDays));
    }

    [Fact]
    public void Space_counts_a_round_of_what_is_still_backed_up()
    {
        Backup[] all =
        [
            Made(Noon.AddDays(-1), size: 100), Made(Noon.AddDays(-2), size: 90), Made(Noon.AddDays(-2), size: 10, source: "wiki"),
            Made(Noon.AddDays(-300), size: 5000, source: "gone"),
        ];
        SpaceFacts space = SpaceFacts.Of(all, 1000, Noon);
        Assert.Equal((1000L, 110L, 100.0), (space.Free, space.Round, space.PerDay));
    }

    [Fact]
    public void A_clock_that_was_ahead_is_told()
    {
        Assert.Equal(["Warning ClockAhead"], new StatusSample { Backups = [Made(Noon.AddDays(1))] }.Alarms());
        Assert.Empty(new StatusSample { Backups = [Made(Noon.AddMinutes(4))] }.Alarms());
    }

    [Fact]
    public void A_hold_that_has_ended_is_a_note_for_two_weeks()
    {
        StatusSample With(DateTimeOffset? until) => new() { Backups = [Made(s_lastNight, hold: new BackupHold { Reason = "audit", Until = until })] };
        Assert.Equal([StatusCodes.HoldEnded], With(Noon.AddDays(-1)).Judge().Reasons.Select(reason => reason.Code));
        Assert.Empty(With(Noon.AddDays(-1)).Alarms());
        Assert.Empty(With(Noon.AddDays(1)).Judge().Reasons);
        Assert.Empty(With(null).Judge().Reasons);
        Assert.Empty(With(Noon.AddDays(-20)).Judge().Reasons);
    }

    [Fact]
    public void A_repository_or_a_schedule_that_cannot_be_read_is_critical()
    {
        var gone = new BackupFailure(ErrorCodes.RepositoryGone, FailureCategory.NotFound, "The repository is not there now.", "Mount the disk.");
        Assert.Equal(["Critical RepositoryUnreadable"], new StatusSample { Plan = Nightly(), Problem = gone, Runs = [Run(s_lastNight)] }.Alarms());
        Assert.Equal(["Critical PlanUnreadable"], new StatusSample { Plan = Nightly(plan => plan with { Schedule = ["at night"] }), Backups = [Made(s_lastNight)], Runs = [Run(s_lastNight)] }.Alarms());
    }

    [Fact]
    public void Growth_is_the_line_through_the_last_quarter()
    {
        Backup[] growing = [.. Enumerable.Range(0, 30).Select(day => Made(Noon.AddDays(-day), size: 100_000 - (1000 * day)))];
        SourceStatus status = new StatusSample { Backups = growing }.Judge();
        Assert.Equal(7000, status.GrowthPerWeek);
        Assert.Equal(0.0101, status.Change);
        Assert.Null(new StatusSample { Backups = growing[..3] }.Judge().GrowthPerWeek);
    }

    [Fact]
    public void Each_backup_counts_for_the_rule_that_keeps_it_the_longest()
    {
        Backup[] backups = [.. Enumerable.Range(0, 400).Select(day => Made(s_lastNight.AddDays(-day), size: 10)), Made(s_lastNight.AddDays(-400), "pre", reason: BackupReason.PreMigration)];
        SourceStatus status = new StatusSample { Plan = Nightly(plan => plan with { Retention = "7d,4w,12m" }), Backups = backups, Runs = [Run(s_lastNight)] }.Judge();
        Assert.Equal(401, status.Count);
        Assert.Equal(401, status.Classes.Sum(each => each.Count));
        Assert.Equal(12, status.Classes.Single(each => each.Name == "Monthly").Count);
        Assert.Equal(["Daily", "Weekly", "Monthly"], status.Classes.Take(3).Select(each => each.Name));
        Assert.Equal(1, status.Classes.Single(each => each.Name == BackupReason.PreMigration).Count);
        Assert.Equal(4000 + 1000, status.Size);
    }

    [Fact]
    public void Each_reason_is_a_sentence_with_a_next_step()
    {
        var sample = new StatusSample
        {
            Plan = Nightly(plan => plan with { Name = "night's plan", TestEvery = TimeSpan.FromDays(1), RestoreTestEvery = TimeSpan.FromDays(1) }),
            Backups =
            [
                Made(Noon.AddDays(2), collapsed: ["app.db: 1 rows instead of 1000"]), Made(Noon.AddDays(-9), hold: new BackupHold { Until = Noon.AddDays(-1) }),
                Made(Noon.AddDays(-10), tests: [Test(Noon, reached: BackupStatus.Damaged)]), Made(Noon.AddDays(-11), tests: [Test(Noon, BackupTestLevel.Restore, BackupStatus.Mismatched)]),
                Made(Noon.AddDays(-12), problem: "its manifest is empty"),
            ],
            Runs = [Run(Noon.AddDays(-9), BackupRunState.Failed, failure: "The disk is full.")],
            Space = new SpaceFacts(1, 1000, 1),
        };
        SourceStatus status = sample.Judge();
        Assert.True(status.Reasons.Count >= 10, string.Join('\n', status.Reasons));
        Assert.Equal(status.Reasons.OrderByDescending(reason => reason.Severity).Select(reason => reason.Code), status.Reasons.Select(reason => reason.Code));
        string[] codes = [.. typeof(StatusCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!)];
        Assert.All(status.Reasons, reason =>
        {
            Assert.Contains(reason.Code, codes);
            Assert.Matches(@"^[A-Z0-9].*[^.]\.$", reason.Text);
            Assert.Matches(@"^[A-Z].*\.$", reason.NextStep);
        });
        Assert.Contains("Invoke-DbBackupPlan 'night''s plan'", string.Join('\n', status.Reasons), StringComparison.Ordinal);
    }
}
