using Microsoft.Data.Sqlite;

namespace DbBackup.Bench;

/// <summary>What happened to a sample database between two backups.</summary>
/// <param name="Name">What the table calls it.</param>
/// <param name="Statements">The statements that do it.</param>
internal sealed record Change(string Name, string[] Statements);

/// <summary>
/// Changes as applications make them: half of the rows are updated and half are new. Those that are updated lie evenly over their
/// tables, which is the hardest case: it touches the most pages.
/// </summary>
internal static class SampleChanges
{
    /// <summary>For <see cref="SampleDatabase"/>; the last rewrites it.</summary>
    public static IReadOnlyList<Change> OfSqlite { get; } =
    [
        new("0.1 % of the rows", SqliteRows(1000)),
        new("2 % of the rows", SqliteRows(50)),
        new("rewritten (`VACUUM`)", ["DELETE FROM document WHERE id % 100 = 1", "VACUUM"]),
    ];

    /// <summary>For <see cref="SampleServerDatabases.Many"/>; the last rewrites it.</summary>
    public static IReadOnlyList<Change> OfPostgreSql { get; } =
    [
        new("1 % new rows, none of the old ones", PostgreSqlInserts(100)),
        new("0.1 % of the rows", PostgreSqlRows(1000)),
        new("2 % of the rows", PostgreSqlRows(50)),
        new("rewritten (`CLUSTER` of the largest tables)", ["CLUSTER order_line USING order_line_product_id_idx", "CLUSTER document USING document_title_idx", "CLUSTER event USING event_customer_id_happened_idx"]),
    ];

    /// <summary>For <see cref="SampleDatabase"/>: other rows each day, 0.5 % of them changed and 0.3 % added.</summary>
    public static Change OfDay(int day) => new(
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"day {day}"),
        [
            $"UPDATE order_line SET quantity = quantity + 1 WHERE id % 200 = {day * 7 % 200}",
            $"UPDATE orders SET status = 'closed', total = total + 1 WHERE id % 200 = {day * 7 % 200}",
            $"UPDATE document SET body = 'Seen. ' || body WHERE id % 200 = {day * 7 % 200}",
            .. SqliteInserts(333, day * 11 % 333),
        ]);

    /// <summary>Changes a SQLite database.</summary>
    public static void Apply(string path, Change change)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False;Foreign Keys=False");
        connection.Open();
        foreach (string statement in change.Statements)
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = statement;
            command.CommandTimeout = 0;
            command.ExecuteNonQuery();
        }
    }

    private static string[] SqliteRows(int oneOf) =>
    [
        $"UPDATE order_line SET quantity = quantity + 1 WHERE id % {2 * oneOf} = 1",
        $"UPDATE orders SET status = 'closed' WHERE id % {2 * oneOf} = 1",
        $"UPDATE document SET body = 'Seen. ' || body WHERE id % {2 * oneOf} = 1",
        .. SqliteInserts(2 * oneOf, 3),
    ];

    private static string[] SqliteInserts(int oneOf, int rest) =>
    [
        "CREATE TEMP TABLE top AS SELECT (SELECT max(id) FROM order_line) AS line, (SELECT max(id) FROM orders) AS one, (SELECT max(id) FROM document) AS document",
        $"INSERT INTO orders SELECT top.one + row_number() OVER (), customer_id, placed, 'new', total * 1.07 FROM orders, top WHERE id % {oneOf} = {rest}",
        $"INSERT INTO order_line SELECT top.line + row_number() OVER (), order_id, product_id, quantity + 3, price * 1.07, note FROM order_line, top WHERE id % {oneOf} = {rest}",
        $"INSERT INTO document SELECT top.document + row_number() OVER (), order_id, 'New ' || title, substr(body, length(body) / 2) || ' ' || substr(body, 1, length(body) / 2), changed FROM document, top WHERE id % {oneOf} = {rest}",
    ];

    private static string[] PostgreSqlRows(int oneOf) =>
    [
        $"UPDATE order_line SET quantity = quantity + 1 WHERE order_id % {2 * oneOf} = 1",
        $"UPDATE orders SET status = 'closed' WHERE id % {2 * oneOf} = 1",
        $"UPDATE document SET body = 'Seen. ' || body WHERE id % {2 * oneOf} = 1",
        $"UPDATE event SET detail = detail || '{{\"seen\": true}}' WHERE id % {2 * oneOf} = 1",
        .. PostgreSqlInserts(2 * oneOf),
    ];

    private static string[] PostgreSqlInserts(int oneOf) =>
    [
        $"INSERT INTO order_line SELECT order_id, line + 100, product_id, quantity + 3, price * 1.07, note FROM order_line WHERE order_id % {oneOf} = 3",
        $"INSERT INTO document SELECT id + (SELECT max(id) FROM document), order_id, 'New ' || title, right(body, length(body) / 2) || ' ' || left(body, length(body) / 2), changed FROM document WHERE id % {oneOf} = 3",
        $"INSERT INTO event SELECT id + (SELECT max(id) FROM event), customer_id, happened, detail || '{{\"again\": true}}' FROM event WHERE id % {oneOf} = 3",
    ];
}
