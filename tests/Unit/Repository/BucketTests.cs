using System.Text;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

/// <summary>A repository that is no folder: all that can be done with one, and what its store may do wrong.</summary>
public sealed class BucketTests : IDisposable
{
    private readonly MemoryBucket _bucket = new();
    private readonly FaultyStore _faulty;
    private readonly Workbench _bench;
    private readonly string _database;

    public BucketTests()
    {
        _faulty = new FaultyStore(_bucket);
        _bench = new Workbench(store: _faulty);
        _database = SampleDatabase.Create(_bench["app.db"], rows: 2000);
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(_bench["uploads/a.txt"], "a");
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Backups_are_made_listed_tested_restored_undone_exported_and_removed()
    {
        string before = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database), new FolderSource(_bench["uploads"])], Verify = true });
        Assert.Equal(BackupStatus.Matched, Assert.Single(await _bench.ListAsync("app")).Status);
        Assert.Equal(BackupStatus.Matched, (await _bench.TestAsync(backup, BackupTestLevel.Restore)).Status);
        Assert.StartsWith("memory://bucket/app/", backup.Location, StringComparison.Ordinal);

        SampleDatabase.Run(_database, "DELETE FROM notes");
        File.WriteAllText(_bench["uploads/a.txt"], "changed");
        string changed = SampleDatabase.Content(_database);
        RestoreResult restored = await _bench.RestoreAsync(backup);
        Assert.Equal((before, "a"), (SampleDatabase.Content(_database), File.ReadAllText(_bench["uploads/a.txt"])));

        // By its record, which is in the bucket, and the safety backup that this names.
        RestoreResult undone = await _bench.UndoAsync("app");
        Assert.Equal(restored.SafetyBackup!.Name, undone.Name);
        Assert.Equal((changed, "changed"), (SampleDatabase.Content(_database), File.ReadAllText(_bench["uploads/a.txt"])));

        Directory.CreateDirectory(_bench["out"]);
        await new BackupExporter(_bench.Repository).ExportAsync(new ExportRequest { Backup = backup, Destination = _bench["out"] }, _bench.Observer, CancellationToken.None);
        Assert.NotEmpty(Directory.GetFileSystemEntries(_bench["out"]));

        foreach (Backup each in await _bench.ListAsync())
            await RemoveAsync(each);
        // The records of restores stay: they also name what is not in the repository.
        Assert.Equal(["repository.json"], _bucket.Keys.Where(key => !key.StartsWith(".dbbackup/restores/", StringComparison.Ordinal)));
        Assert.False(Directory.Exists(_bench.RepositoryPath));
    }

    [Fact]
    public async Task A_backup_that_dies_at_any_write_is_listed_whole_or_not_at_all_and_what_it_left_goes_when_its_lease_is_dead()
    {
        await _bench.BackUpAsync(_database, _bench["uploads"]);
        int first = _faulty.Writes;
        await _bench.BackUpAsync(_database, _bench["uploads"]);
        int writes = _faulty.Writes - first;
        Assert.InRange(writes, 5, 20);
        int dead = 0;
        for (int last = 0; last < writes; last++)
        {
            _faulty.DiesAfter = _faulty.Writes + last;
            dead += await DiesAsync(() => _bench.BackUpAsync(_database, _bench["uploads"])) ? 1 : 0;
            _faulty.DiesAfter = int.MaxValue;
            BuryOwners();
            await AssertAllWholeAsync();
        }

        Assert.InRange(dead, writes - 3, writes);
        await _bench.BackUpAsync(_database, _bench["uploads"]);
        await AssertAllWholeAsync();
        AssertNothingLeft();
    }

    [Fact]
    public async Task A_removal_that_dies_at_any_write_leaves_a_whole_backup_or_none()
    {
        await _bench.BackUpAsync(_database, _bench["uploads"]);
        int dead = 0;
        for (int last = 0; last < 8; last++)
        {
            Backup backup = await _bench.BackUpAsync(_database, _bench["uploads"]);
            _faulty.DiesAfter = _faulty.Writes + last;
            dead += await DiesAsync(() => RemoveAsync(backup)) ? 1 : 0;
            _faulty.DiesAfter = int.MaxValue;
            BuryOwners();
            await AssertAllWholeAsync();
        }

        Assert.InRange(dead, 3, 8);
        await _bench.BackUpAsync(_database, _bench["uploads"]);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData("backup.json", "manifest")]
    [InlineData("app.db", "bytes")]
    public async Task What_cannot_be_read_back_is_an_error_and_no_backup(string file, string reason)
    {
        _faulty.Before = (operation, key) =>
        {
            // The store has taken it, and lost a part.
            if (operation is "list" or "open" && _bucket.Keys.FirstOrDefault(each => each.EndsWith("/backup.json", StringComparison.Ordinal)) is { } manifest
                && _bucket.Keys.FirstOrDefault(each => each.StartsWith(manifest[..^"backup.json".Length] + file, StringComparison.Ordinal)) is { } victim)
            {
                _bucket.Spoil(victim, content => content.Length > 20 ? content[..20] : content);
            }
        };

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(_database));

        _faulty.Before = null;
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.Empty(await _bench.ListAsync());
        AssertNothingLeft();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task What_cannot_be_read_any_more_once_it_is_published_is_an_error_unless_it_fails_once(bool verified, bool once)
    {
        int opened = 0;
        _faulty.Before = (operation, key) =>
        {
            // The first look is that of the publication itself.
            if (operation == "open" && key.EndsWith("/backup.json", StringComparison.Ordinal) && ++opened > 1 && (!once || opened == 2))
                throw new BackupFailure(ErrorCodes.ReadFailed, FailureCategory.ReadError, "The bucket does not answer.", "Try again.");
        };
        Task<Backup> run = _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Verify = verified });

        if (once)
            Assert.Equal(BackupStatus.Matched, (await run).Status);
        else
            Assert.Equal(ErrorCodes.BackupDamaged, (await Assert.ThrowsAnyAsync<BackupException>(() => run)).Code);
        Assert.True(opened > 1);
    }

    [Fact]
    public async Task A_read_only_store_is_read_and_not_written()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        _faulty.IsReadOnly = true;

        Assert.True((await _bench.TestAsync(Assert.Single(await _bench.ListAsync()), BackupTestLevel.Restore)).Passed);
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["restored.db"] });
        Assert.Equal(SampleDatabase.Content(_database), SampleDatabase.Content(_bench["restored.db"]));
        Assert.Equal(ErrorCodes.RepositoryNotWritable, (await Assert.ThrowsAnyAsync<BackupException>(() => _bench.BackUpAsync(_database))).Code);
        Assert.Equal(ErrorCodes.RepositoryNotWritable, (await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(backup))).Code);
    }

    [Fact]
    public async Task A_slow_store_is_listed_many_objects_at_a_time_and_left_when_the_user_stops_it()
    {
        await _bench.BackUpAsync(_database);
        string manifest = _bucket.Keys.Single(key => key.EndsWith("/backup.json", StringComparison.Ordinal));
        for (int number = 0; number < 100; number++)
            await _bucket.PutAsync($"app/{number:000}/backup.json", _bucket.Content(manifest), CancellationToken.None);
        _faulty.Delay = TimeSpan.FromMilliseconds(300);

        // One after the other they take half a minute.
        var time = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(101, (await _bench.ListAsync()).Count);
        Assert.InRange(time.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
        using var stop = new CancellationTokenSource(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _bench.Repository.ListAsync(null, stop.Token));
    }

    [Fact]
    public async Task One_manifest_that_cannot_be_read_hides_no_other()
    {
        Backup good = await _bench.BackUpAsync(_database);
        Backup bad = await _bench.BackUpAsync(_database);
        _faulty.Before = (operation, key) =>
        {
            if (operation == "open" && key == $"app/{bad.Name}/backup.json")
                throw new BackupFailure(ErrorCodes.ReadFailed, FailureCategory.ReadError, "I/O error.", "None.");
        };

        IReadOnlyList<Backup> all = await _bench.ListAsync();

        Assert.Equal(2, all.Count);
        Assert.Equal(BackupStatus.Unreadable, all.Single(backup => backup.Name == bad.Name).Status);
        Assert.True(all.Single(backup => backup.Name == good.Name).IsGood);
    }

    private static async Task<bool> DiesAsync(Func<Task> work)
    {
        try
        {
            await work();
            return false;
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.WriteFailed)
        {
            return true;
        }
    }

    private Task<bool> RemoveAsync(Backup backup) =>
        new BackupRemoval(_bench.Repository).RemoveAsync(backup, force: true, new(), _bench.Observer, CancellationToken.None);

    // The process that died is this one: its leases get an owner that is dead.
    private void BuryOwners()
    {
        foreach (string lease in _bucket.Keys.Where(key => key.StartsWith(".dbbackup/leases/", StringComparison.Ordinal)))
            _bucket.Spoil(lease, json => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(json).Replace($"\"processId\": {Environment.ProcessId}", $"\"processId\": {int.MaxValue}", StringComparison.Ordinal)));
    }

    private async Task AssertAllWholeAsync()
    {
        foreach (Backup backup in await _bench.ListAsync())
            Assert.Equal(BackupStatus.Checked, (await _bench.TestAsync(backup, BackupTestLevel.Structure)).Status);
    }

    private void AssertNothingLeft()
    {
        string[] backups = [.. _bucket.Keys.Where(key => key.EndsWith("/backup.json", StringComparison.Ordinal)).Select(key => key[..^"backup.json".Length])];
        Assert.All(_bucket.Keys, key => Assert.True(key == "repository.json" || backups.Any(backup => key.StartsWith(backup, StringComparison.Ordinal)), key));
    }
}
