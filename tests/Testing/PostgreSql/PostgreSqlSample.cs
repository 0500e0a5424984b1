namespace DbBackup.Testing;

/// <summary>Fills databases: with everything that is hard, with very many tables, with a sample that others wrote.</summary>
internal static class PostgreSqlSample
{
    /// <summary>The roles that <see cref="Create"/> makes on the server, where they stay.</summary>
    public static readonly IReadOnlyList<string> Roles = ["sample_reader", "Sample \"Writer\""];

    /// <summary>The large objects of <see cref="Create"/>; the second is empty, the third has 200,000 bytes.</summary>
    public static readonly IReadOnlyList<uint> LargeObjects = [1000001, 1000002, 1000003];

    /// <summary>The revision that Alembic's table says.</summary>
    public const string SchemaRevision = "3f2a9c1d7b60";

    /// <summary>Large objects, partitions, generated columns, circles of foreign keys, odd names, rights and more: see PostgreSqlSample.sql.</summary>
    public static void Create(TestDatabase database)
    {
        using Stream resource = typeof(PostgreSqlSample).Assembly.GetManifestResourceStream("PostgreSqlSample.sql")!;
        using var reader = new StreamReader(resource);
        // What a row is must not depend on the machine's time zone.
        database.Execute("SET TimeZone = 'UTC'; SET client_min_messages = error;\n" + reader.ReadToEnd());
    }

    /// <summary>The table many.parent with partitions group_0, group_1, ... of a hundred partitions part_0, part_1, ... each, one row in each of those.</summary>
    /// <param name="database">The database.</param>
    /// <param name="count">How many partitions of the lower level; 10,000 take some ten seconds. In one level they would take minutes: each new one is checked against its siblings.</param>
    /// <param name="schemas">Over how many further schemas (many_0, many_1, ...) they are spread; 0 keeps them beside their parent.</param>
    public static void ManyTables(TestDatabase database, int count, int schemas = 0) => database.Execute(
        $"""
        CREATE SCHEMA many;
        CREATE TABLE many.parent (id integer NOT NULL, note varchar(10)) PARTITION BY RANGE (id);
        DO $$
        DECLARE
            folder text := 'many';
        BEGIN
            FOR s IN 0 .. {schemas} - 1 LOOP
                EXECUTE format('CREATE SCHEMA many_%s', s);
            END LOOP;
            FOR i IN 0 .. {count} - 1 LOOP
                IF i % 100 = 0 THEN
                    -- Locks are held until the transaction ends, and the server's other tests need room for theirs.
                    COMMIT;
                    EXECUTE format('CREATE TABLE many.group_%s PARTITION OF many.parent FOR VALUES FROM (%s) TO (%s) PARTITION BY LIST (id)', i / 100, i, i + 100);
                END IF;
                IF {schemas} > 0 THEN
                    folder := 'many_' || (i % greatest({schemas}, 1));
                END IF;
                EXECUTE format('CREATE TABLE %I.part_%s PARTITION OF many.group_%s FOR VALUES IN (%2$s)', folder, i, i / 100);
            END LOOP;
        END $$;
        INSERT INTO many.parent SELECT i, 'row' FROM generate_series(0, {count} - 1) AS i;
        """);

    /// <summary>The Chinook sample database, which lies beside the project on some machines; the test is skipped where it does not.</summary>
    public static void Chinook(TestDatabase database)
    {
        string? file = Ancestors(AppContext.BaseDirectory).Select(folder => Path.Join(folder, "shared", "data", "Chinook_PostgreSql.sql")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(file is null, "There is no ../shared/data/Chinook_PostgreSql.sql beside the project.");
        // The script's own database would be everybody's.
        string script = string.Join('\n', File.ReadLines(file!).Where(line =>
            !line.StartsWith("DROP DATABASE", StringComparison.Ordinal) && !line.StartsWith("CREATE DATABASE", StringComparison.Ordinal) && !line.StartsWith(@"\c ", StringComparison.Ordinal)));
        database.Execute(script);
    }

    private static IEnumerable<string> Ancestors(string folder)
    {
        for (DirectoryInfo? parent = new(folder); parent is not null; parent = parent.Parent)
            yield return parent.FullName;
    }
}
