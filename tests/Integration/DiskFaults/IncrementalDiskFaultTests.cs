using DbBackup.Engine.Backups;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.DiskFaults;

/// <summary>
/// A disk that is full, fails or denies access at the nth system call of an incremental backup: it is listed whole or not at all, the full one stays
/// whole, and the next run works. Some calls fail usually, every one with DBBACKUP_TEST_FULL=1.
/// </summary>
[Trait("Category", "Kill")]
public sealed class IncrementalDiskFaultTests : IDisposable
{
    private const int Sample = 15;

    // The first one is a full one, because there is none to differ from.
    private readonly FaultCampaign _campaign = new(new Dictionary<string, string> { ["DBBACKUP_TEST_METHOD"] = BackupMethod.Incremental });
    private readonly string _database;
    private readonly string _uploads;
    private readonly string _repository;

    public IncrementalDiskFaultTests()
    {
        _database = _campaign["app.db"];
        _uploads = _campaign["uploads"];
        _repository = _campaign["backups"];
        Directory.CreateDirectory(_campaign["tmp"]);
        Directory.CreateDirectory(_uploads);
        SampleDatabase.Create(_database, rows: 50, journal: "WAL");
        // Several blocks each: their index is read, and their frames one by one.
        SampleDatabase.Run(_database, "CREATE TABLE big(id INTEGER PRIMARY KEY, body BLOB)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO big SELECT i, randomblob(1000) FROM n");
        byte[] photo = new byte[5_000_000];
        new Random(1).NextBytes(photo);
        File.WriteAllBytes(Path.Join(_uploads, "photo.jpg"), photo);
    }

    public void Dispose() => _campaign.Dispose();

    [Theory]
    [InlineData("NoSpace")]
    [InlineData("Disk")]
    [InlineData("Access")]
    public async Task An_incremental_backup_with_a_failing_call_is_listed_whole_or_not_at_all(string fault)
    {
        string[] command = ["backup", _database, _repository, "0", _uploads];
        (int exit, string words) = _campaign.Run(command);
        Assert.True(exit == 0, words);
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 100 = 0");
        File.WriteAllText(Path.Join(_uploads, "another.txt"), "new");
        _campaign.Remember();
        string content = SampleDatabase.Content(_database);
        int incremental = 0;

        await _campaign.FailEachAsync(Enum.Parse<Faults>(fault), Sample, command, async (exit, report) =>
        {
            using var bench = new Workbench(_repository);
            IReadOnlyList<Backup> listed = await bench.ListAsync();
            foreach (Backup backup in listed)
            {
                if (backup.Problem is { } problem)
                    report($"half listed: {problem}");
                else if (await bench.TestAsync(backup, BackupTestLevel.Checksum) is { Passed: false } test)
                    report($"damaged: {test.Failure}");
            }

            if (listed.Count != (exit == 0 ? 2 : 1))
                report($"{listed.Count} are listed");
            Backup next = await bench.BackUpAsync(new BackupRequest
            {
                Sources = [Workbench.Sqlite(_database), new Engine.Engines.Files.FolderSource(_uploads)],
                Method = new MethodChoice { Method = BackupMethod.Incremental },
            });
            if (next.Method == BackupMethod.Incremental)
                incremental++;
            else
                report("the next one was a full one");
            if (SampleDatabase.Content(await bench.RestoredCopyAsync(next)) != content)
                report("the next one holds something else");
        });

        _campaign.Complete();
        Assert.True(incremental > 0);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(1)]
    [InlineData(2.5)]
    public async Task A_disk_that_becomes_full_in_the_middle_leaves_the_full_backup_and_the_next_run_succeeds(double freeMegabytes)
    {
        using var disk = new SmallDisk(48);
        using var bench = new Workbench(disk["backups"]);
        string database = bench["live.db"];
        SampleDatabase.Run(
            database,
            "CREATE TABLE blobs(id INTEGER PRIMARY KEY, content BLOB)",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 12) INSERT INTO blobs SELECT i, randomblob(1000000) FROM n");
        var request = new BackupRequest { Sources = [Workbench.Sqlite(database)], Method = new MethodChoice { Method = BackupMethod.Incremental } };
        Backup full = await bench.BackUpAsync(request);
        SampleDatabase.Run(database, "UPDATE blobs SET content = randomblob(1000000) WHERE id <= 5");
        string[] before = [.. Files(full)];
        bool filled = false;
        bench.Observer.At = step =>
        {
            // After the staged copy: what is left is for the difference, which needs five.
            if (!filled && step.StartsWith("storing", StringComparison.Ordinal))
            {
                filled = true;
                disk.FillBut((long)(freeMegabytes * 1024 * 1024));
            }
        };

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync(request));

        Assert.True(filled);
        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        Assert.Equal(full.Name, Assert.Single(await bench.ListAsync()).Name);
        Assert.Equal(before, Files(full));
        bench.AssertNothingStaged();
        bench.Observer.At = null;
        foreach (string filler in Directory.EnumerateFiles(disk.Path, "filler-*"))
            File.Delete(filler);
        Backup next = await bench.BackUpAsync(request);
        Assert.Equal(full.Name, next.Parent);
        Assert.Equal(SampleDatabase.Content(database), SampleDatabase.Content(await bench.RestoredCopyAsync(next)));
    }

    private static IEnumerable<string> Files(Backup backup) => Directory.EnumerateFiles(backup.Location, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
}
