using System.Diagnostics;
using DbBackup.Testing;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Integration.Payloads;

/// <summary>Both ways to zstd, libzstd and its port, against the stock program and each other.</summary>
[Trait("Category", "Tool")]
public sealed class ZstdStockTests
{
    private static readonly byte[] s_content = Text((9 * Block) + 17);

    [Theory]
    [InlineData("system", -5)]
    [InlineData("system", 1)]
    [InlineData("managed", -5)]
    [InlineData("managed", 1)]
    [InlineData("managed", 2)]
    [InlineData("managed", 3)]
    [InlineData("managed", 9)]
    [InlineData("managed", 19)]
    [InlineData("managed", 22)]
    public async Task What_either_writes_the_stock_program_and_the_other_read(string path, int level)
    {
        Require.Tool("zstd");

        (byte[] stored, Payload payload) = await PackAsync(s_content, Zstd(Zstd(path), workers: 3, level: level));

        Assert.Equal(s_content, await FilterAsync(stored, "zstd", "-dc"));
        Assert.Equal(s_content, await UnpackAsync(stored, payload, Zstd(path == "managed" ? "system" : "managed")));
        Assert.Equal(s_content, await UnpackAsync(stored, payload, Zstd(path)));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("-3", "--no-check")]
    [InlineData("-3", "--long=27")]
    [InlineData("-19", "-T2")]
    [InlineData("-1", "--stream-size=589841")]
    [InlineData("-1", "-B8192", "-T2", "--rsyncable")]
    public async Task What_the_stock_program_writes_both_read(params string[] arguments)
    {
        Require.Tool("zstd");
        byte[] stored = await FilterAsync(s_content, "zstd", ["-q", "-c", .. arguments]);

        foreach (string path in (string[])["system", "managed"])
            Assert.Equal(s_content, await UnpackAsync(stored, Describe(PayloadCompression.Zstd, stored, s_content), Zstd(path)));
    }

    [Theory]
    [MemberData(nameof(ZstdPaths), MemberType = typeof(PayloadSample))]
    public async Task A_window_that_the_stock_program_made_larger_than_its_own_limit_is_refused(string path)
    {
        Require.Tool("zstd");
        byte[] stored = await FilterAsync(s_content, "zstd", "-q", "-3", "--long=31", "-c");
        using Process process = Process.GetCurrentProcess();
        long before = process.PrivateMemorySize64;

        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(
            () => UnpackAsync(stored, Describe(PayloadCompression.Zstd, stored, s_content), Zstd(path)));

        Assert.Equal(ErrorCodes.FormatNotSupported, failure.Code);
        process.Refresh();
        Assert.InRange(process.PrivateMemorySize64 - before, long.MinValue, 1L << 30);
        // What the hint says works.
        Assert.Equal(s_content, await FilterAsync(stored, "zstd", "-dc", "--long=31"));
    }

    [Theory]
    [MemberData(nameof(ZstdPaths), MemberType = typeof(PayloadSample))]
    public async Task Skippable_and_empty_frames_between_frames_of_both_and_of_the_program_are_passed_over(string path)
    {
        Require.Tool("zstd");
        byte[] content = Text(100_000);
        (byte[] system, _) = await PackAsync(content, Zstd(Zstd("system")));
        (byte[] managed, _) = await PackAsync(content, Zstd(Zstd("managed")));
        byte[] stock = await FilterAsync(content, "zstd", "-q", "-c");
        (byte[] empty, _) = await PackAsync([], Zstd(Zstd(path)));
        byte[] skippable = [0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        byte[] stored = [.. skippable, .. system, .. empty, .. skippable, .. managed, .. stock, .. skippable];
        byte[] thrice = [.. content, .. content, .. content];

        Assert.Equal(thrice, await UnpackAsync(stored, Describe(PayloadCompression.Zstd, stored, thrice), Zstd(path)));
        Assert.Equal(thrice, await FilterAsync(stored, "zstd", "-dc"));
    }

    [Fact]
    public async Task A_machine_without_libzstd_backs_up_with_zstd_and_restores()
    {
        Require.Tool("zstd");
        Require.Tool("unshare");
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Hiding the system's libzstd needs root on Linux.");
        using var bench = new Workbench();
        SampleDatabase.Create(bench["app.db"], rows: 5000);
        // A name space of its own for mounts, in which an empty file lies over each libzstd.
        const string Hide = "for f in $(ldconfig -p | sed -n 's/.*libzstd.*=> //p'); do mount --bind /dev/null \"$(readlink -f \"$f\")\" || exit 77; done; exec \"$@\"";

        (int exitCode, string output) = OtherProcess.Run(
            ["unshare", "--mount", "sh", "-c", Hide, "sh", .. OtherProcess.Command("backup", bench["app.db"], bench.RepositoryPath, "0")]);

        Assert.True(exitCode == 0, output);
        Backup backup = Assert.Single(await bench.ListAsync());
        Assert.EndsWith(" (ZstdSharp)", backup.Manifest!.Tools["zstd"], StringComparison.Ordinal);
        // It proved itself in there, through the same port (-Verify).
        Assert.Equal(BackupStatus.Matched, backup.Status);
        Payload payload = Assert.Single(backup.Manifest.Payloads);
        Assert.Equal(PayloadCompression.Zstd, payload.Compression);
        byte[] database = await FilterAsync(await File.ReadAllBytesAsync(Path.Join(backup.Location, payload.FileName)), "zstd", "-dc");
        Assert.Equal(payload.OriginalSha256, Sha256(database));
    }
}
