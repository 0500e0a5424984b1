using System.IO.Compression;
using DbBackup.Engine.Payloads;

namespace DbBackup.Tests.Fuzz.Targets.Archives;

/// <summary>A compressed payload whose manifest says nothing about its content.</summary>
internal abstract class PayloadTarget : FuzzTarget
{
    private const int LargestContent = 4 << 20;

    /// <summary>Some content, of which a part repeats.</summary>
    protected static byte[] Content { get; } = [.. Enumerable.Range(0, 3000).Select(index => (byte)(index % 7 == 0 ? index * 31 : index % 50))];

    protected static long Read(byte[] input, string compression, ZstdLibrary library)
    {
        var expected = new Payload
        {
            FileName = "app.db",
            Kind = PayloadKind.Database,
            Format = PayloadFormat.SqliteFile,
            Compression = compression,
            OriginalSize = LargestContent,
            StoredSize = input.Length,
            OriginalSha256 = new string('0', 64),
            StoredSha256 = new string('0', 64),
            RestoreName = "app.db",
        };
        long length = 0;
        using var stored = new MemoryStream(input);
        using var reader = new PayloadReader(stored, expected, library, CancellationToken.None);
        byte[] buffer = new byte[1 << 16];
        for (int read; (read = reader.Read(buffer)) > 0; length += read)
            Require(length < LargestContent + (2 << 20), "no more content than the manifest states");
        Require(false, "a hash that is wrong is found");
        return length;
    }
}

/// <summary>gzip members.</summary>
internal sealed class GzipTarget : PayloadTarget
{
    public override IReadOnlyList<string> Words => ["\u001f\u008b\b"];

    public override IEnumerable<byte[]> Seeds()
    {
        using var stored = new MemoryStream();
        for (int member = 0; member < 2; member++)
        {
            using var gzip = new GZipStream(stored, CompressionLevel.Optimal, leaveOpen: true);
            gzip.Write(Content);
        }

        return [stored.ToArray()];
    }

    public override object? Run(byte[] input) => Read(input, PayloadCompression.Gzip, ZstdLibrary.Best);
}

/// <summary>zstd frames, through the system's library where there is one.</summary>
internal class ZstdTarget : PayloadTarget
{
    // Of the frame format: its mark, a skippable frame, and a header that asks for a large window.
    public override IReadOnlyList<string> Words => ["(\u00b5/\u00fd", "P*M\u0018\0\0\0\0"];

    protected virtual ZstdLibrary Library => ZstdLibrary.Best;

    public override IEnumerable<byte[]> Seeds()
    {
        using var compressor = new ZstdSharp.Compressor(3);
        byte[] frame = compressor.Wrap(Content).ToArray();
        byte[] skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        // No single segment and a window of 2 GiB.
        byte[] wide = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        return [frame, [.. frame, .. frame], [.. skippable, .. frame], wide];
    }

    public override object? Run(byte[] input) => Read(input, PayloadCompression.Zstd, Library);
}

/// <summary>zstd frames through the managed library.</summary>
internal sealed class ManagedZstdTarget : ZstdTarget
{
    protected override ZstdLibrary Library => ManagedZstd.Instance;
}
