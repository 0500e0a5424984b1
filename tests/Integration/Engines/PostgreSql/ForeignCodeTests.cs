using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Portability;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>
/// Code that the owner of a table has put on it, and that waits for a superuser: to plan a query already runs it. Neither a backup nor
/// what a restore does beside loading the dump runs any of it.
/// </summary>
[Trait("Category", "PostgreSql")]
public sealed class ForeignCodeTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Backup_by_a_superuser_runs_no_code_of_a_tables_owner(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        using var trap = new Trap(bench);

        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format });

        trap.AssertNotSprung();
        Fingerprint fingerprint = backup.Manifest!.Payloads[0].Fingerprint!;
        Assert.Equal(3, fingerprint.Tables.Single(table => table.Name == "public.victims").Rows);
        Assert.All(fingerprint.Tables, table => Assert.StartsWith("xxh128:", table.ContentHash, StringComparison.Ordinal));
        Assert.Equal("aaaa", backup.Manifest.SchemaRevision);
    }

    [Fact]
    public async Task Rows_that_are_read_once_more_run_no_code_either()
    {
        using var bench = new PostgreSqlBench(own.Server);
        using var trap = new Trap(bench);
        using PostgreSqlSession session = await bench.Source().OpenAsync(CancellationToken.None);
        List<PostgreSqlTable> tables = (await PostgreSqlCatalog.TablesAsync(session, CancellationToken.None)).FindAll(table => table.HasRows);

        foreach (FingerprintLevel level in (FingerprintLevel[])[FingerprintLevel.Rows, FingerprintLevel.Content])
        {
            IReadOnlyDictionary<uint, TableRows> rows = await PostgreSqlFingerprint.ReadRowsAsync(session, null, level, tables, CancellationToken.None);
            Assert.Equal(3, rows[tables.Single(table => table.Name == "public.victims").ObjectId].Count);
        }

        trap.AssertNotSprung();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Restore_by_a_superuser_counts_and_compares_without_running_it(bool inPlace)
    {
        using var bench = new PostgreSqlBench(own.Server);
        using var trap = new Trap(bench);
        Backup backup = await bench.BackUpAsync();
        bench.Database.Execute("DELETE FROM victims WHERE id = 1");
        trap.Reset();

        await bench.RestoreAsync(bench.Request(backup) with { InPlace = inPlace });

        trap.AssertNotSprung();
        Assert.Equal("1\n2\n3", bench.Database.Query("COPY victims (id) TO STDOUT"));
    }

    [Theory]
    [InlineData("-Fc")]
    [InlineData("-Fp")]
    public async Task Restore_test_of_an_imported_dump_by_a_superuser_gives_its_code_no_rights(string form)
    {
        using var bench = new PostgreSqlBench(own.Server);
        using var trap = new Trap(bench);
        bench.Database.Execute("CREATE EXTENSION pg_trgm; CREATE EXTENSION pageinspect; CREATE TABLE more (id serial PRIMARY KEY, x text CHECK (x <> ' OWNER TO y;')); INSERT INTO more (x) VALUES ('a')");
        string dump = SampleShop.Dump(bench.Database, bench.Files["foreign.dump"], form);
        trap.Reset();

        Backup backup = await ImportAsync(bench, dump);

        Assert.Equal(BackupStatus.Matched, backup.Status);
        trap.AssertNotSprung();
        Assert.Equal(string.Empty, own.Server.Query("postgres", "SELECT rolname FROM pg_roles WHERE rolname LIKE 'dbbackup%'"));
        bench.AssertNothingLeftOnServer();
    }

    [Theory]
    [InlineData("CREATE ROLE evil_superuser SUPERUSER LOGIN;")]
    [InlineData("COPY public.notes (body) FROM PROGRAM 'cat > TRACE; echo x';")]
    [InlineData("RESET ROLE; CREATE ROLE evil_superuser SUPERUSER;")]
    [InlineData("ALTER ROLE postgres PASSWORD 'mine';")]
    [InlineData("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.f();")]
    public async Task What_a_foreign_dump_may_not_do_is_missing_rights_and_no_damage(string statement)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'");
        string trace = Path.Join(own.Server.DataFolder, "trace_" + bench.Database.Name);
        string dump = SampleShop.Dump(bench.Database, bench.Files["foreign.sql"], "-Fp");
        string text = await File.ReadAllTextAsync(dump);
        int end = text.LastIndexOf("--\n-- PostgreSQL database dump complete", StringComparison.Ordinal);
        await File.WriteAllTextAsync(dump, text[..end] + statement.Replace("TRACE", trace, StringComparison.Ordinal) + "\n\n" + text[end..]);

        Backup backup = await ImportAsync(bench, dump);

        Assert.Equal(BackupStatus.Checked, backup.Status);
        Assert.Contains(bench.Observer.Warnings, warning => warning.Contains("a role other than a superuser", StringComparison.Ordinal));
        Assert.False(File.Exists(trace));
        Assert.Equal(string.Empty, own.Server.Query("postgres", "SELECT rolname FROM pg_roles WHERE rolname LIKE 'dbbackup%' OR rolname = 'evil_superuser'"));
        bench.AssertNothingLeftOnServer();
    }

    private static Task<Backup> ImportAsync(PostgreSqlBench bench, string dump) => new BackupImporter(bench.Files.Repository).ImportAsync(
        dump, new BackupRequest { Sources = [], Created = DateTimeOffset.UtcNow, Verify = true, TestServer = bench.Superuser }, bench.Observer, CancellationToken.None);

    [Fact]
    public async Task In_place_restore_is_undone_where_rows_are_missing_and_a_manifest_runs_nothing()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        Manifest With(params TableFingerprint[] tables) => backup.Manifest! with
        {
            Payloads = [backup.Manifest.Payloads[0] with { Fingerprint = backup.Manifest.Payloads[0].Fingerprint! with { Tables = tables } }],
        };
        bench.Migrate();

        foreach (string name in (string[])["public.notes", "public.notes TO STDOUT; DROP TABLE public.notes; COPY public.authors", "public.\"notes\" \\! touch x"])
        {
            Backup forged = PostgreSqlBench.Claiming(backup, _ => With(new TableFingerprint(name, 99)));
            BackupException failure = await bench.RestoreFailsAsync(bench.Request(forged) with { InPlace = true, NoSafetyBackup = true });
            Assert.True(failure.Message.Contains(name == "public.notes" ? "has 100 rows instead of 99" : "does not exist", StringComparison.Ordinal), failure.Message);
        }
    }

    [Theory]
    [InlineData(15)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Every_form_of_a_dump_tells_the_same_rows_as_the_server(int major)
    {
        PostgreSqlServer server = major == own.Server.Major ? own.Server : PostgreSqlServer.OtherMajor(major);
        using var bench = new PostgreSqlBench(server);
        PostgreSqlSample.Create(bench.Database);
        bench.Database.Execute(
            """
            ALTER DATABASE current SET timezone = 'Asia/Kolkata';
            CREATE TABLE first (a integer, t timestamptz); CREATE TABLE second (c text) INHERITS (first); ALTER TABLE first ADD COLUMN b bytea;
            INSERT INTO second (a, t, c, b) VALUES (1, '2026-11-21 10:00+01', E'two\nlines', '\x00ff');
            """.Replace("DATABASE current", "DATABASE " + PostgreSqlServer.SqlName(bench.Database.Name), StringComparison.Ordinal));
        using PostgreSqlSession session = await bench.Source().OpenAsync(CancellationToken.None);
        List<PostgreSqlTable> tables = (await PostgreSqlCatalog.TablesAsync(session, CancellationToken.None)).FindAll(table => table.HasRows);
        IReadOnlyDictionary<uint, TableRows> expected = await PostgreSqlFingerprint.ReadRowsAsync(session, null, FingerprintLevel.Content, tables, CancellationToken.None);

        // Not because the server is asked once more.
        bench.Observer.At = message => Assert.DoesNotContain("read once more", message, StringComparison.Ordinal);
        foreach (PostgreSqlFormat format in (PostgreSqlFormat[])[PostgreSqlFormat.Custom, PostgreSqlFormat.Directory, PostgreSqlFormat.Plain])
        {
            Backup backup = server == own.Server
                ? await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format })
                : await bench.BackUpWithAsync([major], format.ToString());
            IReadOnlyList<TableFingerprint> found = backup.Manifest!.Payloads[0].Fingerprint!.Tables;
            Assert.Equal(
                tables.Select(table => $"{table.Name} {expected[table.ObjectId]}").Order(StringComparer.Ordinal),
                found.Select(table => $"{table.Name} {new TableRows(table.Rows, table.ContentHash)}").Order(StringComparer.Ordinal));
            Assert.True(found.Single(table => table.Name == "public.second").Columns is ["a", "t", "c", "b"], format.ToString());
            if (format == PostgreSqlFormat.Custom)
            {
                var archive = new ArchiveRows();
                using (PayloadReader reader = new(bench.Files.Repository.OpenRead(new(backup.Source, backup.Name), backup.Manifest.Payloads[0].FileName), backup.Manifest.Payloads[0], CancellationToken.None))
                using (var bytes = new MemoryStream())
                {
                    await reader.CopyToAsync(bytes);
                    archive.Append(bytes.ToArray());
                }

                Assert.Equal(tables.Select(table => table.ObjectId).Order(), archive.Complete()!.Keys.Order());
            }

            if (server == own.Server)
            {
                BackupTestResult structure = await bench.TestAsync(backup, BackupTestLevel.Structure);
                Assert.Contains("all contents equal", structure.Checks.Single(check => check.Name.EndsWith(" rows", StringComparison.Ordinal)).Detail, StringComparison.Ordinal);
                BackupTestResult restored = await bench.TestAsync(backup);
                Assert.True(restored.Status == BackupStatus.Matched, restored + string.Join("; ", restored.Checks) + string.Join(", ", restored.Missing));
            }

            Directory.Delete(backup.Location, recursive: true);
        }
    }

    // A table whose index, type, default and view call code that leaves a file behind where a superuser runs it.
    private sealed class Trap : IDisposable
    {
        private readonly PostgreSqlBench _bench;
        private readonly string _role;
        private readonly string _file;

        public Trap(PostgreSqlBench bench)
        {
            _bench = bench;
            _role = bench.CreateRole("mallory", grants: "GRANT CREATE ON SCHEMA public TO ROLE").Username!;
            _file = Path.Join(bench.Server.DataFolder, "trace_" + _role);
            bench.Database.Execute(
                $$"""
                SET ROLE {{_role}};
                CREATE FUNCTION public.acts() RETURNS integer LANGUAGE plpgsql AS $f$ BEGIN
                  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''cat > {{_file}}'''; END IF;
                  RETURN 1;
                END $f$;
                CREATE FUNCTION public.evil() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN public.acts(); END $f$;
                CREATE FUNCTION public.evil(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN public.acts() = 1; END $f$;
                CREATE TABLE victims (id integer, made integer DEFAULT public.evil());
                CREATE FUNCTION public.as_text(victims) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN RETURN public.acts()::text; END $f$;
                CREATE CAST (victims AS text) WITH FUNCTION public.as_text(victims);
                INSERT INTO victims SELECT i, 1 FROM generate_series(1, 3) i;
                CREATE INDEX ON victims ((id + public.evil()));
                CREATE STATISTICS public.counted ON (id + public.evil()), made FROM victims;
                CREATE VIEW looks AS SELECT public.evil();
                CREATE TABLE alembic_version (version_num varchar(32), n integer DEFAULT 1);
                INSERT INTO alembic_version VALUES ('aaaa');
                CREATE INDEX ON alembic_version ((n + public.evil()));
                """);
            // A view in place of Alembic's table, which never comes to an end.
            bench.Database.Execute($"CREATE SCHEMA endless AUTHORIZATION {_role}; SET ROLE {_role}; CREATE VIEW endless.alembic_version AS SELECT 'x'::varchar(32) AS version_num FROM generate_series(1, 1000000000000);");
            Assert.False(File.Exists(_file), "The trap was sprung by its owner.");
            // It does catch who asks as people do.
            bench.Database.Execute("SELECT count(*) FROM public.victims");
            Assert.True(File.Exists(_file), "The trap does not work.");
            Reset();
        }

        public void Reset() => File.Delete(_file);

        public void AssertNotSprung() => Assert.False(File.Exists(_file), "Code of the table's owner has run as superuser.");

        public void Dispose() => File.Delete(_file);
    }
}
