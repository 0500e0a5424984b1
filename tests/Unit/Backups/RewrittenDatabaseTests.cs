using DbBackup.Engine.Backups;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>Databases whose pages were put in another order between a full backup and an incremental one, and those that only seem to be.</summary>
public sealed class RewrittenDatabaseTests : IDisposable
{
    // Words, prose and photos of about 40 MB in three tables with indexes.
    private const string Orders = """
        CREATE TABLE first(id INTEGER PRIMARY KEY, note TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO first SELECT i, 'first ' || hex(randomblob(20)) FROM n;
        CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT, state TEXT, price REAL);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) INSERT INTO orders SELECT i, hex(randomblob(30)), 'shipped', i * 0.7 FROM n;
        CREATE INDEX by_customer ON orders(customer);
        CREATE TABLE photos(id INTEGER PRIMARY KEY, body BLOB);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO photos SELECT i, randomblob(20000) FROM n;
        """;

    private readonly Workbench _bench = new();
    private readonly string _database;

    public RewrittenDatabaseTests()
    {
        _database = SampleDatabase.Create(_bench["shop.db"]);
        SampleDatabase.Run(_database, Orders);
    }

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("UPDATE orders SET customer = hex(randomblob(30)); VACUUM", null)]
    [InlineData("PRAGMA page_size = 8192; VACUUM", 0.3)]
    [InlineData("DELETE FROM orders WHERE id % 3 = 0; VACUUM", null)]
    [InlineData("UPDATE orders SET state = 'lost' WHERE id % 50 = 0", 0.3)]
    [InlineData("UPDATE orders SET state = 'lost in transit' WHERE id % 10 = 0", 1.0)]
    [InlineData("INSERT INTO orders SELECT id + 200000, customer, state, price FROM orders", 1.0)]
    [InlineData("DROP TABLE first; VACUUM", 0.1)]
    [InlineData("VACUUM", 0.1)]
    public async Task One_whose_difference_saves_little_is_stored_whole_by_itself(string change, double? largest)
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        SampleDatabase.Run(_database, change.Split("; "));

        Backup made = await BackUpAsync(BackupMethod.Incremental);

        TestContext.Current.TestOutputHelper?.WriteLine($"{change}: {made.Method}, {(double)made.Size / full.Size:0.00} of the full one; {string.Join(' ', _bench.Observer.Warnings)}");
        Assert.Equal(largest is null ? BackupMethod.Full : BackupMethod.Incremental, made.Method);
        if (largest is null)
            Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("as after a VACUUM", StringComparison.Ordinal));
        else
            Assert.True(made.Size < largest * full.Size, $"{(double)made.Size / full.Size:0.00}");
        Assert.Equal(BackupStatus.Matched, (await _bench.RestoreAsync(made)).Status);
    }

    private Task<Backup> BackUpAsync(string method) =>
        _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Method = new MethodChoice { Method = method } });
}
