using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;

namespace DbBackup.Testing;

/// <summary>Content to pack, packing and unpacking it, and the stock tools to compare with.</summary>
internal static class PayloadSample
{
    internal const int Block = 64 * 1024;

    /// <summary>The sizes around which a block pipeline errs.</summary>
    internal static readonly int[] Sizes = [0, 1, Block - 1, Block, Block + 1, (23 * Block) + 17];

    /// <summary>The system's libzstd and its port.</summary>
    public static TheoryData<string> ZstdPaths { get; } = new("system", "managed");

    /// <summary>One of <see cref="ZstdPaths"/>.</summary>
    internal static ZstdLibrary Zstd(string path)
    {
        if (path == "managed")
            return ManagedZstd.Instance;
        SystemZstd? system = SystemZstd.Find();
        Require.That(system is not null, "libzstd is not installed.");
        return system!;
    }

    internal static PayloadWriteOptions Zstd(ZstdLibrary zstd, int? workers = 2, int? level = null) =>
        Options(PayloadCompression.Zstd, workers, level) with { Zstd = zstd };

    internal static PayloadWriteOptions Options(string compression, int? workers = 2, int? level = null) =>
        new() { Compression = compression, Workers = workers, BlockSize = Block, Level = level };

    /// <summary>Rows as a database holds them; the same for the same size.</summary>
    internal static byte[] Text(int size)
    {
        var random = new Random(4711);
        var text = new StringBuilder(size + 100);
        for (int row = 0; text.Length < size; row++)
            text.Append(row).Append("|customer ").Append(random.Next(5000)).Append("|shipped|").Append(random.NextInt64()).Append('\n');
        return Encoding.ASCII.GetBytes(text.ToString(0, size));
    }

    internal static byte[] Noise(int size)
    {
        byte[] bytes = new byte[size];
        new Random(42).NextBytes(bytes);
        return bytes;
    }

    internal static async Task<(byte[] Stored, Payload Payload)> PackAsync(byte[] content, PayloadWriteOptions options)
    {
        using var target = new MemoryStream();
        await using var writer = new PayloadWriter(target, options, CancellationToken.None);
        await writer.CopyFromAsync(new MemoryStream(content), null, CancellationToken.None);
        PayloadDigest digest = await writer.CompleteAsync();
        return (target.ToArray(), Describe(options.Compression, digest));
    }

    internal static async Task<byte[]> UnpackAsync(byte[] stored, Payload payload, ZstdLibrary? zstd = null)
    {
        using var content = new MemoryStream();
        await using var reader = new PayloadReader(new MemoryStream(stored), payload, zstd ?? ZstdLibrary.Best, CancellationToken.None);
        await reader.CopyToAsync(content);
        return content.ToArray();
    }

    /// <summary>What kind of parts a payload has that is stored as a difference, in their order.</summary>
    internal static IEnumerable<PatchKind> KindsOf(byte[] difference)
    {
        long number = 0;
        for (int at = 0; difference[at] != 0;)
        {
            var entry = PatchEntry.ReadHeader(difference.AsSpan(at, PatchEntry.TarBlock), number++, out long size);
            yield return entry.Kind;
            at += PatchEntry.TarBlock + (int)size + PatchEntry.PaddingOf(size);
        }
    }

    internal static Payload Describe(string compression, PayloadDigest digest) => new()
    {
        FileName = "pats.db.packed",
        Kind = PayloadKind.Database,
        Format = PayloadFormat.SqliteFile,
        Compression = compression,
        OriginalSize = digest.OriginalSize,
        StoredSize = digest.StoredSize,
        OriginalSha256 = digest.OriginalSha256,
        StoredSha256 = digest.StoredSha256,
        RestoreName = "pats.db",
    };

    /// <summary>The manifest entry of bytes that were packed by another tool.</summary>
    internal static Payload Describe(string compression, byte[] stored, byte[] content) =>
        Describe(compression, new PayloadDigest(content.Length, stored.Length, Sha256(content), Sha256(stored)));

    internal static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>Runs a filter over the bytes, and fails the test where the filter fails.</summary>
    internal static async Task<byte[]> FilterAsync(byte[] input, string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        using var output = new MemoryStream();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task reading = process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.StandardInput.BaseStream.WriteAsync(input);
        process.StandardInput.Close();
        await reading;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{tool} failed with {process.ExitCode}: {await errors}");
        return output.ToArray();
    }
}
