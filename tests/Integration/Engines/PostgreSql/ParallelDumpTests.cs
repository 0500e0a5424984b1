using System.Buffers;
using System.Text.RegularExpressions;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Portability;
using DbBackup.Testing;
using DbBackup.Tests.Integration.Restores.PostgreSql;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>Large tables are dumped by several sessions in one snapshot: the archive is the one that pg_dump writes, or there is none.</summary>
[Trait("Category", "PostgreSql")]
public sealed partial class ParallelDumpTests(ServersOfEachMajor servers) : IClassFixture<ServersOfEachMajor>
{
    private static readonly PostgreSqlDumpOptions s_inRanges = new() { Jobs = 3, LargeTableBytes = 0 };

    [SampledTheory]
    [InlineData(0)]
    [CompleteRunData(17)]
    [InlineData(18)]
    public async Task Archive_has_the_entries_and_the_bytes_of_that_of_pg_dump(int major)
    {
        using PostgreSqlBench bench = Bench(major);
        LargeTables.Create(bench.Database);
        bench.Database.Execute(
            """
            CREATE TYPE mood AS ENUM ('good', 'bad');
            CREATE TABLE usual (id serial PRIMARY KEY, name text, mood mood); CREATE INDEX ON usual (lower(name)); CREATE INDEX ON usual (id) WHERE mood = 'good';
            INSERT INTO usual (name, mood) SELECT md5(i::text), 'good' FROM generate_series(1, 20000) i;
            DELETE FROM usual WHERE id % 7 = 0 OR id > 15000; UPDATE usual SET name = 'moved' WHERE id % 11 = 0;
            SELECT lo_from_bytea(0, 'large object');
            COMMENT ON TABLE usual IS 'a comment'; CREATE MATERIALIZED VIEW summed AS SELECT count(*) FROM usual;
            """);
        string stock = SampleShop.Dump(bench.Database, bench.Files["stock"], "-Fc", "-Z0");

        Backup backup = major == 0 ? await bench.BackUpAsync(s_inRanges) : await bench.BackUpWithAsync([major], "Custom", "ranges");
        string archive = await ArchiveOfAsync(bench, backup);

        Assert.Equal(Entries(bench.Server, stock), Entries(bench.Server, archive));
        Assert.Equal(LargeTables.Texts(stock), LargeTables.Texts(archive));
        Assert.Superset(new HashSet<string> { LargeTables.Odd, "public.part_1", "public.unlogged", "public.usual", "public.wide" }, Ranged(bench.Server));
        // Row-level security and a hash of enums are for pg_dump to judge.
        Assert.DoesNotContain("public.child", Ranged(bench.Server));

        // By stock tools, from the file, as a stream and with jobs.
        foreach ((string name, string[] arguments) in new (string, string[])[] { ("file", [archive]), ("jobs", ["-j3", archive]), ("stream", []) })
        {
            using var restored = new TestDatabase(bench.Server, $"{bench.Database.Name}_{name}");
            bench.Server.Execute("postgres", $"CREATE DATABASE {PostgreSqlServer.SqlName(restored.Name)} TEMPLATE template0");
            if (arguments.Length > 0)
                SampleShop.Run(bench.Server, "pg_restore", restored.Name, ["--exit-on-error", "-d", restored.Name, .. arguments]);
            else
                Shell.Run("env", [.. bench.Environment.Select(pair => $"{pair.Key}={pair.Value}"), "sh", "-c", $"cat '{archive}' | '{Path.Join(bench.Server.BinFolder, "pg_restore")}' --exit-on-error -d '{restored.Name}'"]);
            Assert.Equal(LargeTables.Contents(bench.Database), LargeTables.Contents(restored));
        }
    }

    [Fact]
    public async Task Fingerprint_is_that_of_the_whole_dump_and_of_the_restored_database()
    {
        using PostgreSqlBench bench = Bench();
        LargeTables.Create(bench.Database);
        Backup whole = await bench.BackUpAsync(new PostgreSqlDumpOptions { Jobs = 1, LargeTableBytes = 0 });
        Assert.Empty(Ranged(bench.Server));
        Backup backup = await bench.BackUpAsync(s_inRanges);
        Assert.NotEmpty(Ranged(bench.Server));
        Assert.Equal(whole.Manifest!.Payloads[0].Fingerprint!.Tables.Select(Show), backup.Manifest!.Payloads[0].Fingerprint!.Tables.Select(Show));
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
        bench.AssertNothingLeftOnServer();
    }

    [Theory]
    [InlineData("LATIN1")]
    [InlineData("SQL_ASCII")]
    public async Task Bytes_are_those_of_the_database_whatever_its_encoding_and_settings(string encoding)
    {
        using PostgreSqlBench bench = Bench();
        using var database = new TestDatabase(bench.Server, bench.Database.Name + "_encoded");
        bench.Server.Execute("postgres", $"CREATE DATABASE {database.Name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'");
        bench.Server.Execute("postgres", $"ALTER DATABASE {database.Name} SET bytea_output = escape; ALTER DATABASE {database.Name} SET lc_monetary = 'C.UTF-8'; ALTER DATABASE {database.Name} SET datestyle = 'German'");
        database.Execute(
            """
            CREATE TABLE t (id integer, body text, b bytea, m money, d date);
            INSERT INTO t SELECT i, 'Größe é', decode('00ff41', 'hex'), i, '2026-01-31' FROM generate_series(1, 3000) i;
            CREATE TABLE "Größe" (id integer); INSERT INTO "Größe" VALUES (1);
            """);
        if (encoding == "SQL_ASCII")
            database.Execute("INSERT INTO t (body) VALUES (E'\\xe9\\xff')");
        string stock = SampleShop.Run(bench.Server, "pg_dump", database.Name, "-Fc", "-Z0", "-t", "t", "-E", encoding, "-f", bench.Files["stock"]) + bench.Files["stock"];

        Backup backup = await bench.Files.BackUpAsync(new BackupRequest { Sources = [bench.Source(s_inRanges, database: database.Name)], Fingerprint = FingerprintLevel.Content });

        Assert.Contains("public.t", Ranged(bench.Server));
        Assert.Equal(LargeTables.Texts(stock)["public.t"], LargeTables.Texts(await ArchiveOfAsync(bench, backup))["public.t"]);
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(backup)).Status);
    }

    [Fact]
    public async Task Rows_are_those_of_one_moment_while_others_write()
    {
        using PostgreSqlBench bench = Bench();
        bench.Database.Execute("CREATE TABLE a (id serial PRIMARY KEY, n integer); CREATE TABLE b (id serial PRIMARY KEY, n integer); INSERT INTO a (n) SELECT i FROM generate_series(1, 60000) i; INSERT INTO b (n) SELECT n FROM a");
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(() =>
        {
            // The same to both tables in one transaction, all over their blocks.
            for (int i = 0; !stop.IsCancellationRequested; i++)
                bench.Database.Execute($"BEGIN; UPDATE a SET n = n + 1 WHERE id % 97 = {i % 97}; UPDATE b SET n = n + 1 WHERE id % 97 = {i % 97}; INSERT INTO a (n) VALUES ({i}); INSERT INTO b (n) VALUES ({i}); COMMIT");
        });
        for (int round = 0; round < 3; round++)
        {
            Backup backup = await bench.BackUpAsync(s_inRanges);
            IReadOnlyList<TableFingerprint> tables = backup.Manifest!.Payloads[0].Fingerprint!.Tables;
            Assert.Equal(tables[0].Rows, tables[1].Rows);
            Assert.Equal(tables[0].ContentHash, tables[1].ContentHash);
            Assert.True(tables[0].Rows >= 60000);
        }

        await stop.CancelAsync();
        await writer;
        Assert.Equal(["public.a", "public.b"], Ranged(bench.Server).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Large_rows_of_few_blocks_are_read_in_ranges()
    {
        using PostgreSqlBench bench = Bench();
        bench.AddLargeDump(40);
        Backup backup = await bench.BackUpAsync(s_inRanges);
        Assert.Contains("public.large", Ranged(bench.Server));
        Assert.Equal(400, Assert.Single(backup.Manifest!.Payloads[0].Fingerprint!.Tables).Rows);
    }

    [Fact]
    public async Task Tables_that_another_session_waits_for_are_left_to_pg_dump()
    {
        using PostgreSqlBench bench = Bench();
        bench.CreateNotes(1000);
        using PostgreSqlSession keeper = await bench.Source().OpenAsync(CancellationToken.None);
        string snapshot = await keeper.ExportSnapshotAsync(CancellationToken.None);
        List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(keeper, CancellationToken.None);
        IReadOnlyList<RangedTable> ranged = await RangedTable.ChooseAsync(keeper, tables, 0, CancellationToken.None);
        Assert.Equal(3, ranged.Count);
        using (RangeSessions? free = await RangeSessions.OpenAsync(bench.Source(), 2, 1, snapshot, ranged, CancellationToken.None))
            Assert.NotNull(free);
        using var holder = new Npgsql.NpgsqlConnection(bench.Database.ConnectionString);
        await holder.OpenAsync();
        await ExecuteAsync(holder, "BEGIN; LOCK TABLE notes IN ACCESS SHARE MODE");
        using var waiting = new Npgsql.NpgsqlConnection(bench.Database.ConnectionString);
        await waiting.OpenAsync();
        Task wait = ExecuteAsync(waiting, "BEGIN; LOCK TABLE notes IN ACCESS EXCLUSIVE MODE");
        Assert.True(SpinWait.SpinUntil(() => bench.Database.Query("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1", TimeSpan.FromSeconds(30)));

        Assert.Null(await RangeSessions.OpenAsync(bench.Source(), 2, 1, snapshot, ranged, CancellationToken.None));

        await ExecuteAsync(holder, "ROLLBACK");
        await wait;
    }

    [Theory]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(6, true)]
    public async Task A_role_with_few_connections_makes_its_backup_with_those(int limit, bool inRanges)
    {
        using PostgreSqlBench bench = Bench();
        bench.CreateNotes(1000);
        PostgreSqlConnectionRequest role = bench.CreateRole("few", $"CONNECTION LIMIT {limit}", "GRANT pg_read_all_data TO ROLE");
        Backup backup = await bench.Files.BackUpAsync(new BackupRequest { Sources = [bench.Source(s_inRanges, role)], Fingerprint = FingerprintLevel.Content });
        Assert.Equal(1011, backup.Manifest!.Payloads[0].Fingerprint!.TotalRows);
        Assert.Equal(inRanges, Ranged(bench.Server).Count > 0);
    }

    [Fact]
    public async Task A_session_that_is_killed_fails_the_backup_and_leaves_nothing()
    {
        using PostgreSqlBench bench = Bench();
        bench.AddLargeDump(300);
        Task kill = Task.Run(() =>
        {
            bench.WaitForCopy(bench.Database.Name, 1_000_000);
            bench.Server.Execute("postgres", $"SELECT pg_terminate_backend(pid) FROM pg_stat_progress_copy WHERE datname = '{bench.Database.Name}' LIMIT 1");
        });
        BackupException failure = await bench.BackupFailsAsync(s_inRanges);
        await kill;
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.True(failure.CanRetry);
        bench.Files.AssertNothingStaged();
    }

    [Fact]
    public async Task Ended_at_any_moment_it_closes_no_session_that_is_read()
    {
        using PostgreSqlBench bench = Bench();
        bench.AddLargeDump(60);
        byte[] contents = File.ReadAllBytes(SampleShop.Dump(bench.Database, bench.Files["schema"], "-Fc", "-Z0", "--exclude-table-data=large"));
        using PostgreSqlSession keeper = await bench.Source().OpenAsync(CancellationToken.None);
        string snapshot = await keeper.ExportSnapshotAsync(CancellationToken.None);
        List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(keeper, CancellationToken.None);
        IReadOnlyList<RangedTable> ranged = await RangedTable.ChooseAsync(keeper, tables, 0, CancellationToken.None);
        for (int round = 0; round < 10; round++)
        {
            using var over = new CancellationTokenSource();
            RangedDump dump = (await RangedDump.TryBeginAsync(bench.Source(s_inRanges), snapshot, ranged, contents, 0, CancellationToken.None))!;
            await using RangedRows rows = dump.Read(CancellationToken.None);
            Task reading = Task.Run(async () =>
            {
                while (await rows.NextAsync(0, 0, over.Token) is { } piece)
                    ArrayPool<byte>.Shared.Return(piece.Array!);
            });
            await Task.Delay(10 * round);

            await Task.Run(dump.Dispose).WaitAsync(TimeSpan.FromMinutes(1));

            // Each worker has ended by itself: none has met a session that was closed.
            await Assert.ThrowsAnyAsync<OperationCanceledException>(rows.CompleteAsync);
            Assert.Throws<ObjectDisposedException>(() => dump.Read(CancellationToken.None));
            await over.CancelAsync();
            await Record.ExceptionAsync(() => reading);
        }
    }

    [Fact]
    public async Task A_cancelled_dump_ends_all_of_its_sessions()
    {
        using PostgreSqlBench bench = Bench();
        bench.AddLargeDump(300);
        using var cancel = new CancellationTokenSource();
        Task backup = Task.Run(() => new BackupService(bench.Files.Repository).CreateAsync(new BackupRequest { Sources = [bench.Source(s_inRanges)] }, bench.Observer, cancel.Token));
        bench.WaitForCopy(bench.Database.Name, 1_000_000);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => backup);
        Assert.Empty(await bench.Files.ListAsync());
        bench.AssertNothingLeftOnServer();
        bench.Files.AssertNothingStaged();
    }

    [Fact]
    public async Task What_is_small_filtered_or_of_one_job_is_left_to_pg_dump()
    {
        using PostgreSqlBench bench = Bench();
        bench.CreateNotes(1000);
        foreach (PostgreSqlDumpOptions options in new[]
        {
            new PostgreSqlDumpOptions { Jobs = 3 },
            s_inRanges with { Jobs = 1 },
            s_inRanges with { Format = PostgreSqlFormat.Plain },
            s_inRanges with { Format = PostgreSqlFormat.Directory },
            s_inRanges with { ExcludedTableData = ["notes"] },
            s_inRanges with { DataOnly = true },
        })
            await bench.BackUpAsync(options);
        Assert.Empty(Ranged(bench.Server));
    }

    private PostgreSqlBench Bench(int major = 0)
    {
        PostgreSqlServer server = servers.Of(major);
        server.Execute("postgres", "ALTER SYSTEM SET log_statement = 'all'");
        server.Execute("postgres", "SELECT pg_reload_conf(); DO $$ BEGIN RAISE LOG 'a test begins'; END $$");
        return new PostgreSqlBench(server);
    }

    private static string Show(TableFingerprint table) => $"{table.Name} {table.Rows} {table.ContentHash} {string.Join(',', table.Columns ?? [])}";

    private static async Task ExecuteAsync(Npgsql.NpgsqlConnection connection, string sql)
    {
        using var command = new Npgsql.NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string> ArchiveOfAsync(PostgreSqlBench bench, Backup backup)
    {
        string path = bench.Files["archive-" + backup.Name];
        return Assert.Single(await new BackupExporter(bench.Files.Repository).ExportAsync(
            new ExportRequest { Backup = backup, Destination = path, Format = ExportFormat.Native }, bench.Observer, CancellationToken.None));
    }

    // Without the numbers that pg_dump gives its entries, and in whatever order their tables come.
    private static string[] Entries(PostgreSqlServer server, string archive) =>
        [.. SampleShop.Run(server, "pg_restore", "postgres", "-l", archive).Split('\n').Where(line => !line.StartsWith(';')).Select(line => Number().Replace(line, string.Empty)).Order(StringComparer.Ordinal)];

    // The tables that were read in ranges, as the server logged it since the test began.
    private static HashSet<string> Ranged(PostgreSqlServer server)
    {
        string log = server.Log;
        return [.. Reading().Matches(log[log.LastIndexOf("a test begins", StringComparison.Ordinal)..]).Select(match => Regex.Unescape(match.Groups[1].Value.Replace("U&", string.Empty, StringComparison.Ordinal).Replace("\\+00", "\\u", StringComparison.Ordinal)))];
    }

    [GeneratedRegex(@"^\d+; ", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"statement: COPY \(SELECT .* FROM ONLY (.+) WHERE ctid >= ", RegexOptions.CultureInvariant)]
    private static partial Regex Reading();
}
