using System.Runtime.InteropServices;
using DbBackup.Engine.Payloads;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Payloads;

public sealed class PayloadCompressionChoiceTests
{
    [Theory]
    [InlineData(null, true, PayloadCompression.Zstd)]
    [InlineData(null, false, PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.Gzip, true, PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.None, false, PayloadCompression.None)]
    [InlineData(PayloadCompression.Zstd, true, PayloadCompression.Zstd)]
    public void Automatic_is_zstd_where_it_loads_and_gzip_elsewhere(PayloadCompression? requested, bool zstd, PayloadCompression expected) =>
        Assert.Equal(expected, PayloadCompressionChoice.Resolve(requested, zstd));

    [Fact]
    public void Zstd_without_libzstd_says_how_to_get_it_or_go_without()
    {
        BackupFailure failure = Assert.Throws<BackupFailure>(() => PayloadCompressionChoice.Resolve(PayloadCompression.Zstd, zstdIsAvailable: false));

        Assert.Equal(ErrorCodes.FormatNotSupported, failure.Code);
        Assert.Equal(FailureCategory.MissingTool, failure.Category);
        Assert.Contains("-Compression Gzip", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PayloadCompression.Gzip, 0)]
    [InlineData(PayloadCompression.Gzip, 10)]
    [InlineData(PayloadCompression.Zstd, 23)]
    [InlineData(PayloadCompression.Zstd, int.MinValue)]
    [InlineData(PayloadCompression.None, 1)]
    public void A_level_that_the_compression_does_not_have_is_refused(PayloadCompression compression, int level)
    {
        Require.That(compression != PayloadCompression.Zstd || PayloadCompressionChoice.ZstdIsAvailable, "libzstd is not installed.");
        AssertInvalid(new PayloadWriteOptions { Compression = compression, Level = level });
    }

    [Fact]
    public void Workers_and_block_sizes_out_of_range_are_refused()
    {
        var good = new PayloadWriteOptions { Compression = PayloadCompression.Gzip };
        good.Validate();
        AssertInvalid(good with { Workers = 0 });
        AssertInvalid(good with { Workers = 17 });
        AssertInvalid(good with { BlockSize = 100 });
        AssertInvalid(good with { BlockSize = int.MaxValue });
    }

    [Fact]
    public void The_highest_zstd_levels_get_few_workers_so_that_memory_stays_small()
    {
        var options = new PayloadWriteOptions { Compression = PayloadCompression.Zstd, Workers = 16, Level = 19 };

        Assert.Equal(2, options.EffectiveWorkers);
        Assert.Equal(16, (options with { Level = 3 }).EffectiveWorkers);
        Assert.Equal(16, (options with { Compression = PayloadCompression.Gzip, Level = 9 }).EffectiveWorkers);
    }

    [Fact]
    public void Each_platform_looks_for_its_own_library_names()
    {
        Assert.Equal(["libzstd.so.1", "libzstd.so"], ZstdLibrary.Candidates(OSPlatform.Linux));
        Assert.Equal(["libzstd.dll", "zstd.dll"], ZstdLibrary.Candidates(OSPlatform.Windows));
        IReadOnlyList<string> mac = ZstdLibrary.Candidates(OSPlatform.OSX);
        Assert.All(mac, name => Assert.EndsWith(".dylib", name, StringComparison.Ordinal));
        Assert.Contains("/opt/homebrew/lib/libzstd.dylib", mac);
        Assert.Contains("/usr/local/lib/libzstd.dylib", mac);
        Assert.Equal("libzstd.so.1", ZstdLibrary.Candidates(OSPlatform.FreeBSD)[0]);
    }

    [Fact]
    public void A_loaded_library_states_its_version_and_levels()
    {
        Require.That(ZstdLibrary.IsAvailable, "libzstd is not installed.");

        Assert.True(Version.Parse(PayloadCompressionChoice.ZstdVersion!) >= new Version(1, 4, 0));
        Assert.True(ZstdLibrary.Required.MinimumLevel < 0);
        Assert.InRange(ZstdLibrary.Required.MaximumLevel, 19, 30);
    }

    private static void AssertInvalid(PayloadWriteOptions options)
    {
        BackupFailure failure = Assert.Throws<BackupFailure>(options.Validate);
        Assert.Equal(ErrorCodes.InvalidArgument, failure.Code);
        Assert.Equal(FailureCategory.InvalidArgument, failure.Category);
    }
}
