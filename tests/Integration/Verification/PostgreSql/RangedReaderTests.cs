using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Testing;
using DbBackup.Tests.Integration.Engines.PostgreSql;

namespace DbBackup.Tests.Integration.Verification.PostgreSql;

/// <summary>Large tables are read by several sessions: the same rows and hashes as by one, or by one.</summary>
[Trait("Category", "PostgreSql")]
public sealed class RangedReaderTests(ServersOfEachMajor servers) : IClassFixture<ServersOfEachMajor>
{
    private const string Settings = "SET client_encoding = 'SQL_ASCII'; RESET lc_monetary";

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Several_sessions_read_what_one_reads(int major)
    {
        using var bench = new PostgreSqlBench(servers.Of(major));
        bench.Database.Execute(
            """
            CREATE SCHEMA "Sa les";
            CREATE TABLE "Sa les"."T""äble" (id serial PRIMARY KEY, gone integer, "Spälte ""x" text, twice integer GENERATED ALWAYS AS (7) STORED, b bytea, t timestamptz);
            INSERT INTO "Sa les"."T""äble" ("Spälte ""x", b, t) SELECT repeat(md5(i::text), i % 50) || E'\n\\', decode(md5(i::text), 'hex'), '2026-01-01'::timestamptz + i * interval '1 hour' FROM generate_series(1, 20000) i;
            ALTER TABLE "Sa les"."T""äble" DROP COLUMN gone;
            DELETE FROM "Sa les"."T""äble" WHERE id % 7 = 0;
            CREATE TABLE toasted (id integer, body text); ALTER TABLE toasted ALTER body SET STORAGE EXTERNAL;
            INSERT INTO toasted SELECT i, repeat(md5(i::text), 3000) FROM generate_series(1, 200) i;
            CREATE TABLE empty (id integer);
            CREATE TABLE one (id integer); INSERT INTO one VALUES (1);
            CREATE TABLE none ();
            CREATE TABLE parent (id integer); CREATE TABLE child (more text) INHERITS (parent);
            INSERT INTO parent SELECT generate_series(1, 5000); INSERT INTO child SELECT i, 'more' FROM generate_series(1, 3000) i;
            CREATE TABLE parts (id integer) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts FOR VALUES FROM (1) TO (100000);
            INSERT INTO parts SELECT generate_series(1, 9000);
            CREATE UNLOGGED TABLE unlogged AS SELECT * FROM parts;
            """);
        using PostgreSqlSession session = await OpenAsync(bench);
        await session.ExecuteAsync(Settings, "testing", CancellationToken.None);
        var whole = await TableReader.OpenAsync(session, content: true, CancellationToken.None);
        using var ranges = new RangedReader(session, 3, Settings, largeTableBytes: 0);
        using var single = new RangedReader(session, 1, Settings, largeTableBytes: 0);
        using var few = new RangedReader(session, 3, Settings);
        List<PostgreSqlTable> tables = [.. (await TablesAsync(bench)).Where(table => table.HasRows)];
        Assert.Equal(9, tables.Count);
        foreach (PostgreSqlTable table in tables)
        {
            foreach (bool inUtc in (bool[])[false, true])
            {
                TableRows expected = await whole.ReadAsync(table.Name, null, inUtc, CancellationToken.None);
                TableRows? found = await ranges.ReadAsync(table, null, inUtc, "SET bytea_output = hex", CancellationToken.None);
                Assert.Equal(table.Name == "public.\"none\"" ? null : expected, found);
                Assert.Null(await single.ReadAsync(table, null, inUtc, "SELECT 1", CancellationToken.None));
                Assert.Null(await few.ReadAsync(table, null, inUtc, "SELECT 1", CancellationToken.None));
            }
        }

        PostgreSqlTable odd = tables.Single(table => table.Name.Contains("äble", StringComparison.Ordinal));
        TableRows escaped = (await ranges.ReadAsync(odd, ["b", "Spälte \"x"], false, "SET bytea_output = escape", CancellationToken.None))!.Value;
        await session.ExecuteAsync("SET bytea_output = escape", "testing", CancellationToken.None);
        Assert.Equal(await whole.ReadAsync(odd.Name, ["b", "Spälte \"x"], false, CancellationToken.None), escaped);
    }

    [Fact]
    public async Task What_planning_a_query_would_run_is_read_by_copy_alone()
    {
        using var bench = new PostgreSqlBench(servers.Installed);
        bench.Database.Execute(
            """
            CREATE FUNCTION evil() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
            CREATE TABLE expression (id integer); CREATE TABLE partial (id integer); CREATE TABLE counted (id integer); CREATE TABLE ruled (id integer); CREATE TABLE hidden (id integer);
            CREATE INDEX ON expression ((id + public.evil())); CREATE INDEX ON partial (id) WHERE id > public.evil();
            CREATE STATISTICS counting ON (id + 1) FROM counted;
            CREATE RULE nothing AS ON DELETE TO ruled DO INSTEAD NOTHING;
            ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
            CREATE TABLE plain (id integer PRIMARY KEY);
            CREATE TYPE mood AS ENUM ('good', 'bad');
            CREATE TABLE usual (name text, mood mood); CREATE INDEX ON usual (lower(name)); CREATE INDEX ON usual (name) WHERE mood = 'good';
            CREATE DOMAIN checked AS text CHECK (public.evil() = 1); CREATE TABLE cast_to (name text); CREATE INDEX ON cast_to ((name::checked));
            CREATE OPERATOR === (FUNCTION = textlike, LEFTARG = text, RIGHTARG = text); CREATE TABLE compared (name text); CREATE INDEX ON compared (name) WHERE name OPERATOR(public.===) 'a';
            CREATE OR REPLACE FUNCTION evil() RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE EXCEPTION ''it ran''; END';
            """);
        using PostgreSqlSession session = await OpenAsync(bench);
        using var ranges = new RangedReader(session, 2, Settings, largeTableBytes: 0);
        foreach (PostgreSqlTable table in await TablesAsync(bench))
            Assert.Equal(table.Name is "public.plain" or "public.usual", await ranges.ReadAsync(table, null, false, "SELECT 1", CancellationToken.None) is not null);
    }

    [Fact]
    public async Task First_failure_is_told_and_a_cancellation_ends_all()
    {
        using var bench = new PostgreSqlBench(servers.Installed);
        bench.Database.Execute("CREATE TABLE t (id integer, body text); INSERT INTO t SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 50000) i");
        using PostgreSqlSession session = await OpenAsync(bench);
        using var ranges = new RangedReader(session, 3, Settings, largeTableBytes: 0);
        PostgreSqlTable table = Assert.Single(await TablesAsync(bench));
        Assert.NotNull(await ranges.ReadAsync(table, null, false, "SELECT 1", CancellationToken.None));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ranges.ReadAsync(table, null, false, "SELECT 1", cancelled.Token));
        bench.Server.Execute("postgres", $"SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE datname = '{bench.Database.Name}' AND pid <> {session.BackendId} LIMIT 1) one");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ranges.ReadAsync(table, null, false, "SELECT pg_sleep(0.2)", CancellationToken.None));
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
    }

    private static Task<PostgreSqlSession> OpenAsync(PostgreSqlBench bench) =>
        PostgreSqlSession.OpenAsync(PostgreSqlBench.Resolve(bench.Superuser), bench.Database.Name, CancellationToken.None);

    private static async Task<List<PostgreSqlTable>> TablesAsync(PostgreSqlBench bench)
    {
        using PostgreSqlSession session = await OpenAsync(bench);
        return await PostgreSqlCatalog.TablesAsync(session, CancellationToken.None);
    }
}
