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
    public async Task Views_on_a_restored_table_are_put_back_as_they_were()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute(
            """
            CREATE VIEW named WITH (security_barrier) AS SELECT n.id, n.body, a.name FROM notes n JOIN authors a ON a.id = n.author;
            CREATE MATERIALIZED VIEW counted AS SELECT name, count(*) AS notes FROM named GROUP BY name;
            CREATE UNIQUE INDEX counted_name ON counted (name);
            CREATE VIEW much AS SELECT * FROM counted WHERE notes > 5;
            CREATE VIEW "of Authors" AS SELECT id, name FROM authors;
            ALTER VIEW "of Authors" ALTER COLUMN name SET DEFAULT 'it''s';
            CREATE RULE nothing AS ON INSERT TO "of Authors" DO INSTEAD NOTHING;
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            CREATE TRIGGER refuse INSTEAD OF UPDATE ON named FOR EACH ROW EXECUTE FUNCTION refuse();
            COMMENT ON VIEW named IS 'it''s'; COMMENT ON COLUMN counted.notes IS 'how many';
            GRANT SELECT ON much TO PUBLIC; GRANT SELECT (name) ON counted TO pg_monitor; GRANT SELECT ON named TO pg_monitor WITH GRANT OPTION;
            ALTER VIEW much OWNER TO pg_monitor;
            """);
        string before = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("UPDATE authors SET name = 'changed'; DELETE FROM notes; REFRESH MATERIALIZED VIEW counted");

        await bench.RestoreAsync(bench.Request(backup) with { Tables = ["authors", "notes"] });

        Assert.Equal(before, bench.Database.Dump());
        Assert.Equal("10", bench.Database.Query("SELECT count(*) FROM counted"));
    }

    [Fact]
    public async Task A_view_that_a_restored_table_does_not_fit_undoes_the_restore()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("ALTER TABLE authors ADD COLUMN email text DEFAULT 'none'; CREATE VIEW addresses AS SELECT email FROM authors");
        string before = bench.Database.Dump();

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(bench.Request(backup) with { Tables = ["authors"] }));

        Assert.Contains("email", failure.Message, StringComparison.Ordinal);
        // psql's warnings are none of the error.
        Assert.DoesNotContain("transaction in progress", failure.Message, StringComparison.Ordinal);
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
