using System.Security.Cryptography;

namespace DbBackup.Engine.Encryption;

/// <summary>Seals what is written to it, and writes the age file to a target that stays the caller's. It is whole only after <see cref="CompleteAsync"/>.</summary>
internal sealed class AgeEncryptionStream : Stream
{
    // Several chunks at once: a store is written in large pieces.
    private const int Batch = 16;

    private readonly Stream _target;
    private readonly AgeChunks _chunks;
    private readonly byte[] _plain = new byte[AgeChunks.PlainSize];
    private readonly byte[] _stored = new byte[Batch * AgeChunks.StoredSize];
    private byte[]? _opening;
    private int _filled;
    private int _sealed;
    private bool _isComplete;

    /// <summary>Begins a file.</summary>
    /// <param name="target">Where it goes.</param>
    /// <param name="recipients">To whom it is sealed.</param>
    public AgeEncryptionStream(Stream target, IReadOnlyList<IAgeRecipient> recipients)
    {
        _target = target;
        byte[] key = RandomNumberGenerator.GetBytes(AgeHeader.FileKeySize);
        byte[] nonce = RandomNumberGenerator.GetBytes(AgeChunks.FileNonceSize);
        _opening = [.. AgeHeader.Write(key, recipients), .. nonce];
        _chunks = new AgeChunks(key, nonce);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => !_isComplete;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            // A full chunk waits: whether it is the last one shows only now.
            if (_filled == _plain.Length)
            {
                Seal(isLast: false);
                if (_sealed == _stored.Length)
                    await DrainAsync(cancellationToken).ConfigureAwait(false);
            }

            int taken = Math.Min(buffer.Length, _plain.Length - _filled);
            buffer.Span[..taken].CopyTo(_plain.AsSpan(_filled));
            _filled += taken;
            buffer = buffer[taken..];
        }
    }

    /// <summary>Seals the last chunk and writes all that is left.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_isComplete)
            return;
        _isComplete = true;
        Seal(isLast: true);
        await DrainAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>Does nothing: chunks are written when they are full.</summary>
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
        {
            _chunks.Dispose();
            CryptographicOperations.ZeroMemory(_plain);
        }

        base.Dispose(disposing);
    }

    private void Seal(bool isLast)
    {
        int length = _filled + ChaChaCipher.TagSize;
        _chunks.Seal(_plain.AsSpan(0, _filled), _stored.AsSpan(_sealed, length), isLast);
        _sealed += length;
        _filled = 0;
    }

    private async ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        if (_opening is { } opening)
        {
            _opening = null;
            await _target.WriteAsync(opening, cancellationToken).ConfigureAwait(false);
        }

        await _target.WriteAsync(_stored.AsMemory(0, _sealed), cancellationToken).ConfigureAwait(false);
        _sealed = 0;
    }
}
