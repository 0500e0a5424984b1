using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Verification;

/// <summary>What the stock integrity check does not see.</summary>
[Trait("Category", "Tool")]
public sealed class StockIntegrityTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public StockIntegrityTests() => _database = SampleDatabase.Create(_bench["app.db"], rows: 3000);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Control_one_flipped_bit_in_a_row_passes_the_stock_integrity_check()
    {
        byte[] bytes = File.ReadAllBytes(_database);
        int row = bytes.AsSpan().IndexOf("note 77"u8);
        bytes[row] ^= 1;
        File.WriteAllBytes(_database, bytes);

        Assert.Equal("ok", Shell.Run("sqlite3", _database, "PRAGMA integrity_check").Trim());
    }
}
