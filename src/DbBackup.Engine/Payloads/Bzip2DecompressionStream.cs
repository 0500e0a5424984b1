using SharpCompress.Compressors;
using SharpCompress.Compressors.BZip2;

namespace DbBackup.Engine.Payloads;

/// <summary>Reads bzip2 streams one after the other to the very end of the file.</summary>
internal sealed class Bzip2DecompressionStream(Stream stored) : DecoderStream(stored, "a bzip2 stream")
{
    private protected override Stream? Begin(byte first, Stream stored)
    {
        byte[] header = [first, 0, 0, 0];
        stored.ReadExactly(header.AsSpan(1));
        return header.AsSpan().StartsWith("BZh"u8)
            ? BZip2Stream.Create(new PrefixedStream(header, stored, null, leaveOpen: true), CompressionMode.Decompress, decompressConcatenated: false, leaveOpen: true)
            : null;
    }
}
