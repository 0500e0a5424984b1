using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>The databases that every server has, <c>postgres</c> and <c>template1</c>, where people put tables all the same.</summary>
[Trait("Category", "PostgreSql")]
public sealed class OwnDatabaseTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const string Table = "CREATE TABLE ledger (id integer PRIMARY KEY); INSERT INTO ledger SELECT generate_series(1, 50);";

    [Fact]
    public async Task The_database_postgres_is_restored_and_the_restore_undone()
    {
        using var bench = new PostgreSqlBench(own.Server);
        own.Server.Execute("postgres", Table);
        try
        {
            Backup backup = await bench.Files.BackUpAsync(bench.Source(database: "postgres"));
            own.Server.Execute("postgres", "DELETE FROM ledger");
            RestoreResult restored = await bench.RestoreAsync(bench.Request(backup) with { NewName = null });
            Assert.Equal(BackupStatus.Matched, restored.Status);
            Assert.Equal("50", own.Server.Query("postgres", "SELECT count(*) FROM ledger"));

            await bench.RestoreAsync(bench.Request(restored.SafetyBackup!));
            Assert.Equal("0", own.Server.Query("postgres", "SELECT count(*) FROM ledger"));
            bench.AssertNothingLeftOnServer();
        }
        finally
        {
            Clean(bench);
        }
    }

    [Fact]
    public async Task Tables_in_postgres_are_restored_with_the_other_databases_and_an_empty_one_is_told()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        BackupRequest both = new() { Sources = [new PostgreSqlGlobalsSource(PostgreSqlBench.Resolve(bench.Superuser)), bench.Source(), bench.Source(new PostgreSqlDumpOptions { AllowEmpty = true }, database: "postgres")], Fingerprint = FingerprintLevel.Rows };
        Backup empty = await bench.Files.BackUpAsync(both);
        PreparedRestore prepared = await PreparedRestore.PrepareAsync(bench.Files.Repository, bench.Request(empty) with { NewName = null }, changeNothing: true, bench.Observer, CancellationToken.None);
        Assert.DoesNotContain(prepared.Plan.Targets, target => target.Path.EndsWith("/postgres", StringComparison.Ordinal));
        Assert.Contains(prepared.Plan.Warnings, warning => warning.Contains("'postgres' of the backup has no tables", StringComparison.Ordinal));

        own.Server.Execute("postgres", Table);
        try
        {
            Backup backup = await bench.Files.BackUpAsync(both);
            own.Server.Execute("postgres", "DROP TABLE ledger");
            bench.Database.Execute("DELETE FROM notes");
            RestoreResult restored = await bench.RestoreAsync(bench.Request(backup) with { NewName = null });
            Assert.Equal(BackupStatus.Matched, restored.Status);
            Assert.Equal("50", own.Server.Query("postgres", "SELECT count(*) FROM ledger"));
            Assert.Equal("100", bench.Database.Query("SELECT count(*) FROM notes"));
            bench.AssertNothingLeftOnServer();
        }
        finally
        {
            Clean(bench);
        }
    }

    private static void Clean(PostgreSqlBench bench)
    {
        bench.Server.Execute("postgres", "DROP TABLE IF EXISTS ledger");
        foreach (string kept in bench.KeptDatabases())
            bench.Server.Execute("postgres", $"DROP DATABASE \"{kept}\" WITH (FORCE)");
    }
}
