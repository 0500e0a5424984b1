using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>What a restore must make room for in place, and the tablespaces of a server.</summary>
[Trait("Category", "PostgreSql")]
public sealed class InPlaceObjectsTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Extensions_in_schemas_of_their_own_and_aggregates_without_arguments_are_loaded_in_place()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute(
            """
            CREATE SCHEMA crypto; CREATE EXTENSION pgcrypto SCHEMA crypto;
            CREATE FUNCTION plus_one(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 + 1';
            CREATE AGGREGATE all_rows(*) (sfunc = plus_one, stype = integer, initcond = '0');
            CREATE TABLE crypto.keys (id integer PRIMARY KEY); INSERT INTO crypto.keys VALUES (1);
            """);
        string before = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        bench.Database.Execute("DELETE FROM crypto.keys");
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(bench.Request(backup) with { InPlace = true })).Status);
        Assert.Equal(before, bench.Database.Dump());
    }

    [Fact]
    public async Task Tablespaces_that_the_server_lacks_are_told_and_one_that_it_has_is_used()
    {
        using var bench = new PostgreSqlBench(own.Server);
        string folder = Path.Join(Path.GetDirectoryName(own.Server.DataFolder)!, "space");
        Directory.CreateDirectory(folder);
        UnprivilegedUser.Find().Own(folder);
        own.Server.Execute("postgres", $"CREATE TABLESPACE fast LOCATION '{folder}'");
        own.Server.Execute("postgres", $"ALTER DATABASE {bench.Database.Name} SET TABLESPACE fast");
        bench.CreateNotes();
        bench.Database.Execute("CREATE TABLE slow (id integer) TABLESPACE pg_default; ALTER TABLE authors SET TABLESPACE pg_default");
        Backup backup = await bench.BackUpAsync();
        Assert.Equal("fast", backup.Manifest!.Payloads[0].Database!.Tablespace);

        await bench.RestoreAsync(bench.Request(backup) with { NoSafetyBackup = true });
        Assert.Equal("fast", own.Server.Query("postgres", $"SELECT spcname FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE datname = '{bench.Database.Name}'"));

        // What the restored database has in the other tablespace keeps it from moving there.
        own.Server.Execute("postgres", $"DROP DATABASE {bench.Database.Name}");
        own.Server.Execute("postgres", "DROP TABLESPACE fast");
        DbBackup.Engine.Restores.PreparedRestore prepared = await DbBackup.Engine.Restores.PreparedRestore.PrepareAsync(
            bench.Files.Repository, bench.Request(backup), changeNothing: true, bench.Observer, CancellationToken.None);
        Assert.Contains(prepared.Plan.Warnings, warning => warning.Contains("lacks the tablespaces fast", StringComparison.Ordinal));
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(backup)).Status);
    }
}
