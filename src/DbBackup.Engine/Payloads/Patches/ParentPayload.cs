using DbBackup.Engine.Encryption;

namespace DbBackup.Engine.Payloads.Patches;

/// <summary>The payload of a full backup from which a later one differs: any part of its content, block by block. Several threads may read at once.</summary>
internal sealed class ParentPayload : IDisposable
{
    private readonly StoredRanges _stored;
    private readonly Slot[] _slots;
    private readonly Stack<Unpacker> _unpackers = new();
    private readonly Lock _lock = new();
    private readonly ZstdLibrary _library;
    private SampleTable? _samples;
    private PayloadCatalog? _catalog;
    private long _uses;

    private ParentPayload(StoredRanges stored, PayloadIndex index, ZstdLibrary library, int readers)
    {
        _stored = stored;
        _library = library;
        Index = index;
        // Each reader needs one at a time; the others hold what the next range needs as well.
        _slots = [.. Enumerable.Range(0, readers + 2).Select(_ => new Slot())];
    }

    /// <summary>Where its blocks are.</summary>
    public PayloadIndex Index { get; }

    /// <summary>Bytes of its content.</summary>
    public long Length => Index.OriginalSize;

    /// <summary>Where its content is found again.</summary>
    public SampleTable Samples
    {
        get
        {
            lock (_lock)
                return _samples ??= new SampleTable(Index);
        }
    }

    /// <summary>Opens a payload.</summary>
    /// <param name="payload">The manifest's entry.</param>
    /// <param name="open">Opens a part of its file.</param>
    /// <param name="key">The key of its backup; null for a plain one.</param>
    /// <param name="readers">How many threads read it at once.</param>
    /// <param name="library">What decompresses it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Null if nothing can be based on it: it is compressed otherwise, or lacks its index.</returns>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public static async Task<ParentPayload?> OpenAsync(
        Payload payload, OpenRange open, IAgeIdentity? key, int readers, ZstdLibrary library, CancellationToken cancellationToken)
    {
        if (payload.Compression != PayloadCompression.Zstd || (payload.IsEncrypted && key is null))
            return null;
        StoredRanges stored = payload.IsEncrypted ? new AgeRanges(open, payload.StoredSize, key!) : new PlainRanges(open, payload.StoredSize);
        try
        {
            PayloadIndex? index = await PayloadIndex.ReadAsync(stored, cancellationToken).ConfigureAwait(false);
            if (index is null && payload.OriginalSize is > 0 and <= PayloadWriteOptions.DefaultBlockSize)
                index = await IndexSingleAsync(payload, stored, library, cancellationToken).ConfigureAwait(false);
            if (index is not null && index.OriginalSize == payload.OriginalSize)
                return new ParentPayload(stored, index, library, readers);
            stored.Dispose();
            return null;
        }
        catch
        {
            stored.Dispose();
            throw;
        }
    }

    /// <summary>Reads what it was made of. From then on each of its frames that is read is proved by its SHA-256.</summary>
    /// <param name="sha256">The hash that the manifest states.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Null if it has none, or one of another version.</returns>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public async Task<ReadOnlyMemory<byte>?> OpenCatalogAsync(string sha256, CancellationToken cancellationToken)
    {
        if (Index.CatalogSize == 0)
            return null;
        byte[] frame = await _stored.ReadAsync(Index.StoredSize, Index.CatalogSize, cancellationToken).ConfigureAwait(false);
        _catalog = PayloadCatalog.Read(frame, Index.Count, sha256);
        return _catalog?.Content;
    }

    /// <summary>Reads a part of its content.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or has no such part.</exception>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public async ValueTask ReadAsync(long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        if (offset < 0 || offset + target.Length > Length)
            throw new InvalidDataException("it refers to content that the full backup does not have");
        while (!target.IsEmpty)
        {
            int block = (int)(offset / Index.BlockSize);
            int within = (int)(offset % Index.BlockSize);
            int count = Math.Min(target.Length, Index.LengthOf(block) - within);
            Slot slot = Take(block);
            try
            {
                byte[] content = await LoadAsync(slot, block, cancellationToken).ConfigureAwait(false);
                content.AsMemory(within, count).CopyTo(target);
            }
            finally
            {
                lock (_lock)
                    slot.Readers--;
            }

            offset += count;
            target = target[count..];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Unpacker unpacker in _unpackers)
            unpacker.Dispose();
        _stored.Dispose();
    }

    private static async Task<PayloadIndex?> IndexSingleAsync(Payload payload, StoredRanges stored, ZstdLibrary library, CancellationToken cancellationToken)
    {
        int size = (int)await stored.SizeAsync(cancellationToken).ConfigureAwait(false);
        byte[] frame = await stored.ReadAsync(0, size, cancellationToken).ConfigureAwait(false);
        using var decoder = new ZstdFrameDecoder(library);
        // Other programs write several frames, or do not say how long one is.
        if (decoder.ContentSize(frame) != payload.OriginalSize)
            return null;
        byte[] content = GC.AllocateUninitializedArray<byte>((int)payload.OriginalSize);
        decoder.Decode(frame, [], content);
        return PayloadIndex.OfSingle(content, size);
    }

    private Slot Take(int block)
    {
        lock (_lock)
        {
            Slot slot = Array.Find(_slots, slot => slot.Block == block) ?? _slots.Where(slot => slot.Readers == 0).MinBy(slot => slot.LastUse)!;
            if (slot.Block != block)
            {
                slot.Block = block;
                slot.Loading = null;
            }

            slot.Readers++;
            slot.LastUse = ++_uses;
            return slot;
        }
    }

    // The first reader of a block unpacks it, on its own thread, and the others wait for it.
    private Task<byte[]> LoadAsync(Slot slot, int block, CancellationToken cancellationToken)
    {
        TaskCompletionSource<byte[]> loading;
        lock (_lock)
        {
            // Another reader's cancellation or failure is not this one's.
            if (slot.Loading is { Task: { IsFaulted: false, IsCanceled: false } there })
                return there;
            slot.Loading = loading = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return UnpackAsync(slot, block, loading, cancellationToken);
    }

    private async Task<byte[]> UnpackAsync(Slot slot, int block, TaskCompletionSource<byte[]> loading, CancellationToken cancellationToken)
    {
        Unpacker? unpacker = null;
        try
        {
            lock (_lock)
                unpacker = _unpackers.TryPop(out Unpacker? free) ? free : new Unpacker(_library, Index.LargestFrame);
            (long offset, int length) = Index.FrameOf(block);
            Memory<byte> frame = unpacker.Frame.AsMemory(0, length);
            await _stored.ReadAsync(offset, frame, cancellationToken).ConfigureAwait(false);
            if (_catalog?.HasFrame(block, frame.Span) == false)
                throw new InvalidDataException("a frame is not what was written");
            // All have the size of the first, which no later block exceeds: what is allocated anew each time stays in memory for long.
            if (slot.Content.Length == 0)
                slot.Content = GC.AllocateUninitializedArray<byte>(Index.LengthOf(0));
            unpacker.Decoder.Decode(frame.Span, [], slot.Content.AsSpan(0, Index.LengthOf(block)));
            loading.SetResult(slot.Content);
            return slot.Content;
        }
        catch (Exception exception)
        {
            // Those who wait get the failure, and one who comes later tries again. No other reader need wait.
            loading.SetException(exception);
            _ = loading.Task.Exception;
            throw;
        }
        finally
        {
            if (unpacker is not null)
            {
                lock (_lock)
                    _unpackers.Push(unpacker);
            }
        }
    }

    // One block in memory.
    private sealed class Slot
    {
        public int Block { get; set; } = -1;

        public int Readers { get; set; }

        public long LastUse { get; set; }

        public TaskCompletionSource<byte[]>? Loading { get; set; }

        public byte[] Content { get; set; } = [];
    }

    // As many as blocks are unpacked at once: a slot needs none once it is filled.
    private sealed class Unpacker(ZstdLibrary library, int largest) : IDisposable
    {
        public byte[] Frame { get; } = GC.AllocateUninitializedArray<byte>(largest);

        public ZstdFrameDecoder Decoder { get; } = new(library);

        public void Dispose() => Decoder.Dispose();
    }
}
