using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Encryption;

/// <summary>
/// Opens an age file as it is read; the file's stream stays its owner's. What was changed, cut off, moved or lengthened is an
/// <see cref="AgeFormatException"/> before any byte of a changed chunk is given out. One call at a time.
/// </summary>
/// <param name="stored">The file, from its first byte.</param>
/// <param name="identities">What may open it.</param>
internal sealed class AgeDecryptionStream(Stream stored, IReadOnlyList<IAgeIdentity> identities) : ReadOnlyStream
{
    private const int FirstRead = 4096;

    // One byte more than a chunk: it tells whether another one follows.
    private readonly byte[] _stored = new byte[AgeChunks.StoredSize + 1];
    private readonly byte[] _plain = new byte[AgeChunks.PlainSize];
    private AgeChunks? _chunks;
    private ReadOnlyMemory<byte> _ahead;
    private int _filled;
    private int _position;
    private int _length;
    private bool _isEnded;
    private AgeFormatException? _failure;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        while (!buffer.IsEmpty && _position == _length && !_isEnded)
            FillAsync(isAsync: false, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        return Hand(buffer);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty && _position == _length && !_isEnded)
            await FillAsync(isAsync: true, cancellationToken).ConfigureAwait(false);
        return Hand(buffer.Span);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _chunks?.Dispose();
        base.Dispose(disposing);
    }

    private int Hand(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _length - _position);
        _plain.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    private async ValueTask FillAsync(bool isAsync, CancellationToken cancellationToken)
    {
        if (_chunks is null)
            await OpenAsync(isAsync, cancellationToken).ConfigureAwait(false);
        if (_failure is not null)
            throw _failure;
        _filled += await ReadAsync(_stored.AsMemory(_filled), isAsync, cancellationToken).ConfigureAwait(false);
        bool isLast = _filled <= AgeChunks.StoredSize;
        int length = Math.Min(_filled, AgeChunks.StoredSize);
        if (length < ChaChaCipher.TagSize)
            throw new AgeFormatException("it ends early");
        // Only a file without content has an empty chunk.
        if (length == ChaChaCipher.TagSize && !_chunks!.IsAtStart)
            throw new AgeFormatException("its last chunk is empty");
        if (!_chunks!.TryOpen(_stored.AsSpan(0, length), _plain, isLast))
        {
            // The chunk is what it was, but more follows the last one, or nothing the other: as the stock program does, it is given out, and then
            // the failure.
            if (length < AgeChunks.StoredSize || !_chunks.TryOpen(_stored.AsSpan(0, length), _plain, !isLast))
                throw _chunks.Damaged(isLast);
            _failure = new AgeFormatException(isLast ? "it ends early" : "something follows its last chunk");
        }

        _stored[0] = _stored[^1];
        _filled = isLast ? 0 : 1;
        _length = length - ChaChaCipher.TagSize;
        _position = 0;
        _isEnded = isLast && _failure is null;
    }

    private async ValueTask OpenAsync(bool isAsync, CancellationToken cancellationToken)
    {
        byte[] beginning = new byte[FirstRead];
        int have = 0;
        while (true)
        {
            int read = await ReadAsync(beginning.AsMemory(have), isAsync, cancellationToken).ConfigureAwait(false);
            have += read;
            if (AgeHeader.Read(beginning.AsSpan(0, have), out int length) is { } header)
            {
                byte[] key = header.Unwrap(identities);
                byte[] nonce = new byte[AgeChunks.FileNonceSize];
                _ahead = beginning.AsMemory(length, have - length);
                if (await ReadAsync(nonce, isAsync, cancellationToken).ConfigureAwait(false) < nonce.Length)
                    throw new AgeFormatException("it ends early");
                _chunks = new AgeChunks(key, nonce);
                return;
            }

            if (read == 0)
                throw new AgeFormatException("it ends within its header");
            if (have == beginning.Length)
                Array.Resize(ref beginning, have * 4);
        }
    }

    // As much as there is: a short read of a remote store is no end.
    private async ValueTask<int> ReadAsync(Memory<byte> target, bool isAsync, CancellationToken cancellationToken)
    {
        int total = Math.Min(target.Length, _ahead.Length);
        _ahead[..total].CopyTo(target);
        _ahead = _ahead[total..];
        while (total < target.Length)
        {
            int read = isAsync ? await stored.ReadAsync(target[total..], cancellationToken).ConfigureAwait(false) : stored.Read(target.Span[total..]);
            if (read == 0)
                break;
            total += read;
        }

        return total;
    }
}
