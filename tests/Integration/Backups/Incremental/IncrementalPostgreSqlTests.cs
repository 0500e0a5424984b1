using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Backups.Incremental;

/// <summary>Incremental backups of a server's database: small after small changes, right after all of them.</summary>
[Trait("Category", "PostgreSql")]
public sealed class IncrementalPostgreSqlTests
{
    [Theory]
    [InlineData("UPDATE big SET body = 'changed' WHERE id % 20000 = 0; INSERT INTO big (body) SELECT md5(i::text) FROM generate_series(1, 100) i", 50)]
    [InlineData("DELETE FROM big WHERE id BETWEEN 1000 AND 3000", 30)]
    [InlineData("INSERT INTO notes (body) SELECT 'more' FROM generate_series(1, 50)", 100)]
    [InlineData("ALTER TABLE big ADD COLUMN added integer DEFAULT 7", 0)]
    [InlineData("CLUSTER big USING by_body", 0)]
    [InlineData("VACUUM FULL big", 100)]
    [InlineData("TRUNCATE big", 0)]
    [InlineData("ALTER TYPE mood RENAME VALUE 'fine' TO 'well'", 3)]
    [InlineData("ALTER TABLE big ALTER COLUMN id TYPE bigint", 0)]
    public async Task ItIsSmallWhereLittleChangedAndEqualsTheDatabase(string change, int timesSmaller)
    {
        using var bench = new PostgreSqlBench(PostgreSqlServer.Shared);
        bench.CreateNotes();
        bench.Database.Execute(
            "CREATE TYPE mood AS ENUM ('fine', 'tired'); CREATE TABLE big (id serial PRIMARY KEY, body text, mood mood DEFAULT 'fine');" +
            "INSERT INTO big (body) SELECT md5(i::text) || md5((i + 1)::text) || repeat('x', i % 90) FROM generate_series(1, 200000) i; CREATE INDEX by_body ON big (body)");
        Backup full = await BackUpAsync(bench, BackupMethod.Full);
        foreach (string statement in change.Split("; "))
            bench.Database.Execute(statement);

        Backup made = await BackUpAsync(bench, BackupMethod.Incremental);

        Assert.Equal((BackupMethod.Incremental, full.Name), (made.Method, made.Parent));
        // 0 stands for changes that leave nothing as it was.
        if (timesSmaller > 0)
            Assert.True(made.Size < full.Size / timesSmaller, string.Create(CultureInfo.InvariantCulture, $"{made.Size} of {full.Size}"));
        Assert.Equal(BackupStatus.Matched, made.Status);
        BackupTestResult tested = await bench.Files.TestAsync(made, BackupTestLevel.Checksum);
        Assert.True(tested.Passed, tested.Failure);
    }

    private static Task<Backup> BackUpAsync(PostgreSqlBench bench, string method) => bench.Files.BackUpAsync(new BackupRequest
    {
        Sources = [bench.Source(new PostgreSqlDumpOptions())],
        Method = new MethodChoice { Method = method },
        Fingerprint = FingerprintLevel.Content,
        Verify = method == BackupMethod.Incremental,
        TestServer = bench.Superuser,
    });
}
