using DbBackup.Engine.Backups;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

public sealed class ClockTests
{
    [Fact]
    public async Task After_the_clock_was_set_back_the_newest_backup_is_the_one_taken_last_and_a_warning_says_why()
    {
        using var bench = new Workbench();
        string database = SampleDatabase.Create(bench["app.db"]);
        var clock = new FixedClock(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var request = new BackupRequest { Sources = [Workbench.Sqlite(database)] };
        await bench.BackUpAsync(request with { Name = "from the future" }, clock);
        Assert.Empty(bench.Observer.Warnings);

        clock.Now = new DateTimeOffset(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);
        await bench.BackUpAsync(request with { Name = "later" }, clock);
        clock.Now = clock.Now.AddHours(1);
        await bench.BackUpAsync(request with { Name = "last" }, clock);

        Assert.Contains("clock was set back", bench.Observer.Warnings.First(), StringComparison.Ordinal);
        Assert.Equal(["last", "later", "from the future"], (await bench.ListAsync()).Select(backup => backup.Name));
    }
}
