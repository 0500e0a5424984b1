using Cronos;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Plans;

public sealed class CronFieldsTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Sets_hold_the_times_of_an_expression_and_no_others()
    {
        for (int seed = 0; seed < 400; seed++)
        {
            string text = ScheduleSamples.Expression(new Random(seed), plain: true);
            CronFields fields = CronFields.Of(text);
            CronExpression expression = CronExpression.Parse(text);
            for (DateTimeOffset day = Start; day < Start.AddDays(800); day = day.AddDays(1))
            {
                int[] expected = [.. expression.GetOccurrences(day, day.AddDays(1), TimeZoneInfo.Utc).Select(time => (time.Hour * 60) + time.Minute).Order()];
                bool isDay = fields.Months.Contains(day.Month) && fields.DaysOfMonth.Contains(day.Day) && fields.DaysOfWeek.Contains((int)day.DayOfWeek);
                int[] found = isDay ? [.. fields.Hours.SelectMany(hour => fields.Minutes.Select(minute => (hour * 60) + minute))] : [];
                Assert.True(expected.AsSpan().SequenceEqual(found), $"'{text}' on {day:yyyy-MM-dd}");
            }
        }
    }

    [Fact]
    public void Sets_hold_at_least_the_times_of_last_days_workdays_and_numbered_weekdays()
    {
        for (int seed = 0; seed < 2000; seed++)
        {
            string text = ScheduleSamples.Expression(new Random(seed), plain: false);
            CronFields fields = CronFields.Of(text);
            foreach (DateTimeOffset time in CronExpression.Parse(text).GetOccurrences(Start, Start.AddYears(3), TimeZoneInfo.Utc).Take(200))
            {
                Assert.True(
                    fields.Months.Contains(time.Month) && fields.DaysOfMonth.Contains(time.Day) && fields.DaysOfWeek.Contains((int)time.DayOfWeek) && fields.Hours.Contains(time.Hour) && fields.Minutes.Contains(time.Minute),
                    $"'{text}' lacks {time:u}");
            }
        }
    }

    [Theory]
    [InlineData("0 2 L * *", 4)]
    [InlineData("0 2 * * 5#2", 7)]
    [InlineData("0 2 * * 5L", 10)]
    [InlineData("0 2 15W * *", 31)]
    public void What_has_no_set_becomes_the_days_among_which_it_is(string text, int days) => Assert.Equal(days, CronFields.Of(text).DaysOfMonth.Count);

    [Theory]
    [InlineData("@daily", "0 0 * * *")]
    [InlineData("@hourly", "0 * * * *")]
    [InlineData("@Weekly", "0 0 * * 0")]
    [InlineData("@monthly", "0 0 1 * *")]
    [InlineData("@yearly", "0 0 1 1 *")]
    public void Macros_are_expressions(string macro, string text)
    {
        (CronFields one, CronFields other) = (CronFields.Of(macro), CronFields.Of(text));
        Assert.Equal(other.Minutes, one.Minutes);
        Assert.Equal(other.Hours, one.Hours);
        Assert.Equal(other.DaysOfMonth, one.DaysOfMonth);
        Assert.Equal(other.Months, one.Months);
        Assert.Equal(other.DaysOfWeek, one.DaysOfWeek);
        Assert.Equal(CronExpression.Parse(text).GetNextOccurrence(Start, TimeZoneInfo.Utc), CronExpression.Parse(macro).GetNextOccurrence(Start, TimeZoneInfo.Utc));
    }
}
