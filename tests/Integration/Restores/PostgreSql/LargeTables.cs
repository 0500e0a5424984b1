using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>A database of tables of all kinds, most of them large in a dump, and what is compared of it.</summary>
internal static class LargeTables
{
    public const string Odd = "\"Sa les\".\"Odd, 7 \"\"Täble\"";

    /// <summary>Creates them.</summary>
    public static void Create(TestDatabase database) => database.Execute(
        $$"""
        CREATE SCHEMA "Sa les";
        CREATE TABLE {{Odd}} (id integer GENERATED ALWAYS AS IDENTITY, gone integer, "Bo dy" text, n integer, twice integer GENERATED ALWAYS AS (n * 2) STORED,
            m money, x xml, b bytea, t timestamptz, i interval, a text[], j jsonb);
        ALTER TABLE {{Odd}} DROP COLUMN gone;
        INSERT INTO {{Odd}} ("Bo dy", n, m, x, b, t, i, a, j) SELECT repeat(md5(i::text), 3000) || E'\n\r\n\t\\ \\. \\N €', i, i * 1000, '<a/>text', decode(md5(i::text), 'hex'),
            '2026-03-29 00:30+00'::timestamptz + i * interval '31 hours', i * interval '-1 day 2 hours', ARRAY['a', E'b\n', NULL], '{"k": "\n"}' FROM generate_series(1, 400) i;
        INSERT INTO {{Odd}} ("Bo dy", n) VALUES ('\.', 0), (E'\n\\.\n', 1), ('', 2), (NULL, NULL), (E'\r\n', 3), (E'\\', 4);
        CREATE TABLE parent (id integer, body text);
        CREATE TABLE child (more text) INHERITS (parent);
        INSERT INTO child SELECT i, repeat(md5(i::text), 3200), 'more' FROM generate_series(1, 400) i;
        INSERT INTO parent VALUES (0, 'parent');
        CREATE TABLE parts (id integer PRIMARY KEY, body text) PARTITION BY RANGE (id);
        CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
        CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (1000) TO (2000);
        INSERT INTO parts SELECT i, repeat(md5(i::text), 3200) FROM generate_series(1, 400) i;
        INSERT INTO parts VALUES (1001, 'small');
        CREATE UNLOGGED TABLE unlogged (id integer PRIMARY KEY, body text);
        INSERT INTO unlogged SELECT * FROM part_1;
        CREATE TABLE wide (body text);
        INSERT INTO wide VALUES (repeat(E'one row of many megabytes \n', 1600000));
        CREATE TABLE empty (id integer);
        CREATE TABLE one (id integer REFERENCES parts);
        INSERT INTO one VALUES (1);
        CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.more = ''changed''; RETURN NEW; END';
        CREATE TRIGGER stamp BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION stamp();
        ALTER TABLE child ENABLE ROW LEVEL SECURITY;
        """);

    /// <summary>The rows of every table, in whatever order they lie.</summary>
    public static string Contents(TestDatabase database)
    {
        string[] tables = database.Query("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY 1").Split('\n');
        return string.Join('\n', tables.Select(table => $"{table} {database.Query($"SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {table} t")}"));
    }

    /// <summary>The COPY text of each table in a dump.</summary>
    public static Dictionary<string, string> Texts(string dump)
    {
        IReadOnlyList<TableText> texts;
        if (Directory.Exists(dump))
        {
            texts = TableText.OfFolder(dump);
        }
        else
        {
            var places = new ArchivePlaces();
            places.Append(File.ReadAllBytes(dump));
            Assert.True(places.Complete());
            texts = TableText.OfFile(dump, places);
        }

        return texts.ToDictionary(text => CopyColumns.TargetOf(text.Table.Copy), text =>
        {
            using var reader = new StreamReader(text.Open());
            return reader.ReadToEnd();
        });
    }
}
