using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Backups.Incremental;

/// <summary>Incremental backups that are killed or have no room: the full backup stays whole, and the next run succeeds.</summary>
[Trait("Category", "Kill")]
public sealed class KilledIncrementalBackupTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public KilledIncrementalBackupTests()
    {
        _database = SampleDatabase.Create(_bench["app.db"], rows: 30_000, journal: "WAL");
        SampleDatabase.Run(_database, "CREATE TABLE big(id INTEGER PRIMARY KEY, body BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) INSERT INTO big SELECT i, randomblob(1000) FROM n");
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllBytes(_bench["uploads/a.bin"], new byte[9_000_000]);
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Killed_at_any_report_it_is_listed_whole_or_not_at_all()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        Backup full = await BackUpAsync(BackupMethod.Full);
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 3000 = 0");
        var incremental = new Dictionary<string, string> { ["DBBACKUP_TEST_METHOD"] = BackupMethod.Incremental };
        (int ExitCode, string Output) Run(string killAt) => OtherProcess.Run(incremental, OtherProcess.Command("backup", _database, _bench.RepositoryPath, killAt, _bench["uploads"]));
        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);

        await KillPoints.KillAtEachAsync(KillPoints.Of(KillPoints.CountReports(output)), Run, async (_, _) =>
        {
            foreach (Backup backup in await _bench.ListAsync())
            {
                Assert.Null(backup.Problem);
                Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Structure)).Passed);
            }
        });

        Backup made = await BackUpAsync(BackupMethod.Incremental);
        Assert.Equal(full.Name, made.Parent);
        _bench.AssertNothingStaged();
        Assert.True((await _bench.TestAsync(full, BackupTestLevel.Restore)).Passed);
    }

    [Fact]
    public async Task A_full_backup_from_which_one_is_being_made_is_not_removed()
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        var removal = new Engine.Retention.BackupRemoval(_bench.Repository);
        BackupException? refused = null;
        _bench.Observer.At = step =>
        {
            if (refused is null && step.StartsWith("Stored app.db.patch.tar", StringComparison.Ordinal))
                refused = Assert.ThrowsAny<BackupException>(() => removal.RemoveAsync(full, force: true, new(), SilentObserver.Instance, CancellationToken.None).GetAwaiter().GetResult());
        };

        Backup made = await BackUpAsync(BackupMethod.Incremental);

        Assert.Equal(ErrorCodes.BackupInUse, refused!.Code);
        Assert.True((await _bench.TestAsync(made, BackupTestLevel.Restore)).Passed);
    }

    private Task<Backup> BackUpAsync(string method) => _bench.BackUpAsync(new BackupRequest
    {
        Sources = [Workbench.Sqlite(_database), new FolderSource(_bench["uploads"])],
        Method = new MethodChoice { Method = method },
    });
}
