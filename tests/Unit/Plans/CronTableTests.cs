using DbBackup.Engine.Plans.Schedules.Cron;

namespace DbBackup.Tests.Unit.Plans;

public sealed class CronTableTests
{
    public static IEnumerable<TheoryDataRow<string?>> Tables =>
    [
        new((string?)null),
        new(string.Empty),
        new("\n"),
        new("# mine\n0 1 * * * /usr/bin/true\n\n"),
        new("MAILTO=\"\"\r\n0 1 * * * true\r\n"),
        new("# DbBackup: begin elsewhere\n"),
    ];

    [Theory]
    [MemberData(nameof(Tables))]
    public void A_table_is_what_it_was_when_the_plans_are_taken_out(string? table)
    {
        foreach (string[] order in (string[][])[["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"]])
        {
            string? now = table;
            foreach (string unit in (string[])["a", "b", "c"])
                now = CronTable.Put(now, unit, $"0 2 * * * {unit}\n");
            foreach (string unit in order)
            {
                Assert.True(CronTable.Has(now!, unit));
                now = CronTable.Take(now!, unit);
                Assert.True(now is null || !CronTable.Has(now, unit));
            }

            Assert.Equal(table, now);
        }
    }

    [Fact]
    public void A_plan_that_is_put_again_has_its_new_lines_in_the_same_place()
    {
        string table = CronTable.Put(CronTable.Put("x\n", "a", "old\n"), "b", "b\n");
        string again = CronTable.Put(table, "a", "new\n");
        Assert.Equal(table.Replace("old", "new", StringComparison.Ordinal), again);
        Assert.Equal(again, CronTable.Put(again, "a", "new\n"));
    }

    [Fact]
    public void A_plan_is_not_taken_for_another_whose_name_begins_the_same() => Assert.False(CronTable.Has(CronTable.Put(null, "dbbackup-user-shop2", "x\n"), "dbbackup-user-shop"));
}
