namespace DbBackup.Testing;

/// <summary>A database of PostgreSQL with what dumps stumble over, and the stock programs that dump it.</summary>
internal static class SampleShop
{
    public const string Revision = "041bd0560732";

    /// <summary>The rows of its tables, as a fingerprint names them.</summary>
    public static readonly string[] Rows =
    [
        """ "Sa les"."Or""ders" 5000""".Trim(), "public.alembic_version 1", "public.customers 2000", "public.empty 0", "public.parts_2026 10",
    ];

    /// <summary>A database of that name (and something unique), with five tables that have rows of their own.</summary>
    public static TestDatabase Create(PostgreSqlServer server, string name = "shop")
    {
        TestDatabase database = server.CreateDatabase(name);
        database.Execute(
            $"""
            CREATE SCHEMA "Sa les";
            CREATE TABLE customers (id serial PRIMARY KEY, name text);
            CREATE TABLE "Sa les"."Or""ders" (id int PRIMARY KEY, customer int REFERENCES customers, note text);
            CREATE TABLE empty (a int);
            CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
            CREATE TABLE parts_2026 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
            CREATE TABLE alembic_version (version_num varchar(32) NOT NULL);
            CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT $1 * 2; END;
            CREATE MATERIALIZED VIEW totals AS SELECT count(*) FROM customers;
            INSERT INTO customers (name) SELECT 'customer ' || md5(i::text) FROM generate_series(1, 2000) i;
            INSERT INTO "Sa les"."Or""ders" SELECT i, 1 + i % 2000, repeat(md5(i::text), 3) FROM generate_series(1, 5000) i;
            INSERT INTO parts SELECT i, '2026-05-01' FROM generate_series(1, 10) i;
            INSERT INTO alembic_version VALUES ('{Revision}');
            """);
        return database;
    }

    /// <summary>Runs pg_dump into a file or folder.</summary>
    public static string Dump(TestDatabase database, string path, params string[] options)
    {
        Run(database.Server, "pg_dump", database.Name, [.. options, "-f", path]);
        return path;
    }

    /// <summary>Runs a client program of a server's version.</summary>
    public static string Run(PostgreSqlServer server, string program, string database, params string[] arguments) =>
        PostgreSqlClient.Of(server, Path.Join(server.BinFolder, program)).Run(database, string.Empty, arguments);
}
