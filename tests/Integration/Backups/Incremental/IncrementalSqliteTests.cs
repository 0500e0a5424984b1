using DbBackup.Engine.Backups;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Backups.Incremental;

/// <summary>What SQLite does to its files between a full backup and an incremental one.</summary>
[Trait("Category", "Tool")]
public sealed class IncrementalSqliteTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public IncrementalSqliteTests()
    {
        _database = SampleDatabase.Create(_bench["app.db"], rows: 20_000, journal: "WAL");
        SampleDatabase.Run(_database, "CREATE TABLE big(id INTEGER PRIMARY KEY, body BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO big SELECT i, randomblob(1000) FROM n; CREATE INDEX by_body ON big(body)");
    }

    public void Dispose() => _bench.Dispose();

    [SampledTheory]
    [CompleteRunData("PRAGMA wal_checkpoint(PASSIVE)")]
    [CompleteRunData("PRAGMA wal_checkpoint(FULL)")]
    [CompleteRunData("PRAGMA wal_checkpoint(RESTART)")]
    [InlineData("PRAGMA wal_checkpoint(TRUNCATE)")]
    [CompleteRunData("PRAGMA journal_mode = DELETE")]
    [InlineData("PRAGMA journal_mode = DELETE; UPDATE notes SET text = 'in the journal' WHERE id = 5; PRAGMA journal_mode = WAL")]
    [InlineData("VACUUM")]
    [InlineData("DELETE FROM big WHERE id % 2 = 0; VACUUM")]
    [CompleteRunData("PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM")]
    [InlineData("PRAGMA journal_mode = DELETE; PRAGMA page_size = 65536; VACUUM; PRAGMA journal_mode = WAL")]
    [CompleteRunData("PRAGMA auto_vacuum = FULL; VACUUM; DELETE FROM big WHERE id > 4000")]
    [InlineData("PRAGMA auto_vacuum = INCREMENTAL; VACUUM; DELETE FROM big WHERE id % 3 = 0; PRAGMA incremental_vacuum(500)")]
    [InlineData("DROP TABLE big")]
    [CompleteRunData("DELETE FROM big; INSERT INTO big SELECT id, randomblob(1000) FROM notes LIMIT 9000")]
    [CompleteRunData("REINDEX")]
    public async Task The_incremental_backup_holds_what_the_database_holds(string between)
    {
        await BackUpAsync(BackupMethod.Full);
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 1000 = 0");
        SampleDatabase.Run(_database, between.Split("; "));
        string content = SampleDatabase.Content(_database);

        Backup made = await BackUpAsync(BackupMethod.Incremental);

        Assert.Equal(BackupStatus.Matched, made.Status);
        Assert.Equal(made.Method == BackupMethod.Full, _bench.Observer.Warnings.Any(warning => warning.Contains("its difference would save little", StringComparison.Ordinal)));
        Assert.Equal(content, SampleDatabase.Content(await _bench.RestoredCopyAsync(made)));
        // By the usual choice too, which stores whole what has nothing in common.
        Backup chosen = await BackUpAsync(null);
        Assert.Equal(content, SampleDatabase.Content(await _bench.RestoredCopyAsync(chosen)));
    }

    [Fact]
    public async Task A_reader_that_keeps_the_log_and_a_log_that_begins_anew_change_nothing()
    {
        using OtherProcess reader = OtherProcess.Hold(_database);
        await BackUpAsync(BackupMethod.Full);
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 100 = 0");
        reader.Ask("SELECT count(*) FROM big");
        Backup behind = await BackUpAsync(BackupMethod.Incremental);
        string? content = State(_database);
        Assert.Equal(content, State(await _bench.RestoredCopyAsync(behind)));

        SampleDatabase.Run(_database, "PRAGMA wal_checkpoint(RESTART)", "UPDATE notes SET text = 'at the beginning of the log' WHERE id < 10");
        Backup anew = await BackUpAsync(BackupMethod.Incremental);

        Assert.Equal(State(_database), State(await _bench.RestoredCopyAsync(anew)));
        // What came before stays what it was.
        Assert.Equal(content, State(await _bench.RestoredCopyAsync(behind)));
    }

    // By a connection, which reads the log too: the fingerprint is of files that no application has open.
    private static string? State(string database) =>
        SampleDatabase.Text(database, "SELECT (SELECT group_concat(hex(substr(body, 1, 8)), '') FROM big) || (SELECT group_concat(text) FROM notes)");

    private Task<Backup> BackUpAsync(string? method) => _bench.BackUpAsync(new BackupRequest
    {
        Sources = [Workbench.Sqlite(_database)],
        Method = new MethodChoice { Method = method },
        Fingerprint = FingerprintLevel.Content,
        Verify = true,
    });
}
