using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Verify;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>What is longer than the longest value that the server can handle at once.</summary>
[Trait("Category", "PostgreSql")]
public sealed class HugeValuesTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task A_large_object_of_over_1_GB_has_its_content_in_the_fingerprint()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("SELECT lo_from_bytea(4711, 'short'); SELECT lo_from_bytea(4712, 'short, too')");
        Payload payload = (await bench.BackUpAsync()).Manifest!.Payloads[0];
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(PostgreSqlBench.Resolve(bench.Superuser), bench.Database.Name, CancellationToken.None);
        Task<Fingerprint> TakeAsync() => RestoredFingerprint.TakeAsync(session, payload.Fingerprint!, payload, otherLocale: false, CancellationToken.None);
        Assert.Empty(payload.Fingerprint!.DifferencesFrom(await TakeAsync()));

        bench.Database.Execute("SELECT lo_put(4711, 1100000000, 'the end')");
        Fingerprint longer = await TakeAsync();
        Assert.NotEmpty(payload.Fingerprint.DifferencesFrom(longer));

        // What is behind the first gigabyte counts too.
        bench.Database.Execute("SELECT lo_put(4711, 1100000000, 'no end!')");
        Assert.NotEmpty(longer.DifferencesFrom(await TakeAsync()));
    }

    [Fact]
    public async Task A_row_that_the_server_cannot_send_is_told_with_what_to_do()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("CREATE TABLE films (id integer, film bytea); INSERT INTO films VALUES (1, convert_to(repeat('x', 600000000), 'UTF8'))");

        BackupException failure = await bench.BackupFailsAsync();

        Assert.Contains("films", failure.ToString(), StringComparison.Ordinal);
        Assert.Contains("1 GB", failure.Hint, StringComparison.Ordinal);
        Assert.Contains("-ExcludeTableData", failure.Hint, StringComparison.Ordinal);
        await bench.BackUpAsync(new PostgreSqlDumpOptions { ExcludedTableData = ["films"] });
    }
}
