using DbBackup.Engine.Portability;
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

        Assert.Equal(new ForeignFile(ForeignFileKind.PostgreSqlPlain, PayloadCompression.Zstd), ForeignFile.Recognize(_folder["dump"]));
    }
}
