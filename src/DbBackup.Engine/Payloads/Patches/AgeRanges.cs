using System.Buffers;
using DbBackup.Engine.Encryption;

namespace DbBackup.Engine.Payloads.Patches;

/// <summary>The parts of an age file: its chunks are numbered, so each opens without those before it.</summary>
/// <param name="open">Opens a part of the file.</param>
/// <param name="size">The file's bytes.</param>
/// <param name="key">What opens it.</param>
internal sealed class AgeRanges(OpenRange open, long size, IAgeIdentity key) : StoredRanges
{
    // A header for one recipient has about 200 bytes.
    private const int FirstRead = 4096;

    private readonly SemaphoreSlim _opening = new(1);
    private byte[]? _fileKey;
    private byte[] _nonce = [];
    private long _start;

    /// <inheritdoc/>
    public override async ValueTask<long> SizeAsync(CancellationToken cancellationToken)
    {
        await RequireOpenAsync(cancellationToken).ConfigureAwait(false);
        long sealedBytes = size - _start;
        long chunks = (sealedBytes + AgeChunks.StoredSize - 1) / AgeChunks.StoredSize;
        return Math.Max(0, sealedBytes - (chunks * ChaChaCipher.TagSize));
    }

    /// <inheritdoc/>
    public override async Task ReadAsync(long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        if (target.IsEmpty)
            return;
        await RequireOpenAsync(cancellationToken).ConfigureAwait(false);
        long first = offset / AgeChunks.PlainSize;
        long last = (offset + target.Length - 1) / AgeChunks.PlainSize;
        long from = _start + (first * AgeChunks.StoredSize);
        long to = Math.Min(size, _start + ((last + 1) * AgeChunks.StoredSize));
        if (to <= from)
            throw new InvalidDataException("it ends early");
        int length = (int)(to - from);
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Memory<byte> stored = rented.AsMemory(0, length);
            Stream part = await open(from, length, cancellationToken).ConfigureAwait(false);
            await using (part.ConfigureAwait(false))
            {
                if (await part.ReadAtLeastAsync(stored, length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false) < length)
                    throw new InvalidDataException("it ends early");
            }

            Open(stored.Span, first, to == size, (int)(offset - (first * AgeChunks.PlainSize)), target.Span);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _opening.Dispose();
        base.Dispose();
    }

    private void Open(ReadOnlySpan<byte> stored, long first, bool reachesEnd, int skipped, Span<byte> target)
    {
        using var chunks = new AgeChunks(_fileKey!, _nonce, (ulong)first);
        byte[] plain = new byte[AgeChunks.PlainSize];
        while (!target.IsEmpty)
        {
            if (stored.IsEmpty)
                throw new InvalidDataException("it ends early");
            ReadOnlySpan<byte> chunk = stored[..Math.Min(stored.Length, AgeChunks.StoredSize)];
            stored = stored[chunk.Length..];
            bool isLast = stored.IsEmpty && reachesEnd;
            if (chunk.Length < ChaChaCipher.TagSize || !chunks.TryOpen(chunk, plain, isLast))
                throw new InvalidDataException("a part of it was changed");
            ReadOnlySpan<byte> content = plain.AsSpan(skipped, Math.Max(0, chunk.Length - ChaChaCipher.TagSize - skipped));
            content = content[..Math.Min(content.Length, target.Length)];
            content.CopyTo(target);
            target = target[content.Length..];
            skipped = 0;
        }
    }

    private async ValueTask RequireOpenAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _fileKey) is not null)
            return;
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_fileKey is not null)
                return;
            int length = (int)Math.Min(size, FirstRead);
            byte[] beginning = new byte[length];
            Stream part = await open(0, length, cancellationToken).ConfigureAwait(false);
            await using (part.ConfigureAwait(false))
                length = await part.ReadAtLeastAsync(beginning, length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            if (AgeHeader.Read(beginning.AsSpan(0, length), out int header) is not { } read || header + AgeChunks.FileNonceSize > length)
                throw new InvalidDataException("its header cannot be read");
            _start = header + AgeChunks.FileNonceSize;
            _nonce = beginning[header..(int)_start];
            Volatile.Write(ref _fileKey, read.Unwrap([key]));
        }
        catch (AgeException exception)
        {
            throw new InvalidDataException(exception.Message.TrimEnd('.'), exception);
        }
        finally
        {
            _opening.Release();
        }
    }
}
