using DbBackup.Engine.Engines;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Portability;

/// <summary>Dumps that the stock zstd compressed.</summary>
[Trait("Category", "Tool")]
public sealed class ForeignZstdFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Dumps_within_zstd_are_told()
    {
        Require.Tool("zstd");
        File.WriteAllBytes(_folder["dump.sql"], "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n"u8);
        Shell.Run("zstd", "-q", _folder["dump.sql"], "-o", _folder["dump"]);

        ForeignFile file = ForeignFile.Read(_folder["dump"]);
        Assert.Equal(PayloadCompression.Zstd, file.Compression);
        Assert.Equal("a SQL script of pg_dump", DatabaseEngines.Recognize(file)?.Description);
    }
}
