using DbBackup.Engine.Plans.Schedules;

namespace DbBackup.Tests.Unit.Plans;

public sealed class DueTimeTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 3, 0, 0, TimeSpan.Zero);
    private static readonly BackupPlan Plan = new() { Name = "nightly", Backup = [], Schedule = ["0 2 * * *"], TimeZone = "UTC" };

    private static DateTimeOffset? Due(double? lastRunHoursAgo, double writtenHoursAgo) =>
        DueTime.Of(Plan, lastRunHoursAgo is { } hours ? Now.AddHours(-hours) : null, Now.AddHours(-writtenHoursAgo), Now);

    [Fact]
    public void A_plan_that_did_not_run_at_its_time_is_due() => Assert.Equal(Now.AddHours(-1), Due(25, 1000));

    [Fact]
    public void A_plan_that_ran_since_is_not() => Assert.Null(Due(0.99, 1000));

    [Fact]
    public void A_run_by_hand_before_the_time_does_not_count() => Assert.Equal(Now.AddHours(-1), Due(1.5, 1000));

    [Fact]
    public void A_machine_that_slept_for_days_runs_it_once() => Assert.NotNull(Due(100, 1000));

    [Fact]
    public void A_plan_that_was_written_after_its_time_waits_for_the_next() => Assert.Null(Due(null, 0.5));

    [Fact]
    public void A_date_to_come_of_a_wrong_clock_does_not_stop_it() => Assert.Equal(Now.AddHours(-1), Due(null, -5000));

    [Fact]
    public void A_plan_without_a_schedule_is_never_due() => Assert.Null(DueTime.Of(Plan with { Schedule = [] }, null, Now.AddDays(-9), Now));

    [Fact]
    public void A_time_that_the_clock_skips_is_due_when_it_has_been_set()
    {
        BackupPlan berlin = Plan with { Schedule = ["30 2 * * *"], TimeZone = "Europe/Berlin" };
        var change = new DateTimeOffset(2027, 3, 28, 1, 0, 0, TimeSpan.Zero);
        Assert.Null(DueTime.Of(berlin, change.AddHours(-20), change.AddDays(-9), change.AddSeconds(-1)));
        Assert.Equal(change, DueTime.Of(berlin, change.AddHours(-20), change.AddDays(-9), change)?.ToUniversalTime());
    }
}
