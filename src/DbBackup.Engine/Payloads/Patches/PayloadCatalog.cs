using System.Buffers.Binary;
using System.Security.Cryptography;

namespace DbBackup.Engine.Payloads.Patches;

/// <summary>
/// What a full payload was made of, as its source wrote it down for a later, incremental backup, and the SHA-256 of each of the payload's frames.
/// It stands in a skippable frame between the payload's frames and its index. The manifest has its SHA-256: content that is taken from the
/// payload without reading the source again is proved frame by frame with what the manifest's signature covers.
/// </summary>
internal sealed class PayloadCatalog
{
    private const uint SkippableMagic = 0x184D2A54;
    private const int FrameHeader = 8;
    private const int FixedBytes = 4 + 4 + 4;

    private readonly byte[] _bytes;
    private readonly int _frames;

    private PayloadCatalog(byte[] bytes, int frames)
    {
        _bytes = bytes;
        _frames = frames;
    }

    /// <summary>What the source wrote down.</summary>
    public ReadOnlyMemory<byte> Content => _bytes.AsMemory(FixedBytes + (SHA256.HashSizeInBytes * _frames));

    /// <summary>True if this is a frame's stored bytes.</summary>
    public bool HasFrame(int block, ReadOnlySpan<byte> stored)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(stored, hash);
        return block < _frames && hash.SequenceEqual(_bytes.AsSpan(FixedBytes + (SHA256.HashSizeInBytes * block), SHA256.HashSizeInBytes));
    }

    /// <summary>Writes the skippable frame.</summary>
    /// <param name="frames">The SHA-256 of each of the payload's frames, one after the other.</param>
    /// <param name="content">What the source wrote down.</param>
    /// <param name="sha256">The hash that the manifest states, in lower-case hexadecimal.</param>
    public static byte[] Write(ReadOnlySpan<byte> frames, ReadOnlySpan<byte> content, out string sha256)
    {
        byte[] bytes = new byte[FrameHeader + FixedBytes + frames.Length + content.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, SkippableMagic);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), bytes.Length - FrameHeader);
        Span<byte> own = bytes.AsSpan(FrameHeader);
        "DBBF"u8.CopyTo(own);
        BinaryPrimitives.WriteInt32LittleEndian(own[4..], 1);
        BinaryPrimitives.WriteInt32LittleEndian(own[8..], frames.Length / SHA256.HashSizeInBytes);
        frames.CopyTo(own[FixedBytes..]);
        content.CopyTo(own[(FixedBytes + frames.Length)..]);
        sha256 = Convert.ToHexStringLower(SHA256.HashData(own));
        return bytes;
    }

    /// <summary>Reads the skippable frame.</summary>
    /// <param name="frame">Its bytes.</param>
    /// <param name="frames">How many frames the payload has.</param>
    /// <param name="sha256">The hash that the manifest states.</param>
    /// <returns>Null if it is of another version.</returns>
    /// <exception cref="InvalidDataException">It is not what was written.</exception>
    public static PayloadCatalog? Read(ReadOnlySpan<byte> frame, int frames, string sha256)
    {
        byte[] bytes = frame[Math.Min(FrameHeader, frame.Length)..].ToArray();
        if (bytes.Length < FixedBytes || Convert.ToHexStringLower(SHA256.HashData(bytes)) != sha256)
            throw new InvalidDataException("what it was made of is not what was written");
        int count = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8));
        return bytes.AsSpan(0, 4).SequenceEqual("DBBF"u8) && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4)) == 1
            && count == frames && FixedBytes + ((long)SHA256.HashSizeInBytes * count) <= bytes.Length
            ? new PayloadCatalog(bytes, count)
            : null;
    }
}
