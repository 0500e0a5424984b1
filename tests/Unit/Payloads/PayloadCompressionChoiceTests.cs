using System.Runtime.InteropServices;
using DbBackup.Engine.Payloads;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Payloads;

public sealed class PayloadCompressionChoiceTests
{
    [Theory]
    [InlineData(null, PayloadCompression.Zstd)]
    [InlineData(PayloadCompression.Gzip, PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.None, PayloadCompression.None)]
    public void Automatic_is_zstd_on_every_system(string? requested, string expected) =>
        Assert.Equal(expected, PayloadCompressionChoice.Resolve(requested));

    [Fact]
    public void A_compression_of_a_newer_version_is_refused() => Assert.Equal(
        ErrorCodes.FormatNotSupported,
        Assert.Throws<BackupFailure>(() => PayloadCompressionChoice.Resolve("Brotli")).Code);

    [Theory]
    [InlineData(PayloadCompression.Gzip, 0)]
    [InlineData(PayloadCompression.Gzip, 10)]
    [InlineData(PayloadCompression.Zstd, 23)]
    [InlineData(PayloadCompression.Zstd, int.MinValue)]
    [InlineData(PayloadCompression.None, 1)]
    public void A_level_that_the_compression_does_not_have_is_refused(string compression, int level)
    {
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
        Assert.Equal(["libzstd.so.1", "libzstd.so"], SystemZstd.Candidates(OSPlatform.Linux));
        Assert.Equal(["libzstd.dll", "zstd.dll"], SystemZstd.Candidates(OSPlatform.Windows));
        IReadOnlyList<string> mac = SystemZstd.Candidates(OSPlatform.OSX);
        Assert.All(mac, name => Assert.EndsWith(".dylib", name, StringComparison.Ordinal));
        Assert.Contains("/opt/homebrew/lib/libzstd.dylib", mac);
        Assert.Contains("/usr/local/lib/libzstd.dylib", mac);
        Assert.Equal("libzstd.so.1", SystemZstd.Candidates(OSPlatform.FreeBSD)[0]);
    }

    [Theory]
    [MemberData(nameof(PayloadSample.ZstdPaths), MemberType = typeof(PayloadSample))]
    public void Both_ways_to_zstd_state_a_version_and_take_the_lowest_and_the_highest_level(string path)
    {
        ZstdLibrary zstd = PayloadSample.Zstd(path);

        Assert.True(Version.Parse(zstd.Version.Split(' ')[0]) >= new Version(1, 4, 0), zstd.Version);
        Assert.Equal(path == "managed", zstd.Version.EndsWith(" (ZstdSharp)", StringComparison.Ordinal));
        new PayloadWriteOptions { Compression = PayloadCompression.Zstd, Level = ZstdLibrary.MinimumLevel, Zstd = zstd }.Validate();
        foreach (int level in (int[])[ZstdLibrary.MinimumLevel, ZstdLibrary.MaximumLevel])
            new ZstdBlockCompressor(zstd, level).Dispose();
    }

    private static void AssertInvalid(PayloadWriteOptions options)
    {
        BackupFailure failure = Assert.Throws<BackupFailure>(options.Validate);
        Assert.Equal(ErrorCodes.InvalidArgument, failure.Code);
        Assert.Equal(FailureCategory.InvalidArgument, failure.Category);
    }
}
