using Microsoft.Data.Sqlite;

namespace DbBackup.Bench;

/// <summary>
/// A database as a small application has it: customers, orders and their lines with indexes, documents of prose, attachments of which
/// some hardly compress. The same bytes for the same size, every time.
/// </summary>
internal static class SampleDatabase
{
    private const string Schema = """
        CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT NOT NULL, created TEXT NOT NULL);
        CREATE TABLE product (id INTEGER PRIMARY KEY, sku TEXT NOT NULL UNIQUE, title TEXT NOT NULL, price REAL NOT NULL);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer(id), placed TEXT NOT NULL, status TEXT NOT NULL, total REAL NOT NULL);
        CREATE INDEX ix_orders_customer ON orders(customer_id);
        CREATE INDEX ix_orders_placed ON orders(placed);
        CREATE TABLE order_line (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id), product_id INTEGER NOT NULL REFERENCES product(id), quantity INTEGER NOT NULL, price REAL NOT NULL, note TEXT);
        CREATE INDEX ix_order_line_order ON order_line(order_id);
        CREATE INDEX ix_order_line_product ON order_line(product_id);
        CREATE TABLE document (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id), title TEXT NOT NULL, body TEXT NOT NULL, changed TEXT NOT NULL);
        CREATE INDEX ix_document_title ON document(title);
        CREATE TABLE attachment (id INTEGER PRIMARY KEY, document_id INTEGER NOT NULL REFERENCES document(id), kind TEXT NOT NULL, content BLOB NOT NULL);
        CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY);
        INSERT INTO alembic_version VALUES ('3f2a9c1d7b64');
        """;

    private static readonly string[] Statuses = ["new", "paid", "shipped", "returned"];
    private static readonly string[] Cities = ["Pune", "Lyon", "Porto", "Graz", "Oslo", "Quito", "Kyoto", "Leeds"];

    /// <summary>Makes the database, unless it is there from an earlier run.</summary>
    public static string Ensure(string folder, int sizeMB)
    {
        string path = Path.Combine(folder, $"app-{sizeMB}.db");
        if (File.Exists(path))
            return path;
        Directory.CreateDirectory(folder);
        string unfinished = path + ".making";
        File.Delete(unfinished);
        using (var connection = new SqliteConnection($"Data Source={unfinished};Pooling=False"))
        {
            connection.Open();
            Run(connection, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;");
            Run(connection, Schema);
            new Filler(connection).Fill(sizeMB);
        }

        File.Move(unfinished, path);
        return path;
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed class Filler(SqliteConnection connection)
    {
        private const int OrdersPerMB = 1045;
        private const int Products = 2000;
        private readonly Prose _prose = new(new Random(20261121));
        private long _line;
        private long _document;

        public void Fill(int sizeMB)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            Insert product = new(connection, "product", 4);
            for (int i = 1; i <= Products; i++)
                product.Row(i, $"SKU-{i:D6}", _prose.Sentence(4), _prose.Price());
            int orders = sizeMB * OrdersPerMB;
            Insert customer = new(connection, "customer", 5);
            for (int i = 1; i <= orders / 8 + 1; i++)
                customer.Row(i, $"{_prose.Word()} {_prose.Word()}", $"{_prose.Word()}.{i}@example.org", _prose.Pick(Cities), _prose.Moment());
            Insert order = new(connection, "orders", 5), line = new(connection, "order_line", 6);
            Insert document = new(connection, "document", 5), attachment = new(connection, "attachment", 4);
            for (int i = 1; i <= orders; i++)
            {
                order.Row(i, _prose.Number(orders / 8) + 1, _prose.Moment(), _prose.Pick(Statuses), _prose.Price());
                for (int lines = _prose.Number(1, 9); lines > 0; lines--)
                    line.Row(++_line, i, _prose.Number(Products) + 1, _prose.Number(1, 12), _prose.Price(), _prose.Number(5) == 0 ? _prose.Sentence(9) : DBNull.Value);
                if (_prose.Number(4) > 0)
                    continue;
                document.Row(++_document, i, _prose.Sentence(5), _prose.Sentence(_prose.Number(40, 350)), _prose.Moment());
                if (_prose.Number(20) == 0)
                    attachment.Row(_document, _document, "photo", _prose.Noise(_prose.Number(2000, 12000)));
            }

            transaction.Commit();
        }
    }

    private sealed class Insert
    {
        private readonly SqliteCommand _command;

        public Insert(SqliteConnection connection, string table, int columns)
        {
            _command = connection.CreateCommand();
            _command.CommandText = $"INSERT INTO {table} VALUES ({string.Join(',', Enumerable.Range(1, columns).Select(i => $"${i}"))})";
            for (int i = 1; i <= columns; i++)
                _command.Parameters.Add(new SqliteParameter { ParameterName = $"${i}" });
        }

        public void Row(params ReadOnlySpan<object> values)
        {
            for (int i = 0; i < values.Length; i++)
                _command.Parameters[i].Value = values[i];
            _command.ExecuteNonQuery();
        }
    }
}
