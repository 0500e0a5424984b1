using System.Text.RegularExpressions;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Restores;
using DbBackup.Testing;
using DbBackup.Tests.Integration.Engines.PostgreSql;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>Large tables are loaded by several connections: the same rows as pg_restore loads, or nothing at all.</summary>
[Trait("Category", "PostgreSql")]
public sealed partial class ParallelLoadTests(ServersOfEachMajor servers) : IClassFixture<ServersOfEachMajor>
{
    private const string Beside = "dbbackup\\_new\\_%";
    private static readonly string[] s_large = [LargeTables.Odd, "public.child", "public.part_1", "public.unlogged", "public.wide"];

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    public async Task Large_tables_of_all_kinds_come_back_with_the_same_rows(PostgreSqlFormat format)
    {
        using PostgreSqlBench bench = Bench();
        LargeTables.Create(bench.Database);
        string before = LargeTables.Contents(bench.Database);
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
        using var restored = new TestDatabase(bench.Server, bench.Database.Name + "_copy");

        RestoreResult result = await bench.RestoreAsync(bench.Request(backup) with { NewName = restored.Name, Jobs = 3 });

        Assert.Empty(result.Differences);
        Assert.Equal(before, LargeTables.Contents(restored));
        Dictionary<string, int> connections = Connections(bench.Server);
        Assert.Equal(s_large, connections.Keys.Order(StringComparer.Ordinal));
        Assert.All(connections.Values, count => Assert.Equal(3, count));
        bench.AssertNothingLeftOnServer();
    }

    [SampledTheory]
    [CompleteRunData(17, "Custom")]
    [InlineData(17, "Directory")]
    [InlineData(18, "Custom")]
    [CompleteRunData(18, "Directory")]
    public async Task Large_tables_of_newer_servers_come_back_with_the_same_rows(int major, string format)
    {
        using PostgreSqlBench bench = Bench(major);
        LargeTables.Create(bench.Database);
        string before = LargeTables.Contents(bench.Database);
        Backup backup = await bench.BackUpWithAsync([major], format);
        (int exit, string output) = OtherProcess.Run(bench.EnvironmentWith(major), OtherProcess.Command("pgrestore", bench.Files.RepositoryPath, backup.Source, backup.Name, "0"));
        Assert.True(exit == 0, output);
        Assert.Equal(before, LargeTables.Contents(bench.Database));
        Assert.Equal(Environment.ProcessorCount > 1 ? s_large : [], Connections(bench.Server).Keys.Order(StringComparer.Ordinal));
        bench.AssertNothingLeftOnServer();
    }

    [SampledTheory]
    [InlineData("-Fc")]
    [CompleteRunData("-Fc", "-Z0")]
    [CompleteRunData("-Fd")]
    [InlineData("-Fd", "-Z0")]
    public async Task Dumps_of_others_are_loaded_in_parallel_too(params string[] form)
    {
        using PostgreSqlBench bench = Bench();
        bench.Database.Execute(
            """
            CREATE TABLE large (id integer PRIMARY KEY, body text);
            INSERT INTO large SELECT i, string_agg(md5((i * 1000 + j)::text), '') FROM generate_series(1, 1400) i, generate_series(1, 1000) j GROUP BY i;
            """);
        string before = LargeTables.Contents(bench.Database);
        string dump = SampleShop.Dump(bench.Database, bench.Files["dump"], form);
        Backup backup = await ImportAsync(bench, dump);
        using var restored = new TestDatabase(bench.Server, bench.Database.Name + "_copy");
        await bench.RestoreAsync(bench.Request(backup) with { NewName = restored.Name, Jobs = 2 });
        Assert.Equal(before, LargeTables.Contents(restored));
        Assert.Equal(["public.large"], Connections(bench.Server).Keys);
    }

    [Theory]
    [InlineData(0, "-Fc", "-Z9")]
    [InlineData(0, "-Fd", "-Z1")]
    [InlineData(17, "-Fc", "-Z1")]
    [InlineData(17, "-Fc", "-Zzstd")]
    [InlineData(17, "-Fd", "-Zzstd")]
    [InlineData(18, "-Fc", "-Zgzip")]
    [InlineData(18, "-Fc", "-Zzstd:3")]
    [InlineData(18, "-Fd", "-Zgzip:9")]
    [InlineData(18, "-Fd", "-Z0")]
    public void Text_of_a_table_is_that_of_pg_dump_however_it_compresses(int major, params string[] form)
    {
        PostgreSqlServer server = servers.Of(major);
        using TestDatabase database = server.CreateDatabase("texts");
        database.Execute("CREATE TABLE t (id integer, body text); INSERT INTO t SELECT i, repeat(md5(i::text) || E'\\n\\\\', i % 300) FROM generate_series(1, 3000) i; CREATE TABLE nothing (id integer)");
        using var folder = new TempFolder();
        Dictionary<string, string> plain = LargeTables.Texts(SampleShop.Dump(database, folder["plain"], "-Fc", "-Z0"));
        Assert.Equal(3003, plain["public.t"].Count(letter => letter == '\n'));
        Assert.Equal("\\.\n\n\n", plain["public.nothing"]);
        Assert.Equal(plain, LargeTables.Texts(SampleShop.Dump(database, folder["packed"], form)));
    }

    [Fact]
    public async Task Text_in_another_encoding_is_loaded_as_what_it_is()
    {
        using PostgreSqlBench bench = Bench();
        bench.Database.Execute("CREATE TABLE latin (id integer, body text); INSERT INTO latin SELECT i, repeat('Größe € ', 12000) FROM generate_series(1, 400) i");
        string before = LargeTables.Contents(bench.Database);
        Backup backup = await ImportAsync(bench, SampleShop.Dump(bench.Database, bench.Files["dump"], "-Fc", "-Z0", "-E", "LATIN9"));
        using var restored = new TestDatabase(bench.Server, bench.Database.Name + "_copy");
        await bench.RestoreAsync(bench.Request(backup) with { NewName = restored.Name, Jobs = 2 });
        Assert.Equal(before, LargeTables.Contents(restored));
        Assert.Equal(["public.latin"], Connections(bench.Server).Keys);
    }

    [Fact]
    public async Task Tables_whose_rows_may_look_at_each_other_are_left_to_pg_restore()
    {
        using PostgreSqlBench bench = Bench();
        bench.Database.Execute(
            """
            CREATE FUNCTION looks(integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
            CREATE DOMAIN looked AS integer CHECK (public.looks(VALUE));
            CREATE TABLE checked (id integer CHECK (public.looks(id)), body text);
            CREATE TABLE domained (id looked, body text);
            CREATE TABLE parts (id integer, body text) PARTITION BY HASH (id);
            CREATE TABLE part PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
            INSERT INTO checked SELECT i, repeat(md5(i::text), 3200) FROM generate_series(1, 400) i;
            INSERT INTO domained SELECT * FROM checked;
            INSERT INTO parts SELECT * FROM checked;
            """);
        string before = LargeTables.Contents(bench.Database);
        Backup backup = await ImportAsync(bench, SampleShop.Dump(bench.Database, bench.Files["dump"], "-Fc", "-Z0", "--load-via-partition-root"));
        using var restored = new TestDatabase(bench.Server, bench.Database.Name + "_copy");
        await bench.RestoreAsync(bench.Request(backup) with { NewName = restored.Name, Jobs = 2 });
        Assert.Equal(before, LargeTables.Contents(restored));
        Assert.Empty(Connections(bench.Server));
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    public async Task Row_that_is_refused_is_named_and_nothing_is_left(PostgreSqlFormat format)
    {
        using PostgreSqlBench bench = Bench();
        Backup backup = await BackUpRefusedRowAsync(bench, format);
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup) with { Jobs = 2 });
        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
        Assert.Contains("public.large, row 777: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("large_ok", failure.Message, StringComparison.Ordinal);
        Assert.Contains("-AllowMismatch", failure.Hint, StringComparison.Ordinal);
        Assert.Equal(["public.large"], Connections(bench.Server).Keys);

        // What is asked for all the same is restored without the table's rows, as pg_restore does it.
        using var restored = new TestDatabase(bench.Server, bench.Database.Name + "_copy");
        RestoreResult result = await bench.RestoreAsync(bench.Request(backup) with { NewName = restored.Name, Jobs = 2, AllowMismatch = true });
        Assert.Contains(result.Differences, difference => difference.Contains("large_ok", StringComparison.Ordinal));
        Assert.Equal("0 10", restored.Query("SELECT (SELECT count(*) FROM large) || ' ' || (SELECT count(*) FROM authors)"));

        BackupTestResult test = await bench.TestAsync(backup);
        Assert.NotEqual(BackupStatus.Matched, test.Status);
        Assert.Contains("row 777", test.ToString() + string.Join(' ', test.Checks.Select(check => check.Detail)), StringComparison.Ordinal);
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task One_of_the_connections_is_killed_and_nothing_is_left()
    {
        using PostgreSqlBench bench = Bench();
        Backup backup = await BackUpLargeAsync(bench);
        Task kill = Task.Run(() =>
        {
            bench.WaitForCopy(Beside);
            bench.Server.Execute("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_copy WHERE datname LIKE 'dbbackup\\_new\\_%' LIMIT 1");
        });
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup) with { Jobs = 3 }, kill.Wait);
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.True(failure.CanRetry);
        Assert.Contains("public.large", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_that_is_cancelled_leaves_nothing()
    {
        using PostgreSqlBench bench = Bench();
        Backup backup = await BackUpLargeAsync(bench);
        string before = bench.Database.Dump();
        using var cancel = new CancellationTokenSource();
        Task restore = Task.Run(() => bench.RestoreAsync(bench.Request(backup) with { Jobs = 3 }, cancel.Token));
        bench.WaitForCopy(Beside);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => restore);
        Assert.Equal(before, bench.Database.Dump());
        bench.AssertNothingLeftOnServer();
        bench.Files.AssertNothingStaged();
    }

    [Fact]
    public async Task Full_disk_of_the_server_leaves_nothing()
    {
        using var disk = new SmallDisk(300);
        using PostgreSqlBench bench = Bench();
        string place = Path.Join(disk.Path, "space");
        Directory.CreateDirectory(place);
        UnprivilegedUser.Find().Own(place);
        bench.Server.Execute("postgres", $"CREATE TABLESPACE small LOCATION '{place}'");
        try
        {
            bench.CreateNotes();
            bench.Database.Execute("CREATE TABLE large TABLESPACE small AS SELECT i, (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 20) j) AS body FROM generate_series(1, 100000) i");
            Backup backup = await bench.BackUpAsync();
            string before = bench.Database.Dump();
            PreparedRestore prepared = await PreparedRestore.PrepareAsync(bench.Files.Repository, bench.Request(backup) with { Jobs = 3 }, false, bench.Observer, CancellationToken.None);
            disk.FillBut(30 << 20);
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => prepared.RunAsync(bench.Observer, CancellationToken.None));
            Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
            bench.AssertSound(failure);
            Assert.Equal(before, bench.Database.Dump());
            Assert.Equal(["public.large"], Connections(bench.Server).Keys);
            bench.AssertNothingLeftOnServer();
        }
        finally
        {
            bench.Database.Dispose();
            bench.Server.Execute("postgres", "DROP TABLESPACE small");
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(5000)]
    public async Task Pieces_of_any_size_give_the_same_rows(int pieceBytes)
    {
        using PostgreSqlBench bench = Bench();
        bench.Database.Execute("CREATE TABLE t (id integer, body text); INSERT INTO t SELECT i, repeat(E'\\n\\r\\t\\\\.ü', i % 40) || CASE i % 3 WHEN 0 THEN E'\\\\.' WHEN 1 THEN '' END FROM generate_series(1, 1500) i");
        string before = LargeTables.Contents(bench.Database);
        string dump = SampleShop.Dump(bench.Database, bench.Files["dump"], "-Fd", "-Z0");
        bench.Database.Execute("TRUNCATE t");
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(PostgreSqlBench.Resolve(bench.Superuser), bench.Database.Name, CancellationToken.None);
        using var copy = new ParallelCopy(session, 4, null, pieceBytes);
        TableText text = Assert.Single(TableText.OfFolder(dump));
        Assert.True(await copy.CanLoadAsync(text, CancellationToken.None));
        await copy.LoadAsync(text, CancellationToken.None);
        Assert.Equal(before, LargeTables.Contents(bench.Database));

        await copy.EmptyAsync(text, CancellationToken.None);
        Assert.Equal("0", bench.Database.Query("SELECT count(*) FROM t"));
        File.WriteAllBytes(text.Path, File.ReadAllBytes(text.Path)[..^40]);
        BackupException damage = await Assert.ThrowsAnyAsync<BackupException>(() => copy.LoadAsync(text, CancellationToken.None));
        Assert.Equal(ErrorCodes.DumpIncomplete, damage.Code);
    }

    private PostgreSqlBench Bench(int major = 0)
    {
        PostgreSqlServer server = servers.Of(major);
        server.Execute("postgres", "ALTER SYSTEM SET log_statement = 'mod'");
        server.Execute("postgres", $"SELECT pg_reload_conf(); DO $$ BEGIN RAISE LOG 'a test begins'; END $$");
        return new PostgreSqlBench(server);
    }

    private static async Task<Backup> BackUpRefusedRowAsync(PostgreSqlBench bench, PostgreSqlFormat format)
    {
        bench.CreateNotes();
        bench.Database.Execute(
            """
            CREATE FUNCTION ok(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
            CREATE TABLE large (id integer, body text, CONSTRAINT large_ok CHECK (public.ok(id)));
            INSERT INTO large SELECT i, repeat(md5(i::text), 1600) FROM generate_series(1, 1500) i;
            CREATE OR REPLACE FUNCTION ok(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 <> 777';
            """);
        return await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
    }

    private static async Task<Backup> BackUpLargeAsync(PostgreSqlBench bench)
    {
        bench.CreateNotes();
        bench.AddLargeDump(300);
        Backup backup = await bench.BackUpAsync(fingerprint: FingerprintLevel.Rows);
        bench.Database.Execute("TRUNCATE large; INSERT INTO large VALUES (1, 'new')");
        return backup;
    }

    private static Task<Backup> ImportAsync(PostgreSqlBench bench, string dump) => new BackupImporter(bench.Files.Repository).ImportAsync(
        dump, new BackupRequest { Sources = [], Created = DateTimeOffset.UtcNow }, bench.Observer, CancellationToken.None);

    // How many sessions loaded a table with statements of ours, which state the encoding; as the server logged it since the test began.
    private static Dictionary<string, int> Connections(PostgreSqlServer server)
    {
        string log = server.Log;
        return Loading().Matches(log[log.LastIndexOf("a test begins", StringComparison.Ordinal)..])
            .GroupBy(match => match.Groups[2].Value, match => match.Groups[1].Value)
            .ToDictionary(table => table.Key, table => table.Distinct().Count());
    }

    [GeneratedRegex(@"\[(\d+)\] LOG:  statement: COPY (.+) \(.*\) FROM stdin WITH \(ENCODING", RegexOptions.CultureInvariant)]
    private static partial Regex Loading();
}
