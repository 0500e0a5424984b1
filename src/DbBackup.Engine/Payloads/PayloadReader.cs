using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Payloads;

/// <summary>
/// Gives back a stored payload's original bytes and proves them on the way: the read that finds the end throws unless the sizes and
/// hashes of both forms are those of the manifest. Whoever reads to the end cannot miss damage.
/// </summary>
/// <remarks>
/// A task reads, hashes and decompresses ahead while the reader's own calls hash the content, so that both halves of the work overlap.
/// Content that was handed out before the end is not proved yet. The stored stream is never disposed; as with any stream, one call at
/// a time. Disposing stops and awaits the task.
/// </remarks>
[SuppressMessage("Naming", "CA1710", Justification = "Named after what it reads, as StreamReader is; the pair is PayloadWriter.")]
internal sealed class PayloadReader : ReadOnlyStream
{
    private const int ChunkSize = 1024 * 1024;
    private const int Chunks = 4;

    private readonly Payload _expected;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _stop;
    private readonly ObservedStream _stored;
    private readonly AgeDecryptionStream? _opened;
    private readonly Stream _content;
    private readonly HandoffQueue<Chunk> _free = new();
    private readonly HandoffQueue<Chunk> _ready = new();
    private readonly IncrementalHash _storedHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash _originalHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Task _ahead;
    private ExceptionDispatchInfo? _failure;
    private Chunk? _current;
    private int _position;
    private long _originalSize;
    private bool _proved;
    private bool _disposed;

    /// <summary>Opens a payload.</summary>
    /// <param name="stored">The bytes as stored; the stream stays the caller's.</param>
    /// <param name="expected">The manifest's entry.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <param name="key">The backup's own key; null for a plain payload.</param>
    /// <param name="parent">Opens the payload of which this one is stored as the difference; null for one that is stored whole.</param>
    /// <exception cref="BackupFailure">This version does not know the payload's compression.</exception>
    public PayloadReader(Stream stored, Payload expected, CancellationToken cancellationToken, IAgeIdentity? key = null, Func<CancellationToken, Task<ParentPayload>>? parent = null)
        : this(stored, expected, ZstdLibrary.Best, cancellationToken, key, parent)
    {
    }

    internal PayloadReader(
        Stream stored, Payload expected, ZstdLibrary zstd, CancellationToken cancellationToken, IAgeIdentity? key = null, Func<CancellationToken, Task<ParentPayload>>? parent = null)
    {
        ArgumentNullException.ThrowIfNull(stored);
        ArgumentNullException.ThrowIfNull(expected);
        _expected = expected;
        if (expected.IsEncrypted && key is null)
            throw new InvalidOperationException($"'{expected.FileName}' is encrypted, and is read without its key.");
        _cancellation = cancellationToken;
        _stored = new ObservedStream(stored, IsTransformed ? _storedHash : null, expected.StoredSize);
        _opened = expected.IsEncrypted ? new AgeDecryptionStream(_stored, [key!]) : null;
        Stream plain = _opened ?? (Stream)_stored;
        _content = expected.Compression == PayloadCompression.ZstdPatch
            ? new PatchedStream(plain, parent ?? throw new InvalidOperationException($"'{expected.FileName}' is read without the payload that it differs from."), zstd)
            : DecompressionStreams.Open(plain, expected.Compression, zstd);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        for (int i = 0; i < Chunks; i++)
            _free.Add(new Chunk());
        _ahead = Task.Run(ReadAheadAsync, CancellationToken.None);
    }

    // Without compression and encryption both forms are the same bytes: hashed once.
    private bool IsTransformed => _expected.IsEncrypted || _expected.Compression != PayloadCompression.None;

    /// <summary>Reads the stored bytes whole and compares only them with the manifest: nothing is decompressed.</summary>
    /// <param name="stored">The bytes as stored; the stream stays the caller's.</param>
    /// <param name="expected">The manifest's entry.</param>
    /// <param name="bytesDone">Receives how many bytes were read.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="BackupFailure">Size or hash differ.</exception>
    public static async Task VerifyStoredAsync(Stream stored, Payload expected, IProgress<long>? bytesDone, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(stored);
        ArgumentNullException.ThrowIfNull(expected);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] filling = GC.AllocateUninitializedArray<byte>(ChunkSize);
        byte[] hashing = GC.AllocateUninitializedArray<byte>(ChunkSize);
        long size = 0;
        int read = await stored.ReadAsync(filling, cancellationToken).ConfigureAwait(false);
        // No further than it should be: somebody may have put a file without an end there.
        while (read > 0 && size <= expected.StoredSize)
        {
            (filling, hashing) = (hashing, filling);
            ValueTask<int> next = stored.ReadAsync(filling, cancellationToken);
            hash.AppendData(hashing, 0, read);
            size += read;
            bytesDone?.Report(size);
            read = await next.ConfigureAwait(false);
        }

        PayloadDamage.ThrowIfDifferent(expected, new FoundPayload(size, Convert.ToHexStringLower(hash.GetHashAndReset())));
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (buffer.IsEmpty || (_current is null && !Accept(WaitFor(() => _ready.Take(_stop.Token)))))
            return 0;
        return Hand(buffer);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (buffer.IsEmpty || (_current is null && !Accept(await NextAsync(cancellationToken).ConfigureAwait(false))))
            return 0;
        return Hand(buffer.Span);
    }

    /// <summary>Copies the whole content and proves it.</summary>
    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ObjectDisposedException.ThrowIf(_disposed, this);
        while (_current is not null || Accept(await NextAsync(cancellationToken).ConfigureAwait(false)))
        {
            await destination.WriteAsync(_current!.Bytes.AsMemory(_position, _current.Length - _position), cancellationToken).ConfigureAwait(false);
            Recycle();
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _ahead.ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _stop.Cancel();

            // The stored stream is the caller's to close as soon as this returns. The task keeps its failure.
            Task.WaitAll(_ahead);
            _content.Dispose();
            _opened?.Dispose();
            _stop.Dispose();
            _free.Dispose();
            _ready.Dispose();
            _storedHash.Dispose();
            _originalHash.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task ReadAheadAsync()
    {
        try
        {
            long total = 0;
            int length;
            do
            {
                Chunk chunk = (await _free.TakeAsync(_stop.Token).ConfigureAwait(false))!;
                length = await _content.ReadAtLeastAsync(chunk.Bytes, ChunkSize, throwOnEndOfStream: false, _stop.Token).ConfigureAwait(false);
                total += length;

                // Without this a damaged or foreign file could fill the restore's volume before its end is found to be wrong.
                if (total > _expected.OriginalSize && IsTransformed)
                    throw PayloadDamage.TooLong(_expected);
                chunk.Length = length;
                if (length > 0)
                    _ready.Add(chunk);
            }
            while (length == ChunkSize);
        }
        catch (AgeException exception)
        {
            _failure = ExceptionDispatchInfo.Capture(PayloadDamage.Unopenable(_expected, exception));
        }
        catch (InvalidDataException exception)
        {
            _failure = ExceptionDispatchInfo.Capture(PayloadDamage.Undecodable(_expected, _stored.BytesRead, exception));
        }
        catch (Exception exception)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
        finally
        {
            _ready.Complete();
        }
    }

    private async ValueTask<Chunk?> NextAsync(CancellationToken cancellationToken)
    {
        using var either = cancellationToken.CanBeCanceled && cancellationToken != _cancellation
            ? CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellationToken)
            : null;
        try
        {
            return await _ready.TakeAsync(either?.Token ?? _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _cancellation.ThrowIfCancellationRequested();
            throw;
        }
    }

    private Chunk? WaitFor(Func<Chunk?> take)
    {
        try
        {
            return take();
        }
        catch (OperationCanceledException)
        {
            _cancellation.ThrowIfCancellationRequested();
            throw;
        }
    }

    private bool Accept(Chunk? chunk)
    {
        if (chunk is null)
        {
            ProveEnd();
            return false;
        }

        _originalHash.AppendData(chunk.Bytes, 0, chunk.Length);
        _originalSize += chunk.Length;
        _current = chunk;
        _position = 0;
        return true;
    }

    private int Hand(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _current!.Length - _position);
        _current.Bytes.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        if (_position == _current.Length)
            Recycle();
        return count;
    }

    private void Recycle()
    {
        Chunk chunk = _current!;
        _current = null;
        _free.Add(chunk);
    }

    private void ProveEnd()
    {
        if (_failure?.SourceException is OperationCanceledException)
            _cancellation.ThrowIfCancellationRequested();
        _failure?.Throw();
        if (_proved)
            return;
        string original = Convert.ToHexStringLower(_originalHash.GetHashAndReset());
        string stored = IsTransformed ? Convert.ToHexStringLower(_storedHash.GetHashAndReset()) : original;
        try
        {
            PayloadDamage.ThrowIfDifferent(_expected, new FoundPayload(_stored.BytesRead, stored, _originalSize, original));
            _proved = true;
        }
        catch (BackupFailure failure)
        {
            // Asking again gives the same answer.
            _failure = ExceptionDispatchInfo.Capture(failure);
            throw;
        }
    }

    private sealed class Chunk
    {
        internal byte[] Bytes { get; } = GC.AllocateUninitializedArray<byte>(ChunkSize);

        internal int Length { get; set; }
    }
}
