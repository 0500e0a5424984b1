using DbBackup.Engine.Plans.Schedules;

namespace DbBackup.Tests.Unit.Plans;

public sealed class SimpleScheduleTests
{
    [Fact]
    public void Words_become_expressions()
    {
        Assert.Equal("0 * * * *", SimpleSchedule.Hourly(0));
        Assert.Equal("30 14 * * *", SimpleSchedule.Daily(SimpleSchedule.TimeOfDay("14:30")));
        Assert.Equal("0 2 * * 0,3", SimpleSchedule.Weekly([DayOfWeek.Wednesday, DayOfWeek.Sunday, DayOfWeek.Sunday], new TimeOnly(2, 0)));
        Assert.Equal(["0 2 1 * *"], SimpleSchedule.Monthly(1, new TimeOnly(2, 0)));
    }

    [Theory]
    [InlineData(28)]
    [InlineData(29)]
    [InlineData(30)]
    [InlineData(31)]
    public void Each_month_has_one_day(int day)
    {
        var plan = new BackupPlan { Name = "p", Backup = [], Schedule = [.. SimpleSchedule.Monthly(day, new TimeOnly(2, 0))], TimeZone = "UTC" };
        PlanSchedule schedule = PlanSchedule.Of(plan)!;
        DateTimeOffset at = new(2026, 12, 31, 23, 0, 0, TimeSpan.Zero);
        for (int month = 1; month <= 24; month++)
        {
            at = schedule.NextAfter(at)!.Value;
            var first = new DateTime(2027 + ((month - 1) / 12), ((month - 1) % 12) + 1, 1);
            Assert.Equal(first.AddDays(Math.Min(day, DateTime.DaysInMonth(first.Year, first.Month)) - 1).AddHours(2), at.UtcDateTime);
        }
    }

    [Theory]
    [InlineData("25:00")]
    [InlineData("2")]
    [InlineData("02:00:30")]
    [InlineData("soon")]
    public void What_is_no_time_of_day_is_refused(string text) =>
        Assert.Equal(ErrorCodes.ScheduleInvalid, Assert.ThrowsAny<BackupException>(() => SimpleSchedule.TimeOfDay(text)).Code);
}
