using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Payloads.Patches;

/// <summary>Gives back the content of a payload that is stored as its difference to another one. The streams stay their owners'.</summary>
/// <param name="stored">The tar of its parts.</param>
/// <param name="open">Opens the payload of which it is a difference; it is disposed with this stream.</param>
/// <param name="library">What decompresses.</param>
internal sealed class PatchedStream(Stream stored, Func<CancellationToken, Task<ParentPayload>> open, ZstdLibrary library) : ReadOnlyStream
{
    private const int CopyPiece = 1 << 20;

    private readonly ZstdFrameDecoder _decoder = new(library);
    private readonly byte[] _block = new byte[PatchEntry.TarBlock];
    private ParentPayload? _parent;
    private byte[] _frame = [];
    private byte[] _prefix = [];
    private byte[] _content = [];
    private ReadOnlyMemory<byte> _ready;
    private long _copyOffset;
    private long _copyLeft;
    private long _number;
    private bool _isEnded;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        while (_ready.IsEmpty && !_isEnded && !buffer.IsEmpty)
            NextAsync(CancellationToken.None).GetAwaiter().GetResult();
        return Hand(buffer);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_ready.IsEmpty && !_isEnded && !buffer.IsEmpty)
            await NextAsync(cancellationToken).ConfigureAwait(false);
        return Hand(buffer.Span);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder.Dispose();
            _parent?.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Hand(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, _ready.Length);
        _ready.Span[..count].CopyTo(buffer);
        _ready = _ready[count..];
        return count;
    }

    private async Task NextAsync(CancellationToken cancellationToken)
    {
        if (_copyLeft == 0)
            await ReadEntryAsync(cancellationToken).ConfigureAwait(false);
        if (_copyLeft == 0)
            return;
        int count = (int)Math.Min(CopyPiece, _copyLeft);
        Grow(ref _content, count);
        await ReadParentAsync(_copyOffset, _content.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
        _copyOffset += count;
        _copyLeft -= count;
        _ready = _content.AsMemory(0, count);
    }

    private async Task ReadEntryAsync(CancellationToken cancellationToken)
    {
        await FillAsync(_block, cancellationToken).ConfigureAwait(false);
        if (_block.AsSpan().IndexOfAnyExcept((byte)0) < 0)
        {
            await EndAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        var entry = PatchEntry.ReadHeader(_block, _number++, out long size);
        if (entry.Kind == PatchKind.Copy)
        {
            (_copyOffset, _copyLeft) = (entry.Offset, entry.Length);
            return;
        }

        int length = (int)size;
        int padded = length + PatchEntry.PaddingOf(size);
        Grow(ref _frame, padded);
        await FillAsync(_frame.AsMemory(0, padded), cancellationToken).ConfigureAwait(false);
        if (_frame.AsSpan(length, padded - length).IndexOfAnyExcept((byte)0) >= 0)
            throw new InvalidDataException("there is something between its parts");
        int prefix = entry.Kind == PatchKind.Patch ? (int)entry.Length : 0;
        if (prefix > 0)
        {
            Grow(ref _prefix, prefix);
            await ReadParentAsync(entry.Offset, _prefix.AsMemory(0, prefix), cancellationToken).ConfigureAwait(false);
        }

        if (_decoder.ContentSize(_frame.AsSpan(0, length)) is not ({ } content and <= PatchEntry.Largest))
            throw new InvalidDataException("a part does not say how long it is");
        Grow(ref _content, (int)content);
        _decoder.Decode(_frame.AsSpan(0, length), _prefix.AsSpan(0, prefix), _content.AsSpan(0, (int)content));
        _ready = _content.AsMemory(0, (int)content);
    }

    // Two blocks of zeros end a tar; nothing follows them.
    private async Task EndAsync(CancellationToken cancellationToken)
    {
        await FillAsync(_block, cancellationToken).ConfigureAwait(false);
        if (_block.AsSpan().IndexOfAnyExcept((byte)0) >= 0 || await stored.ReadAsync(_block.AsMemory(0, 1), cancellationToken).ConfigureAwait(false) != 0)
            throw new InvalidDataException("something follows its last part");
        _isEnded = true;
    }

    private async Task FillAsync(Memory<byte> target, CancellationToken cancellationToken)
    {
        if (await stored.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false) < target.Length)
            throw new InvalidDataException("it ends early");
    }

    private async Task ReadParentAsync(long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        _parent ??= await open(cancellationToken).ConfigureAwait(false);
        try
        {
            await _parent.ReadAsync(offset, target, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException exception)
        {
            throw new InvalidDataException($"the full backup's payload is damaged: {exception.Message}", exception);
        }
    }

    private static void Grow(ref byte[] buffer, int size)
    {
        if (buffer.Length < size)
            buffer = GC.AllocateUninitializedArray<byte>(size);
    }
}
