using System.Buffers.Binary;
using System.Security.Cryptography;

namespace DbBackup.Engine.Encryption;

/// <summary>The chunks of an age file's content (STREAM): each has its number in its nonce, and the last one says that it is. One call at a time.</summary>
internal sealed class AgeChunks : IDisposable
{
    /// <summary>Bytes of a full chunk before it is sealed.</summary>
    public const int PlainSize = 64 * 1024;

    /// <summary>Bytes of a full chunk as stored.</summary>
    public const int StoredSize = PlainSize + ChaChaCipher.TagSize;

    /// <summary>Bytes of the nonce between header and chunks.</summary>
    public const int FileNonceSize = 16;

    private readonly ChaChaCipher _cipher;
    private readonly byte[] _nonce = new byte[ChaChaCipher.NonceSize];
    private ulong _number;

    /// <summary>Begins with the first chunk.</summary>
    /// <param name="fileKey">The file's key.</param>
    /// <param name="fileNonce">The nonce behind the header.</param>
    public AgeChunks(byte[] fileKey, byte[] fileNonce)
        : this(fileKey, fileNonce, 0)
    {
    }

    /// <summary>Begins with any chunk.</summary>
    /// <param name="fileKey">The file's key.</param>
    /// <param name="fileNonce">The nonce behind the header.</param>
    /// <param name="number">The chunk's number, from 0.</param>
    public AgeChunks(byte[] fileKey, byte[] fileNonce, ulong number)
    {
        _number = number;
        _cipher = ChaChaCipher.Create(HKDF.DeriveKey(HashAlgorithmName.SHA256, fileKey, ChaChaCipher.KeySize, fileNonce, "payload"u8.ToArray()));
    }

    /// <summary>True until the first chunk was sealed or opened.</summary>
    public bool IsAtStart => _number == 0;

    /// <summary>Seals the next chunk.</summary>
    public void Seal(ReadOnlySpan<byte> plain, Span<byte> output, bool isLast) => _cipher.Seal(NextNonce(isLast), plain, output);

    /// <summary>Opens the next chunk.</summary>
    /// <returns>False, and the same one is next, if it was changed or moved, or is the last one against what was said.</returns>
    public bool TryOpen(ReadOnlySpan<byte> stored, Span<byte> output, bool isLast)
    {
        if (_cipher.TryOpen(NextNonce(isLast), stored, output))
            return true;
        _number--;
        return false;
    }

    /// <summary>The failure for the next chunk.</summary>
    /// <param name="isLast">True if nothing follows it.</param>
    public AgeFormatException Damaged(bool isLast) =>
        new($"its chunk {_number} was changed, or {(isLast ? "the file ends early" : "others are missing or were moved")}");

    /// <inheritdoc/>
    public void Dispose() => _cipher.Dispose();

    // 88 bits count the chunks; 64 of them are more than any file has.
    private byte[] NextNonce(bool isLast)
    {
        BinaryPrimitives.WriteUInt64BigEndian(_nonce.AsSpan(3, 8), _number++);
        _nonce[^1] = isLast ? (byte)1 : (byte)0;
        return _nonce;
    }
}
