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
    public async Task Objects_outside_of_schemas_and_default_privileges_make_room()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.Database.Execute(
            """
            CREATE TABLE own (id integer); INSERT INTO own VALUES (1);
            CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE USER MAPPING FOR PUBLIC SERVER files;
            CREATE FOREIGN TABLE lines (line text) SERVER files OPTIONS (filename '/dev/null');
            CREATE FOREIGN DATA WRAPPER bare; CREATE SERVER nowhere FOREIGN DATA WRAPPER bare;
            CREATE FUNCTION handle() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler'; CREATE LANGUAGE other HANDLER handle;
            CREATE ACCESS METHOD second_heap TYPE TABLE HANDLER heap_tableam_handler;
            CREATE TABLE stored (id integer) USING second_heap;
            CREATE TEXT SEARCH PARSER words (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
            CREATE TEXT SEARCH TEMPLATE plain (LEXIZE = dsimple_lexize);
            CREATE FUNCTION quiet() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER watcher ON sql_drop EXECUTE FUNCTION quiet();
            ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
            ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
            CREATE SCHEMA shop; ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT INSERT ON TABLES TO PUBLIC;
            """);
        string before = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute(
            """
            CREATE SERVER added FOREIGN DATA WRAPPER file_fdw;
            ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
            ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
            ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
            ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
            ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC;
            ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO PUBLIC;
            """);

        await bench.RestoreAsync(bench.Request(backup) with { InPlace = true });

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

    [Fact]
    public async Task Configuration_rows_of_extensions_make_room_and_come_back()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        CreatePartman(bench);
        bench.Database.Execute("CREATE EXTENSION postgis; INSERT INTO spatial_ref_sys (srid, srtext) VALUES (990001, 'mine')");
        string before = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        bench.Database.Execute("DELETE FROM spatial_ref_sys WHERE srid = 990001; UPDATE partman.part_config SET partition_interval = '20'; INSERT INTO spatial_ref_sys (srid, srtext) VALUES (990002, 'another')");

        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(bench.Request(backup) with { InPlace = true })).Status);

        Assert.Equal(before, bench.Database.Dump());
    }

    [Fact]
    public async Task An_owner_who_is_no_superuser_restores_in_place_what_is_theirs()
    {
        using var bench = new PostgreSqlBench(own.Server);
        DbBackup.Engine.Engines.PostgreSql.Connect.PostgreSqlConnectionRequest owner = bench.CreateRole("owner", "CREATEDB");
        bench.CreateNotes(owner: owner.Username);
        CreatePartman(bench);
        string before = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate(owner.Username);
        DbBackup.Engine.Restores.RestoreRequest request = bench.Request(backup) with { Connection = owner, NoSafetyBackup = true };

        // Beside, the extension would have to be created; the way that works is named.
        BackupException beside = await bench.RestoreFailsAsync(request);
        Assert.Equal(ErrorCodes.TargetLacksObjects, beside.Code);
        Assert.Contains("-InPlace", beside.Hint, StringComparison.Ordinal);

        await bench.RestoreAsync(request with { InPlace = true });
        Assert.Equal(before, bench.Database.Dump());
        Assert.Contains(bench.Observer.Warnings, warning => warning.Contains("partman.part_config", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_owner_is_refused_in_place_before_anything_is_dropped_where_others_own_objects()
    {
        using var bench = new PostgreSqlBench(own.Server);
        DbBackup.Engine.Engines.PostgreSql.Connect.PostgreSqlConnectionRequest owner = bench.CreateRole("owner");
        bench.CreateNotes(owner: owner.Username);
        bench.Database.Execute("CREATE TABLE logs (id integer)");
        Backup backup = await bench.BackUpAsync();
        DbBackup.Engine.Restores.RestoreRequest request = bench.Request(backup) with { Connection = owner, InPlace = true, NoSafetyBackup = true };

        BackupException owners = await bench.RestoreFailsAsync(request);
        Assert.Equal(ErrorCodes.PermissionDenied, owners.Code);
        Assert.Contains("postgres", owners.Message, StringComparison.Ordinal);
        Assert.Contains("-NoOwner", owners.Hint, StringComparison.Ordinal);
        bench.Database.Execute("CREATE SCHEMA secret; CREATE TABLE secret.plans (id integer)");
        BackupException dropped = await bench.RestoreFailsAsync(request with { NoOwner = true });
        Assert.Equal(ErrorCodes.PermissionDenied, dropped.Code);
        Assert.Contains("secret.plans", dropped.Message, StringComparison.Ordinal);

        // The hint is right.
        bench.Database.Execute("DROP SCHEMA secret CASCADE; UPDATE notes SET body = 'changed'");
        await bench.RestoreAsync(request with { NoOwner = true });
        Assert.Equal("note 1", bench.Database.Query("SELECT body FROM notes WHERE id = 1"));
    }

    [Fact]
    public async Task More_objects_than_the_server_has_locks_for_are_refused_beforehand()
    {
        using DbBackup.Testing.PostgreSqlServer small = DbBackup.Testing.PostgreSqlServer.Start(new PostgreSqlOptions
        {
            Settings = new Dictionary<string, string> { ["max_locks_per_transaction"] = "10", ["max_connections"] = "15" },
        });
        using var bench = new PostgreSqlBench(small);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("SELECT format('CREATE TABLE many_%s (id integer)', i) FROM generate_series(1, 170) i \\gexec");

        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup) with { InPlace = true });

        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
        Assert.Contains("150 locks", failure.Message, StringComparison.Ordinal);
        // The hint is right: beside, nothing is dropped.
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(backup)).Status);
    }

    [Fact]
    public async Task Tablespaces_of_a_whole_servers_backup_are_created_where_their_folders_are()
    {
        using var bench = new PostgreSqlBench(own.Server);
        string folder = Path.Join(Path.GetDirectoryName(own.Server.DataFolder)!, "with \\ a space");
        Directory.CreateDirectory(folder);
        UnprivilegedUser.Find().Own(folder);
        string create = $"CREATE ROLE keeper; CREATE TABLESPACE \"my space\" OWNER keeper LOCATION E'{folder.Replace("\\", "\\\\", StringComparison.Ordinal)}'";
        foreach (string statement in create.Split("; "))
            own.Server.Execute("postgres", statement);
        string idle = folder + " idle";
        Directory.CreateDirectory(idle);
        UnprivilegedUser.Find().Own(idle);
        own.Server.Execute("postgres", "ALTER TABLESPACE \"my space\" SET (random_page_cost = 1.25, effective_io_concurrency = 3)");
        own.Server.Execute("postgres", "GRANT CREATE ON TABLESPACE \"my space\" TO PUBLIC");
        own.Server.Execute("postgres", "COMMENT ON TABLESPACE \"my space\" IS 'it''s \\ here'");
        own.Server.Execute("postgres", $"CREATE TABLESPACE idle LOCATION E'{idle.Replace("\\", "\\\\", StringComparison.Ordinal)}'");
        const string Spaces = "SELECT string_agg(concat_ws(' ', spcname, pg_get_userbyid(spcowner), spcacl, spcoptions, shobj_description(oid, 'pg_tablespace')), ',' ORDER BY spcname) FROM pg_tablespace";
        string spaces = own.Server.Query("postgres", Spaces);
        bench.CreateNotes();
        bench.Database.Execute("ALTER TABLE notes SET TABLESPACE \"my space\"");
        Backup backup = await bench.Files.BackUpAsync(new DbBackup.Engine.Backups.BackupRequest
        {
            Sources = [new DbBackup.Engine.Engines.PostgreSql.Dump.PostgreSqlGlobalsSource(PostgreSqlBench.Resolve(bench.Superuser)), bench.Source()],
            Name = "whole",
        });
        const string Place = "SELECT spcname || ' of ' || pg_get_userbyid(spcowner) FROM pg_tablespace s JOIN pg_class c ON c.reltablespace = s.oid WHERE c.relname = 'notes'";
        string before = bench.Database.Query(Place);
        void Drop()
        {
            own.Server.Execute("postgres", $"DROP DATABASE IF EXISTS {bench.Database.Name}");
            own.Server.Execute("postgres", "DROP TABLESPACE IF EXISTS \"my space\"");
            own.Server.Execute("postgres", "DROP TABLESPACE IF EXISTS idle");
            own.Server.Execute("postgres", "DROP ROLE IF EXISTS keeper");
        }

        try
        {
            Drop();
            Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(bench.Request(backup) with { NewName = null, Databases = [bench.Database.Name] })).Status);
            Assert.Equal("my space of keeper", before);
            Assert.Equal(before, bench.Database.Query(Place));
            Assert.Equal(spaces, own.Server.Query("postgres", Spaces));

            // Without its folder the plan says how to create it, and the tables go to the default.
            Drop();
            Directory.Move(folder, folder + " elsewhere");
            DbBackup.Engine.Restores.PreparedRestore prepared = await DbBackup.Engine.Restores.PreparedRestore.PrepareAsync(
                bench.Files.Repository, bench.Request(backup) with { NewName = null }, changeNothing: false, bench.Observer, CancellationToken.None);
            Assert.Contains(prepared.Plan.Warnings, warning => warning.Contains("CREATE TABLESPACE \"my space\" LOCATION", StringComparison.Ordinal) && warning.Contains("a space", StringComparison.Ordinal));
            Assert.Equal(BackupStatus.Matched, (await prepared.RunAsync(bench.Observer, CancellationToken.None)).Status);
            Assert.Equal("pg_default", bench.Database.Query("SELECT spcname FROM pg_tablespace s JOIN pg_database d ON d.dattablespace = s.oid WHERE datname = current_database()"));
        }
        finally
        {
            Drop();
        }
    }

    [Fact]
    public async Task A_template_is_backed_up_and_is_one_again()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string flag = $"SELECT datistemplate FROM pg_database WHERE datname = '{bench.Database.Name}'";
        own.Server.Execute("postgres", $"ALTER DATABASE {bench.Database.Name} IS_TEMPLATE true");
        try
        {
            Backup backup = await bench.BackUpAsync();
            Assert.True(backup.Manifest!.Payloads[0].Database!.IsTemplate);
            Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
            Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(bench.Request(backup) with { NewName = null })).Status);
            Assert.Equal("t", own.Server.Query("postgres", flag));
            own.Server.Execute("postgres", $"ALTER DATABASE {bench.Database.Name} IS_TEMPLATE false; DROP DATABASE {bench.Database.Name}");
            Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(bench.Request(backup) with { NewName = null })).Status);
            Assert.Equal("t", own.Server.Query("postgres", flag));
        }
        finally
        {
            own.Server.Execute("postgres", "UPDATE pg_database SET datistemplate = false WHERE datname NOT IN ('template0', 'template1')");
        }
    }

    private static void CreatePartman(PostgreSqlBench bench)
    {
        Require.That(bench.Database.Query("SELECT count(*) FROM pg_available_extensions WHERE name IN ('pg_partman', 'postgis')") == "2", "pg_partman and postgis are not installed.");
        bench.Database.Execute(
            """
            CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman;
            INSERT INTO partman.part_config (parent_table, control, partition_type, partition_interval) VALUES ('public.notes', 'id', 'native', '10');
            """);
    }
}
