using DbBackup.Engine.Backups;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Backups;

[Trait("Category", "Tool")]
public sealed class BackupSpaceTests
{
    [Fact]
    public async Task Too_little_room_is_found_before_the_first_byte()
    {
        using var disk = new SmallDisk(8);
        using var bench = new Workbench(disk["backups"]);
        string database = SampleDatabase.Create(bench["app.db"], rows: 60_000);

        BackupException failure = await bench.BackupFailsAsync(Workbench.Sqlite(database));

        var space = Assert.IsType<NotEnoughSpaceException>(failure);
        Assert.True(space.RequiredBytes > space.AvailableBytes);
        Assert.DoesNotContain(bench.Observer.Steps, step => step.StartsWith("copying", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(6)]
    [InlineData(14.5)]
    [InlineData(18)]
    public async Task A_disk_that_becomes_full_in_the_middle_leaves_nothing_listed_and_nothing_staged(double freeMegabytes)
    {
        using var disk = new SmallDisk(48);
        using var bench = new Workbench(disk["backups"]);
        string database = bench["app.db"];
        SampleDatabase.Run(
            database,
            "CREATE TABLE blobs(id INTEGER PRIMARY KEY, content BLOB)",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 14) INSERT INTO blobs SELECT i, zeroblob(1000000) FROM n");
        Backup first = await bench.BackUpAsync(database);

        // What shrank well so far does not shrink at all now, and somebody else takes the rest of the room meanwhile.
        SampleDatabase.Run(database, "UPDATE blobs SET content = randomblob(1000000)");
        bool filled = false;
        bench.Observer.At = step =>
        {
            if (!filled && step.StartsWith("copying", StringComparison.Ordinal))
            {
                filled = true;
                disk.FillBut((long)(freeMegabytes * 1024 * 1024));
            }
        };
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync(database));

        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        Assert.Equal(first.Name, Assert.Single(await bench.ListAsync()).Name);
        bench.AssertNothingStaged();
        Assert.True((await bench.TestAsync(first, BackupTestLevel.Checksum)).Passed);
    }

    [Fact]
    public async Task A_repository_on_another_file_system_takes_backups_and_gives_them_back()
    {
        using var disk = new SmallDisk(32);
        using var bench = new Workbench(disk["backups"]);
        string database = SampleDatabase.Create(bench["app.db"], journal: "WAL");

        Backup backup = await bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(database)], StagingPath = bench.Folder.Path, Verify = true });
        SampleDatabase.Run(database, "DELETE FROM notes");
        await bench.RestoreAsync(backup);

        Assert.Equal("100", SampleDatabase.Text(database, "SELECT count(*) FROM notes"));
        Assert.Empty(Directory.GetDirectories(bench.Folder.Path));
    }

    [Fact]
    public async Task A_restore_test_on_a_disk_that_becomes_full_does_not_call_the_backup_damaged()
    {
        using var disk = new SmallDisk(32);
        using var bench = new Workbench();
        Backup backup = await bench.BackUpAsync(SampleDatabase.Create(bench["app.db"], rows: 20_000));

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => new DbBackup.Engine.Verification.BackupVerifier(bench.Repository).TestAsync(
                backup, new DbBackup.Engine.Engines.BackupTestOptions { Level = BackupTestLevel.Restore, StagingPath = disk.Path }, new FillOnce(disk), CancellationToken.None));

        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        Assert.Equal(BackupStatus.Written, Assert.Single(await bench.ListAsync()).Status);
    }

    [Fact]
    public void A_sql_text_loaded_onto_a_full_disk_is_not_called_damaged()
    {
        using var disk = new SmallDisk(1);
        using var text = new MemoryStream(System.Text.Encoding.UTF8.GetBytes("CREATE TABLE t(x);\nINSERT INTO t VALUES(zeroblob(3000000));\n"));

        BackupException failure = Assert.ThrowsAny<BackupException>(
            () => DbBackup.Engine.Engines.Sqlite.SqlScript.Load(text, disk["loaded.db"], CancellationToken.None));

        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
    }

    private sealed class FillOnce(SmallDisk disk) : IOperationObserver
    {
        private int _filled;

        public void Progress(OperationProgress progress)
        {
            if (Interlocked.Exchange(ref _filled, 1) == 0)
                disk.FillBut(100_000);
        }

        public void Verbose(string message)
        {
        }

        public void Warning(string message)
        {
        }
    }
}
