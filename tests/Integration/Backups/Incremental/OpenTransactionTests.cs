using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using Npgsql;

namespace DbBackup.Tests.Integration.Backups.Incremental;

/// <summary>Transactions that were open when the full backup's snapshot was taken, and still are at the incremental one's, or ended between the two.</summary>
[Trait("Category", "PostgreSql")]
public sealed class OpenTransactionTests
{
    [Fact]
    public async Task Each_backup_holds_what_was_committed_before_its_own_snapshot()
    {
        using var bench = new PostgreSqlBench(PostgreSqlServer.Shared);
        bench.CreateNotes();
        bench.Database.Execute("CREATE TABLE big (id serial PRIMARY KEY, body text); INSERT INTO big (body) SELECT md5(i::text) || md5((i + 1)::text) FROM generate_series(1, 150000) i");
        await using var open = new NpgsqlConnection(bench.Database.ConnectionString);
        await using var ended = new NpgsqlConnection(bench.Database.ConnectionString);
        await using var reader = new NpgsqlConnection(bench.Database.ConnectionString);
        await open.OpenAsync();
        await ended.OpenAsync();
        await reader.OpenAsync();
        await ExecuteAsync(open, "BEGIN; INSERT INTO big (body) SELECT 'of the open one' FROM generate_series(1, 500); UPDATE big SET body = 'of the open one' WHERE id = 10");
        await ExecuteAsync(ended, "BEGIN; INSERT INTO big (body) SELECT 'of the ended one' FROM generate_series(1, 300); DELETE FROM big WHERE id BETWEEN 1000 AND 1999");
        await ExecuteAsync(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM big");

        Backup full = await BackUpAsync(bench, BackupMethod.Full);
        Assert.Equal(150_000, Rows(full));
        await ExecuteAsync(ended, "COMMIT");
        await ExecuteAsync(open, "INSERT INTO big (body) SELECT 'of the open one, later' FROM generate_series(1, 500)");
        Backup between = await BackUpAsync(bench, BackupMethod.Incremental);
        Assert.Equal((full.Name, 149_300), (between.Parent, Rows(between)));
        await ExecuteAsync(open, "COMMIT");
        Backup last = await BackUpAsync(bench, BackupMethod.Incremental);
        Assert.Equal((full.Name, 150_300), (last.Parent, Rows(last)));
        await ExecuteAsync(reader, "ROLLBACK");

        // What was verified is the copy with the snapshot of its backup; the earlier ones hold what they held.
        foreach (Backup backup in (Backup[])[full, between, last])
        {
            Assert.Equal(BackupStatus.Matched, backup.Status);
            Assert.True((await bench.Files.TestAsync(backup, BackupTestLevel.Checksum)).Passed);
        }
    }

    private static long Rows(Backup backup) => backup.Manifest!.Payloads[0].Fingerprint!.Tables.Single(table => table.Name.EndsWith("big", StringComparison.Ordinal)).Rows;

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static Task<Backup> BackUpAsync(PostgreSqlBench bench, string method) => bench.Files.BackUpAsync(new BackupRequest
    {
        Sources = [bench.Source(new PostgreSqlDumpOptions())],
        Method = new MethodChoice { Method = method },
        Fingerprint = FingerprintLevel.Content,
        Verify = true,
        TestServer = bench.Superuser,
    });
}
