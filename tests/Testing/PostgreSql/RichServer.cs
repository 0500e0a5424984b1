namespace DbBackup.Testing;

/// <summary>Much of what a server can have, for upgrades of servers. It needs a role <c>shop</c>.</summary>
internal static class RichServer
{
    /// <summary>Makes it in the present database.</summary>
    public const string Sql =
        """
        CREATE EXTENSION pgcrypto; CREATE EXTENSION citext;
        CREATE ROLE team NOLOGIN; CREATE ROLE reader LOGIN PASSWORD 'read' IN ROLE team; ALTER ROLE reader SET statement_timeout = '7min';
        ALTER ROLE shop SET work_mem = '5MB'; COMMENT ON ROLE team IS 'those who read';
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE TABLE people (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name citext UNIQUE NOT NULL, mood mood DEFAULT 'glad', secret bytea, born date, age_class text GENERATED ALWAYS AS (CASE WHEN born IS NULL THEN 'unknown' ELSE 'known' END) STORED);
        CREATE TABLE visits (at timestamptz NOT NULL, person int REFERENCES people, note jsonb) PARTITION BY RANGE (at);
        CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
        CREATE INDEX ON visits (at); CREATE INDEX ON people (digest(name::text, 'sha256'));
        CREATE MATERIALIZED VIEW moods AS SELECT mood, count(*) FROM people GROUP BY mood WITH NO DATA;
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := coalesce(NEW.note, '{}') || '{"touched": true}'; RETURN NEW; END $$;
        CREATE TRIGGER touched BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION touch();
        ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON people TO team USING (true); GRANT SELECT ON people TO team;
        INSERT INTO people (name, secret, born) SELECT 'Person ' || i, digest(i::text, 'sha256'), CASE WHEN i % 3 = 0 THEN NULL ELSE date '1990-01-01' + i END FROM generate_series(1, 500) i;
        INSERT INTO visits SELECT timestamptz '2025-06-01Z' + i * interval '1 day', 1 + i % 500, NULL FROM generate_series(1, 500) i;
        REFRESH MATERIALIZED VIEW moods;
        SELECT lo_from_bytea(4711, 'a large object');
        """;
}
