using DbBackup.Engine.Payloads;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Verify;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Verification.PostgreSql;

/// <summary>
/// What a comparison sees: a restored copy is changed in one point, and compared by counting rows, by contents, and by the schema as pg_dump
/// writes it.
/// </summary>
[Trait("Category", "PostgreSql")]
public sealed class ChangedCopyTests(OwnPostgreSqlServer own, ITestOutputHelper output) : IClassFixture<OwnPostgreSqlServer>
{
    private const string Objects = """
        CREATE EXTENSION hstore;
        CREATE EXTENSION pg_trgm;
        CREATE SCHEMA s;
        CREATE DOMAIN s.short AS text DEFAULT 'none' CHECK (length(VALUE) < 100);
        CREATE TYPE s.mood AS ENUM ('low', 'high');
        CREATE TYPE s.pair AS (a integer, b text);
        CREATE SEQUENCE s.numbers;
        CREATE TABLE s.parents (id integer PRIMARY KEY, name text NOT NULL, note text DEFAULT 'x', size integer CHECK (size > 0), kind s.mood);
        COMMENT ON TABLE s.parents IS 'parents'; COMMENT ON COLUMN s.parents.name IS 'a name';
        CREATE TABLE s.children (id serial PRIMARY KEY, parent integer REFERENCES s.parents ON DELETE CASCADE, body text, short s.short, UNIQUE (parent, body));
        CREATE TABLE s.other (id integer, body text);
        CREATE INDEX by_body ON s.children (body);
        CREATE INDEX by_part ON s.children (parent) WHERE parent > 5;
        CREATE INDEX by_lower ON s.children (lower(body));
        CREATE TABLE s.days (day date, n integer) PARTITION BY RANGE (day);
        CREATE TABLE s.days_1 PARTITION OF s.days FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE FUNCTION s.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
        CREATE FUNCTION s.atomic(n integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT n + 1; END;
        CREATE FUNCTION s.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE FUNCTION s.touch2() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        COMMENT ON FUNCTION s.twice(integer) IS 'doubles';
        CREATE TRIGGER touching BEFORE UPDATE ON s.children FOR EACH ROW WHEN (NEW.parent > 1) EXECUTE FUNCTION s.touch();
        CREATE VIEW s.seen AS SELECT id, body FROM s.children WHERE parent > 1;
        CREATE MATERIALIZED VIEW s.kept AS SELECT count(*) AS n FROM s.children;
        CREATE RULE quiet AS ON DELETE TO s.other DO INSTEAD NOTHING;
        ALTER TABLE s.parents ENABLE ROW LEVEL SECURITY;
        CREATE POLICY mine ON s.parents USING (size > 1);
        CREATE OPERATOR s.@@@ (FUNCTION = s.twice, RIGHTARG = integer);
        CREATE FUNCTION s.to_pair(text) RETURNS s.pair LANGUAGE sql AS 'SELECT ROW(1, $1)::s.pair';
        CREATE CAST (text AS s.pair) WITH FUNCTION s.to_pair(text);
        CREATE COLLATION s.plain (provider = libc, locale = 'C');
        CREATE TEXT SEARCH CONFIGURATION s.words (COPY = simple);
        CREATE PUBLICATION pub FOR TABLE s.parents;
        CREATE FUNCTION s.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION s.on_ddl();
        CREATE STATISTICS s.stats (dependencies) ON parent, body FROM s.children;
        CREATE AGGREGATE s.total (integer) (SFUNC = int4pl, STYPE = integer);
        CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere OPTIONS (host 'a');
        CREATE FOREIGN TABLE s.distant (id integer) SERVER far;
        GRANT SELECT ON s.parents TO reader; ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO reader;
        INSERT INTO s.parents SELECT i, 'parent ' || i, 'n', i, 'low' FROM generate_series(1, 10) i;
        INSERT INTO s.children (parent, body) SELECT i, 'child ' || i FROM generate_series(1, 10) i;
        INSERT INTO s.other VALUES (1, 'one'); INSERT INTO s.days VALUES ('2026-01-05', 1);
        SELECT lo_from_bytea(4711, 'large'); REFRESH MATERIALIZED VIEW s.kept;
        """;

    // Of the changes, as many are a sample.
    private const int OneOf = 4;

    // Each change of the copy, and the first of the three comparisons that sees it: r rows, c contents, s schema, - none.
    private static readonly (char By, string Sql)[] Changes =
    [
        ('r', "DELETE FROM s.children WHERE id = 1"),
        ('r', "INSERT INTO s.days VALUES ('2026-01-06', 2)"),
        ('r', "DROP TABLE s.other"),
        ('r', "TRUNCATE s.other"),
        ('r', "SELECT setval('s.numbers', 99)"),
        ('r', "SELECT lo_unlink(4711)"),
        ('r', "CREATE TABLE s.extra (id integer)"),
        ('c', "UPDATE s.children SET body = 'CHANGED' WHERE id = 2"),
        ('c', "SELECT lo_put(4711, 0, 'LARGE')"),
        ('r', "DROP INDEX s.by_body"),
        ('s', "DROP INDEX s.by_body; CREATE INDEX by_body ON s.children (short)"),
        ('s', "DROP INDEX s.by_part; CREATE INDEX by_part ON s.children (parent) WHERE parent > 6"),
        ('s', "DROP INDEX s.by_lower; CREATE INDEX by_lower ON s.children (upper(body))"),
        ('s', "DROP INDEX s.by_body; CREATE INDEX by_body ON s.children (body DESC)"),
        ('s', "DROP INDEX s.by_body; CREATE INDEX by_body ON s.children (body text_pattern_ops)"),
        ('s', "DROP INDEX s.by_body; CREATE INDEX by_body ON s.children (body) WITH (fillfactor = 50)"),
        ('r', "DROP INDEX s.by_body; CREATE UNIQUE INDEX by_body ON s.children (body)"),
        ('r', "ALTER TABLE s.parents ALTER note DROP DEFAULT"),
        ('s', "ALTER TABLE s.parents ALTER note SET DEFAULT 'y'"),
        ('r', "ALTER TABLE s.parents DROP CONSTRAINT parents_size_check"),
        ('s', "ALTER TABLE s.parents DROP CONSTRAINT parents_size_check, ADD CONSTRAINT parents_size_check CHECK (size > -5)"),
        ('s', "ALTER DOMAIN s.short DROP CONSTRAINT short_check; ALTER DOMAIN s.short ADD CONSTRAINT short_check CHECK (length(VALUE) < 200)"),
        ('s', "ALTER DOMAIN s.short DROP CONSTRAINT short_check"),
        ('s', "ALTER DOMAIN s.short SET DEFAULT 'some'"),
        ('s', "DROP POLICY mine ON s.parents; CREATE POLICY mine ON s.parents USING (size > 2)"),
        ('r', "DROP POLICY mine ON s.parents"),
        ('s', "ALTER POLICY mine ON s.parents TO reader"),
        ('r', "ALTER TABLE s.parents DISABLE ROW LEVEL SECURITY"),
        ('r', "ALTER TABLE s.parents FORCE ROW LEVEL SECURITY"),
        ('r', "ALTER TABLE s.children DROP CONSTRAINT children_parent_fkey"),
        ('r', "ALTER TABLE s.children DROP CONSTRAINT children_parent_fkey, ADD CONSTRAINT children_parent_fkey FOREIGN KEY (parent) REFERENCES s.parents"),
        ('r', "ALTER TABLE s.children DROP CONSTRAINT children_parent_body_key"),
        ('r', "ALTER TABLE s.parents ALTER name DROP NOT NULL"),
        ('r', "ALTER TABLE s.parents ADD extra text"),
        ('r', "ALTER TABLE s.other ALTER id TYPE bigint"),
        ('s', "ALTER TABLE s.other ALTER body SET STORAGE EXTERNAL"),
        ('s', "ALTER TABLE s.other ALTER body SET STATISTICS 500"),
        ('s', "ALTER TABLE s.other ALTER body TYPE text COLLATE \"C\""),
        ('s', "CREATE OR REPLACE VIEW s.seen AS SELECT id, body FROM s.children WHERE parent > 2"),
        ('r', "DROP VIEW s.seen"),
        ('s', "ALTER VIEW s.seen SET (security_barrier = true)"),
        ('s', "DROP MATERIALIZED VIEW s.kept; CREATE MATERIALIZED VIEW s.kept AS SELECT count(*) + 0 AS n FROM s.children"),
        ('r', "DROP MATERIALIZED VIEW s.kept"),
        ('s', "DROP RULE quiet ON s.other; CREATE RULE quiet AS ON UPDATE TO s.other DO INSTEAD NOTHING"),
        ('r', "DROP RULE quiet ON s.other"),
        ('s', "DROP TRIGGER touching ON s.children; CREATE TRIGGER touching BEFORE UPDATE ON s.children FOR EACH ROW WHEN (NEW.parent > 2) EXECUTE FUNCTION s.touch()"),
        ('s', "DROP TRIGGER touching ON s.children; CREATE TRIGGER touching BEFORE UPDATE ON s.children FOR EACH ROW WHEN (NEW.parent > 1) EXECUTE FUNCTION s.touch2()"),
        ('r', "ALTER TABLE s.children DISABLE TRIGGER touching"),
        ('r', "DROP TRIGGER touching ON s.children"),
        ('r', "CREATE OR REPLACE FUNCTION s.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 3'"),
        ('s', "ALTER FUNCTION s.twice(integer) VOLATILE"),
        ('s', "ALTER FUNCTION s.twice(integer) SECURITY DEFINER"),
        ('s', "ALTER FUNCTION s.twice(integer) SET search_path = s"),
        ('s', "ALTER FUNCTION s.twice(integer) STRICT"),
        ('s', "CREATE OR REPLACE FUNCTION s.atomic(n integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT n + 2; END"),
        ('s', "REVOKE SELECT ON s.parents FROM reader"),
        ('s', "ALTER DEFAULT PRIVILEGES IN SCHEMA s REVOKE SELECT ON TABLES FROM reader"),
        ('s', "ALTER TABLE s.other OWNER TO reader"),
        ('r', "COMMENT ON TABLE s.parents IS 'other'"),
        ('s', "COMMENT ON COLUMN s.parents.name IS 'another'"),
        ('s', "COMMENT ON FUNCTION s.twice(integer) IS NULL"),
        ('s', "ALTER TABLE s.days DETACH PARTITION s.days_1; ALTER TABLE s.days ATTACH PARTITION s.days_1 FOR VALUES FROM ('2026-01-01') TO ('2026-03-01')"),
        ('s', "ALTER TABLE s.other SET UNLOGGED"),
        ('s', "ALTER TABLE s.other SET (fillfactor = 70)"),
        ('s', "DROP OPERATOR s.@@@ (NONE, integer)"),
        ('s', "DROP CAST (text AS s.pair)"),
        ('s', "DROP COLLATION s.plain"),
        ('s', "DROP TEXT SEARCH CONFIGURATION s.words"),
        ('s', "ALTER TEXT SEARCH CONFIGURATION s.words DROP MAPPING FOR email"),
        ('s', "DROP PUBLICATION pub"),
        ('s', "DROP EVENT TRIGGER watching"),
        ('s', "ALTER EVENT TRIGGER watching DISABLE"),
        ('r', "DROP STATISTICS s.stats"),
        ('r', "DROP AGGREGATE s.total(integer)"),
        ('s', "ALTER SERVER far OPTIONS (SET host 'b')"),
        ('r', "DROP FOREIGN TABLE s.distant"),
        ('r', "ALTER TYPE s.mood ADD VALUE 'middle'"),
        ('r', "DROP TYPE s.pair CASCADE"),
        ('r', "DROP EXTENSION hstore"),
        ('s', "ALTER TABLE s.parents REPLICA IDENTITY FULL"),
        ('s', "ALTER EXTENSION pg_trgm SET SCHEMA s"),
    ];

    [Fact]
    public async Task Each_change_of_a_restored_copy_is_seen()
    {
        using var bench = new PostgreSqlBench(own.Server);
        own.Server.Execute("postgres", "DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        bench.Database.Execute(Objects);
        Backup backup = await bench.BackUpAsync();
        Payload payload = backup.Manifest!.Payloads.Single();
        using TestDatabase copy = own.Server.CreateDatabase("copy");
        RestoreResult restored = await bench.RestoreAsync(bench.Request(backup) with { NewName = copy.Name });
        Assert.Equal(BackupStatus.Matched, restored.Status);

        PostgreSqlConnectionSettings server = PostgreSqlConnectionSettings.Resolve(bench.Superuser);
        using var scratch = new TempFolder();
        var content = new BackupContent(backup.Manifest, file => File.OpenRead(Path.Join(backup.Location, file)));
        using StagedDump dump = await StagedDump.PrepareAsync(content, payload, null, own.Server.Major, scratch.Path, null, CancellationToken.None);
        var mistakes = new List<string>();
        var seen = new Dictionary<char, int> { ['r'] = 0, ['c'] = 0, ['s'] = 0 };
        (char By, string Sql)[] changes = [.. Changes.Where((_, index) => Sampling.Complete || index % OneOf == 0)];
        foreach ((char by, string sql) in changes.Prepend(('-', "SELECT 1")))
        {
            string name = $"changed_{Guid.NewGuid():N}";
            own.Server.Execute("postgres", $"CREATE DATABASE {name} TEMPLATE {PostgreSqlServer.SqlName(copy.Name)}");
            try
            {
                own.Server.Execute(name, sql);
                (bool rows, bool contents, bool schema) = await CompareAsync(server, name, payload, dump);
                char found = rows ? 'r' : contents ? 'c' : schema ? 's' : '-';
                seen['r'] += rows ? 1 : 0;
                seen['c'] += rows || contents ? 1 : 0;
                seen['s'] += rows || contents || schema ? 1 : 0;
                if (found != by)
                    mistakes.Add($"{sql}: {found} instead of {by}");
            }
            finally
            {
                own.Server.Execute("postgres", $"DROP DATABASE {name} WITH (FORCE)");
            }
        }

        output.WriteLine($"Of {changes.Length} changes Rows sees {seen['r']}, Content {seen['c']}, and with the schema's text {seen['s']}.");
        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes));
    }

    private static async Task<(bool Rows, bool Contents, bool Schema)> CompareAsync(PostgreSqlConnectionSettings server, string name, Payload payload, StagedDump dump)
    {
        Fingerprint expected = payload.Fingerprint!;
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, name, CancellationToken.None);
        Fingerprint actual = await RestoredFingerprint.TakeAsync(session, expected, payload, otherLocale: false, CancellationToken.None);
        static Fingerprint WithoutContents(Fingerprint whole) => whole with
        {
            Tables = [.. whole.Tables.Select(table => table with { ContentHash = null })],
            Settings = whole.Settings.Where(setting => !setting.Key.StartsWith("large objects", StringComparison.Ordinal)).ToDictionary(),
        };
        SchemaFindings schema = await new SchemaComparison(dump, new DatabaseLoadOptions()).RunAsync(
            session,
            async () => await WorkDatabase.CreateAsync(
                await PostgreSqlSession.OpenMaintenanceAsync(server, null, CancellationToken.None), WorkDatabasePurpose.Test, payload.Database, null, anyLocale: false, CancellationToken.None),
            CancellationToken.None);
        Assert.Null(schema.WhyNot);
        return (WithoutContents(expected).DifferencesFrom(WithoutContents(actual)).Count > 0, expected.DifferencesFrom(actual).Count > 0, schema.Differences.Count > 0);
    }
}
