using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>A clock that is set back or forward between a full backup and its incremental ones: their order, their names and the next full one stay right.</summary>
public sealed class IncrementalClockTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;
    private readonly FixedClock _clock = new(new DateTimeOffset(2026, 3, 20, 2, 0, 0, TimeSpan.Zero));

    public IncrementalClockTests() => _database = SampleDatabase.Create(_bench["app.db"], rows: 20_000);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task What_was_made_after_the_clock_was_set_back_is_the_latest_and_needs_the_full_one()
    {
        Backup full = await NextAsync(TimeSpan.Zero);
        SampleDatabase.Run(_database, "UPDATE notes SET text = 'later' WHERE id = 7");
        Backup child = await NextAsync(TimeSpan.FromDays(-3));

        Assert.Equal(full.Name, child.Parent);
        Assert.True(child.Created < full.Created);
        Assert.Equal([child.Name, full.Name], (await _bench.ListAsync()).Select(backup => backup.Name));
        Assert.Equal(child.Name, Assert.Single(BackupSelection.LatestGood(await _bench.ListAsync(), null)).Name);
        Assert.Equal("later", SampleDatabase.Text(await _bench.RestoredCopyAsync(child), "SELECT text FROM notes WHERE id = 7"));
        foreach (string policy in (string[])["last=1", "1d", "7d,4w,12m"])
        {
            RetentionPlan plan = await new BackupRemoval(_bench.Repository).PlanAsync(null, RetentionPolicy.Parse(policy), _clock.Now, CancellationToken.None);
            Assert.All(plan.Decisions, decision => Assert.True(decision.Action == RetentionAction.Keep, $"{policy}: {decision.Backup}"));
        }
    }

    [Fact]
    public async Task The_same_second_again_gives_another_name()
    {
        Backup full = await NextAsync(TimeSpan.Zero);
        Backup first = await NextAsync(TimeSpan.Zero);
        await NextAsync(TimeSpan.FromHours(2));
        Backup again = await NextAsync(TimeSpan.FromHours(-2));

        Assert.Equal(4, (await _bench.ListAsync()).Select(backup => backup.Name).Distinct().Count());
        Assert.Equal((full.Name, full.Name), (first.Parent, again.Parent));
        Assert.Equal(again.Name, (await _bench.ListAsync())[0].Name);
        foreach (Backup backup in await _bench.ListAsync())
            Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Restore)).Passed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(-5)]
    [InlineData(-6.9)]
    public async Task The_next_full_one_comes_after_as_many_days_as_if_the_clock_had_been_right(double days)
    {
        await NextAsync(TimeSpan.Zero);
        Assert.Equal(BackupMethod.Incremental, (await NextAsync(TimeSpan.FromDays(days))).Method);
        for (int day = 1; day < 7; day++)
            Assert.Equal(BackupMethod.Incremental, (await NextAsync(TimeSpan.FromDays(1))).Method);
        Assert.Equal(BackupMethod.Full, (await NextAsync(TimeSpan.FromDays(1.1))).Method);
    }

    [Fact]
    public async Task A_clock_that_was_years_off_makes_full_ones_and_no_confusion()
    {
        await NextAsync(TimeSpan.Zero);
        // As a machine without a battery starts, until it asks for the time.
        Assert.Equal(BackupMethod.Full, (await NextAsync(TimeSpan.FromDays(-20_000))).Method);
        Backup right = await NextAsync(TimeSpan.FromDays(20_000));
        Assert.Equal(BackupMethod.Full, right.Method);
        Backup child = await NextAsync(TimeSpan.FromDays(1));
        Assert.Equal(right.Name, child.Parent);
        RetentionPlan plan = await new BackupRemoval(_bench.Repository).PlanAsync(null, RetentionPolicy.Parse("last=1"), _clock.Now, CancellationToken.None);
        Assert.Equal([child.Name, right.Name], plan.Decisions.Where(decision => decision.Action == RetentionAction.Keep).Select(decision => decision.Backup.Name));
    }

    private Task<Backup> NextAsync(TimeSpan later)
    {
        _clock.Now += later;
        return _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Method = new MethodChoice { Method = null } }, _clock);
    }
}
