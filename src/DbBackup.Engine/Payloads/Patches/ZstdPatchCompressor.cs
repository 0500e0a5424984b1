using System.Numerics;

namespace DbBackup.Engine.Payloads.Patches;

/// <summary>Stores a block as its difference to another payload: not at all where it has the same content, else as a zstd frame with the like content before it.</summary>
internal sealed unsafe class ZstdPatchCompressor : BlockCompressor
{
    private const int WindowLog = 101;
    private const int LongDistanceMatching = 160;
    private const int SmallestWindowLog = 17;

    // What was inserted or removed within a block moves its end against its beginning.
    private const int MarginsPerBlock = 8;
    private const int TailSamples = 16;
    private const int MostPrefixBlocks = 2;

    // Searching and reading what is hardly like it takes several times as long as compressing the block: of a database after VACUUM, say.
    private const double PoorShare = 0.75;
    private const int PoorInARow = 8;
    private const int MostPassedOver = 7;

    private readonly ParentPayload _parent;
    private readonly ZstdBlockCompressor _whole;
    private readonly ZstdBlockCompressor _patch;
    private byte[] _prefix = [];
    private int _poorInARow;
    private int _passOver;

    /// <summary>Creates the compressor for one thread.</summary>
    public ZstdPatchCompressor(ParentPayload parent, ZstdLibrary library, int level)
    {
        _parent = parent;
        _whole = new ZstdBlockCompressor(library, level);
        _patch = new ZstdBlockCompressor(library, level);
        // Without it the fast levels find nothing so far back.
        _patch.Set(LongDistanceMatching, 1);
    }

    internal override void Compress(PayloadBlock block, CancellationToken cancellationToken)
    {
        ReadOnlySpan<byte> content = block.Original.AsSpan(0, block.Length);
        if (_parent.Index.HasSame(block.Offset, content))
        {
            block.SetCopied(block.Offset, block.Length);
            return;
        }

        bool isInPlace = _parent.Index.HasLike(block.Offset, content);
        if (!isInPlace && _passOver > 0)
        {
            _passOver--;
            CompressWhole(block, cancellationToken);
            return;
        }

        long? shift = null;
        (long offset, int length) = isInPlace
            ? (block.Offset, (int)Math.Min(content.Length, _parent.Length - block.Offset))
            : Locate(block.Offset, content, out shift);
        if (length == 0)
        {
            CompressWhole(block, cancellationToken);
            Judge(isPoor: true);
            return;
        }

        // One size or the other: arrays that are outgrown by a little, again and again, stay in memory for long.
        if (_prefix.Length < length)
            _prefix = GC.AllocateUninitializedArray<byte>(length <= _parent.Index.BlockSize ? _parent.Index.BlockSize : MostPrefixBlocks * _parent.Index.BlockSize);
        ReadPrefix(offset, length, cancellationToken);
        if (shift is { } moved && IsAt(block.Offset + moved - offset, content, length))
        {
            block.SetCopied(block.Offset + moved, block.Length);
            Judge(isPoor: false);
            return;
        }

        block.Entry = new PatchEntry(PatchKind.Patch, offset, length);
        _patch.Set(WindowLog, Math.Max(SmallestWindowLog, 1 + BitOperations.Log2((uint)(length + block.Length))));
        fixed (byte* prefix = _prefix)
        {
            _patch.RefPrefix(prefix, length);
            _patch.Compress(block, cancellationToken);
        }

        // By what the like content takes there: a part that shrinks well gains nothing by that alone.
        Judge(block.Stored.Length > PoorShare * _parent.Index.StoredShareOf(offset, length) * block.Length);
    }

    public override void Dispose()
    {
        _whole.Dispose();
        _patch.Dispose();
    }

    private void CompressWhole(PayloadBlock block, CancellationToken cancellationToken)
    {
        block.Entry = new PatchEntry(PatchKind.New, 0, 0);
        _whole.Compress(block, cancellationToken);
    }

    // After many blocks that gained little, some are stored whole at once, more and more, between two that are tried.
    private void Judge(bool isPoor)
    {
        _poorInARow = isPoor ? _poorInARow + 1 : 0;
        _passOver = Math.Clamp(1 + _poorInARow - PoorInARow, 0, MostPassedOver);
    }

    private void ReadPrefix(long offset, int length, CancellationToken cancellationToken)
    {
        try
        {
            // On a thread of its own, which has nothing else to do.
            _parent.ReadAsync(offset, _prefix.AsMemory(0, length), cancellationToken).AsTask().GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is InvalidDataException or BackupException { Category: FailureCategory.InvalidData })
        {
            throw new ParentDamagedException(exception.Message, exception);
        }
    }

    private bool IsAt(long within, ReadOnlySpan<byte> content, int length) =>
        within >= 0 && within + content.Length <= length && _prefix.AsSpan((int)within, content.Length).SequenceEqual(content);

    // Where the parent has content like that of the block: around the places at which its beginning and its end are found again.
    private (long Offset, int Length) Locate(long blockOffset, ReadOnlySpan<byte> content, out long? shift)
    {
        int step = ContentSamples.StepOf(_parent.Index.BlockSize);
        long? first = ContentSamples.FindShift(content, _parent.Samples, blockOffset);
        long? last = first;
        int tail = content.Length - (TailSamples * step);
        if (first is { } moved && tail > 0)
            last = ContentSamples.FindShift(content[tail..], _parent.Samples, moved + tail) is { } atTail ? atTail - tail : first;
        shift = first - blockOffset;
        long from = first ?? blockOffset;
        long to = (last ?? blockOffset) + content.Length;
        int most = _parent.Index.BlockSize / MarginsPerBlock;
        if (to - from > (MostPrefixBlocks * _parent.Index.BlockSize) - (2 * most) || to <= from)
            to = from + content.Length;
        // A page of a database stays where it is.
        int margin = from == blockOffset && to == blockOffset + content.Length ? 0 : most;
        from = Math.Clamp(from - margin, 0, _parent.Length);
        to = Math.Clamp(to + margin, from, _parent.Length);
        return (from, (int)(to - from));
    }
}
