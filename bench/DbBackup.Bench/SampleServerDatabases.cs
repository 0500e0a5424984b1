using System.Globalization;
using System.Text;
using Npgsql;

namespace DbBackup.Bench;

/// <summary>
/// Two databases of about the same size in pg_dump's text: <c>many</c>, as a small shop has it, and <c>single</c>, with all of it in
/// one table. The same rows for the same size, every time.
/// </summary>
internal static class SampleServerDatabases
{
    public const string Many = "many";
    public const string Single = "single";
    private const int Products = 5000;
    private static readonly string[] Statuses = ["new", "paid", "shipped", "returned"];
    private static readonly string[] Cities = ["Pune", "Lyon", "Porto", "Graz", "Oslo", "Quito", "Kyoto", "Leeds"];

    private const string ManyTables = """
        CREATE TABLE customer (id bigint NOT NULL, name text NOT NULL, email text NOT NULL, city text NOT NULL, created timestamptz NOT NULL);
        CREATE TABLE product (id integer NOT NULL, sku text NOT NULL, title text NOT NULL, price numeric(12,2) NOT NULL);
        CREATE TABLE orders (id bigint NOT NULL, customer_id bigint NOT NULL, placed timestamptz NOT NULL, status text NOT NULL, total numeric(12,2) NOT NULL);
        CREATE TABLE order_line (order_id bigint NOT NULL, line integer NOT NULL, product_id integer NOT NULL, quantity integer NOT NULL, price numeric(12,2) NOT NULL, note text);
        CREATE TABLE document (id bigint NOT NULL, order_id bigint NOT NULL, title text NOT NULL, body text NOT NULL, changed timestamptz NOT NULL);
        CREATE TABLE event (id bigint NOT NULL, customer_id bigint NOT NULL, happened timestamptz NOT NULL, detail jsonb NOT NULL);
        CREATE TABLE measurement (product_id integer NOT NULL, taken timestamptz NOT NULL, amount numeric NOT NULL, share numeric NOT NULL);
        CREATE TABLE attachment (document_id bigint NOT NULL, kind text NOT NULL, content bytea NOT NULL);
        CREATE TABLE alembic_version (version_num varchar(32) NOT NULL PRIMARY KEY);
        INSERT INTO alembic_version VALUES ('3f2a9c1d7b64');
        """;

    private static readonly string[] ManyKeys =
    [
        "ALTER TABLE customer ADD PRIMARY KEY (id), ADD UNIQUE (email)",
        "ALTER TABLE product ADD PRIMARY KEY (id), ADD UNIQUE (sku)",
        "ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customer",
        "ALTER TABLE order_line ADD PRIMARY KEY (order_id, line), ADD FOREIGN KEY (order_id) REFERENCES orders, ADD FOREIGN KEY (product_id) REFERENCES product",
        "ALTER TABLE document ADD PRIMARY KEY (id), ADD FOREIGN KEY (order_id) REFERENCES orders",
        "ALTER TABLE event ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customer",
        "ALTER TABLE measurement ADD FOREIGN KEY (product_id) REFERENCES product",
        "ALTER TABLE attachment ADD PRIMARY KEY (document_id), ADD FOREIGN KEY (document_id) REFERENCES document",
        "CREATE INDEX ON orders (customer_id)",
        "CREATE INDEX ON orders (placed)",
        "CREATE INDEX ON order_line (product_id)",
        "CREATE INDEX ON document (title)",
        "CREATE INDEX ON event (customer_id, happened)",
        "CREATE INDEX ON measurement (product_id, taken)",
    ];

    private const string SingleTable =
        "CREATE TABLE entry (id bigint NOT NULL, made timestamptz NOT NULL, kind text NOT NULL, amount numeric(12,2) NOT NULL, body text NOT NULL, detail jsonb NOT NULL)";

    private static readonly string[] SingleKeys = ["ALTER TABLE entry ADD PRIMARY KEY (id)", "CREATE INDEX ON entry (made)"];

    /// <summary>Makes one of the databases, unless it is there from an earlier run.</summary>
    public static void Ensure(BenchServer server, string name, int sizeMB)
    {
        if (name == Many)
            Ensure(server, Many, ManyTables, ManyKeys, connection => FillMany(new Copier(connection, sizeMB)));
        else
            Ensure(server, Single, SingleTable, SingleKeys, connection => FillSingle(new Copier(connection, sizeMB)));
    }

    private static void Ensure(BenchServer server, string name, string tables, string[] keys, Action<NpgsqlConnection> fill)
    {
        if (server.Query("postgres", $"SELECT count(*) FROM pg_database WHERE datname = '{name}'") != "0")
            return;
        string unfinished = name + "_making";
        server.Drop(unfinished);
        server.Execute("postgres", $"CREATE DATABASE {unfinished} TEMPLATE template0");
        server.Execute(unfinished, tables);
        using (NpgsqlConnection connection = server.Open(unfinished))
            fill(connection);
        server.Execute(unfinished, ["SET maintenance_work_mem = '256MB'", .. keys, "VACUUM ANALYZE", "CHECKPOINT"]);
        server.Execute("postgres", $"ALTER DATABASE {unfinished} RENAME TO {name}");
    }

    private static void FillMany(Copier copy)
    {
        Prose prose = copy.Prose;
        long customers = copy.Share("customer", 0.04, (row, id) => row.Add(id).Add($"{prose.Word()} {prose.Word()}").Add($"{prose.Word()}.{id}@example.org").Add(prose.Pick(Cities)).Add(prose.Moment()));
        copy.Rows("product", Products, (row, id) => row.Add(id).Add($"SKU-{id:D6}").Add(prose.Sentence(4)).Add(prose.Price()));
        long orders = copy.Share("orders", 0.17, (row, id) => row.Add(id).Add(Any(prose, customers)).Add(prose.Moment()).Add(prose.Pick(Statuses)).Add(prose.Price()));
        long order = 0;
        int line = 0, lines = 0;
        copy.Share("order_line", 0.26, (row, _) =>
        {
            if (line++ == lines)
                (order, line, lines) = (order + 1, 1, prose.Number(1, 9));
            row.Add(order).Add(line).Add(prose.Number(Products) + 1).Add(prose.Number(1, 12)).Add(prose.Price()).Add(prose.Number(5) == 0 ? prose.Sentence(9) : "\\N");
        });
        copy.Share("document", 0.24, (row, id) => row.Add(id).Add(Any(prose, orders)).Add(prose.Sentence(5)).Add(prose.Sentence(prose.Number(40, 350))).Add(prose.Moment()));
        copy.Share("event", 0.15, (row, id) => row.Add(id).Add(Any(prose, customers)).Add(prose.Moment()).Add(Detail(prose)));
        copy.Share("measurement", 0.09, (row, _) => row.Add(prose.Number(Products) + 1).Add(prose.Moment()).Add(prose.Price() * 1.0625).Add(prose.Number(1_000_000_000) / 1e9));
        copy.Share("attachment", 0.05, (row, id) => row.Add(id).Add("photo").Add("\\\\x" + Convert.ToHexStringLower(prose.Noise(prose.Number(2000, 12000)))));
    }

    private static void FillSingle(Copier copy)
    {
        Prose prose = copy.Prose;
        copy.Share("entry", 1, (row, id) => row.Add(id).Add(prose.Moment()).Add(prose.Pick(Statuses)).Add(prose.Price()).Add(prose.Sentence(prose.Number(5, 60))).Add(Detail(prose)));
    }

    private static long Any(Prose prose, long rows) => prose.Number((int)rows) + 1;

    // As jsonb prints it, so that its size is that of the dump.
    private static string Detail(Prose prose) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"kind": "{{prose.Pick(Statuses)}}", "city": "{{prose.Pick(Cities)}}", "tags": ["{{prose.Word()}}", "{{prose.Word()}}"], "count": {{prose.Number(1000)}}, "total": {{prose.Price()}}}""");

    /// <summary>Fills tables with rows until they have their share of the whole dump's size.</summary>
    private sealed class Copier(NpgsqlConnection connection, int sizeMB)
    {
        public Prose Prose { get; } = new(new Random(20261121));

        public long Share(string table, double share, Action<Row, long> make) => Copy(table, (long)(sizeMB * 1e6 * share), long.MaxValue, make);

        public void Rows(string table, long rows, Action<Row, long> make) => Copy(table, long.MaxValue, rows, make);

        private long Copy(string table, long bytes, long rows, Action<Row, long> make)
        {
            using TextWriter writer = connection.BeginTextImport($"COPY {table} FROM STDIN");
            var row = new Row();
            long id = 0;
            for (long written = 0; written < bytes && id < rows; written += row.Text.Length)
            {
                row.Text.Clear();
                make(row, ++id);
                row.Text.Append('\n');
                writer.Write(row.Text);
            }

            return id;
        }
    }

    /// <summary>A row as COPY reads it.</summary>
    private sealed class Row
    {
        public StringBuilder Text { get; } = new();

        public Row Add<T>(T value)
        {
            if (Text.Length > 0)
                Text.Append('\t');
            Text.Append(CultureInfo.InvariantCulture, $"{value}");
            return this;
        }
    }
}
