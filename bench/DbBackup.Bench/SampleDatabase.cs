using System.Text;
using DbBackup.Engine.Sources.Sqlite;
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
        SqliteLibrary.EnsureLoaded();
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
        private readonly Random _random = new(20261121);
        private readonly string[] _words = new string[1500];
        private DateTime _clock = new(2021, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        private long _line;
        private long _document;

        public void Fill(int sizeMB)
        {
            for (int i = 0; i < _words.Length; i++)
                _words[i] = Word();
            using SqliteTransaction transaction = connection.BeginTransaction();
            Insert product = new(connection, "product", 4);
            for (int i = 1; i <= Products; i++)
                product.Row(i, $"SKU-{i:D6}", Sentence(4), Price());
            int orders = sizeMB * OrdersPerMB;
            Insert customer = new(connection, "customer", 5);
            for (int i = 1; i <= orders / 8 + 1; i++)
                customer.Row(i, $"{Word()} {Word()}", $"{Word()}.{i}@example.org", Pick(Cities), Moment());
            Insert order = new(connection, "orders", 5), line = new(connection, "order_line", 6);
            Insert document = new(connection, "document", 5), attachment = new(connection, "attachment", 4);
            for (int i = 1; i <= orders; i++)
            {
                order.Row(i, _random.Next(orders / 8) + 1, Moment(), Pick(Statuses), Price());
                for (int lines = _random.Next(1, 9); lines > 0; lines--)
                    line.Row(++_line, i, _random.Next(Products) + 1, _random.Next(1, 12), Price(), _random.Next(5) == 0 ? Sentence(9) : DBNull.Value);
                if (_random.Next(4) > 0)
                    continue;
                document.Row(++_document, i, Sentence(5), Sentence(_random.Next(40, 350)), Moment());
                if (_random.Next(20) == 0)
                    attachment.Row(_document, _document, "photo", Noise(_random.Next(2000, 12000)));
            }

            transaction.Commit();
        }

        private string Word()
        {
            Span<char> letters = stackalloc char[_random.Next(2, 11)];
            for (int i = 0; i < letters.Length; i++)
                letters[i] = (i % 2 == 0 ? "bcdfghklmnprstvw" : "aaeeiou")[_random.Next(i % 2 == 0 ? 16 : 7)];
            return new string(letters);
        }

        // Few words are frequent and many rare, as in prose.
        private string Sentence(int words)
        {
            var text = new StringBuilder(words * 6);
            for (int i = 0; i < words; i++)
            {
                double rank = _random.NextDouble();
                text.Append(i == 0 ? string.Empty : i % 11 == 0 ? ". " : " ").Append(_words[(int)(rank * rank * rank * rank * _words.Length)]);
            }

            return text.ToString();
        }

        private byte[] Noise(int length)
        {
            byte[] bytes = new byte[length];
            _random.NextBytes(bytes);
            return bytes;
        }

        private string Moment() => (_clock = _clock.AddSeconds(_random.Next(1, 90))).ToString("yyyy-MM-dd HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);

        private double Price() => _random.Next(100, 99999) / 100.0;

        private string Pick(string[] from) => from[_random.Next(from.Length)];
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
