using System.Security.Cryptography;

namespace DbBackup.Engine.Payloads;

/// <summary>Passes a payload's stored bytes on to their target, which stays the caller's, and counts and hashes them.</summary>
/// <param name="target">The target.</param>
/// <param name="isHashed">False if the hash is known from elsewhere.</param>
internal sealed class StoredStream(Stream target, bool isHashed) : Stream
{
    private readonly IncrementalHash? _hash = isHashed ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;

    /// <summary>Bytes passed on.</summary>
    public long Size { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => Size;
        set => throw new NotSupportedException();
    }

    /// <summary>Returns the SHA-256 of all bytes in lower-case hexadecimal; null if it was not taken.</summary>
    public string? TakeHash() => _hash is null ? null : Convert.ToHexStringLower(_hash.GetHashAndReset());

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Hashed while the target writes.
        ValueTask writing = target.WriteAsync(buffer, cancellationToken);
        _hash?.AppendData(buffer.Span);
        await writing.ConfigureAwait(false);
        Size += buffer.Length;
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        target.Write(buffer, offset, count);
        _hash?.AppendData(buffer, offset, count);
        Size += count;
    }

    /// <summary>Does nothing: the target is its owner's to flush.</summary>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _hash?.Dispose();
        base.Dispose(disposing);
    }
}
