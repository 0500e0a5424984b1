using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

public sealed class ClockTests
{
    [Fact]
    public async Task Backups_that_are_made_at_the_same_time_have_numbers_of_their_own()
    {
        using var bench = new Workbench();
        string database = SampleDatabase.Create(bench["app.db"]);
        await bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(database)] });

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(database)] }))));

        Assert.Equal(Enumerable.Range(1, 9).Select(number => (long)number), (await bench.ListAsync()).Select(backup => backup.Manifest!.Sequence).Order());
        bench.AssertNothingStaged();
    }

    [Fact]
    public async Task A_number_that_was_taken_between_the_listing_and_the_lease_is_not_given_again()
    {
        using var bench = new Workbench();
        Backup first = await bench.BackUpAsync(SampleDatabase.Create(bench["app.db"]));

        await using SequenceNumber number = await SequenceNumber.TakeAsync(bench.Store, first.Source, [], CancellationToken.None);
        await using SequenceNumber next = await SequenceNumber.TakeAsync(bench.Store, first.Source, [], CancellationToken.None);
        await using SequenceNumber other = await SequenceNumber.TakeAsync(bench.Store, "other", [], CancellationToken.None);

        Assert.Equal((2L, 3L, 1L), (number.Value, next.Value, other.Value));
    }

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
