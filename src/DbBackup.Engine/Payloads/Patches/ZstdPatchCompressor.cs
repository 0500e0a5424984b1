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
    private const int PoorBeforePassing = 8;
    private const int MostPoor = 14;

    // Of parts that are known to be the other payload's.
    private const int MostKnown = 16;
    private const int LeastKnownShare = 4;
    private const int KnownMargin = 4096;

    private readonly ParentPayload _parent;
    private readonly ZstdBlockCompressor _whole;
    private readonly ZstdBlockCompressor _patch;
    private byte[] _prefix = [];
    private int _poor;
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
        if (CanTakeKnown(block))
        {
            CompressKnown(block, cancellationToken);
            return;
        }

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

        ReadPrefix(offset, length, cancellationToken);
        if (shift is { } moved && IsAt(block.Offset + moved - offset, content, length))
        {
            block.SetCopied(block.Offset + moved, block.Length);
            Judge(isPoor: false);
            return;
        }

        byte[] buffer = block.StoredBuffer(_patch.BoundOf(block.Length));
        int stored = CompressPatch(content, length, buffer, cancellationToken);
        block.Parts.Add((new PatchEntry(PatchKind.Patch, offset, length), ..stored));
        block.SetStored(buffer.AsMemory(0, stored));

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
        byte[] buffer = block.StoredBuffer(_whole.BoundOf(block.Length));
        int stored = _whole.Compress(block.Original.AsSpan(0, block.Length), buffer, cancellationToken);
        block.Parts.Add((new PatchEntry(PatchKind.New, 0, 0), ..stored));
        block.SetStored(buffer.AsMemory(0, stored));
    }

    private int CompressPatch(ReadOnlySpan<byte> content, int prefixLength, Span<byte> target, CancellationToken cancellationToken)
    {
        _patch.Set(WindowLog, Math.Max(SmallestWindowLog, 1 + BitOperations.Log2((uint)(prefixLength + content.Length))));
        fixed (byte* prefix = _prefix)
        {
            _patch.RefPrefix(prefix, prefixLength);
            return _patch.Compress(content, target, cancellationToken);
        }
    }

    // An entry of a tar takes a kilobyte: many small ones take more than a difference of the whole block.
    private static bool CanTakeKnown(PayloadBlock block)
    {
        if (block.Copied.Count is 0 or > MostKnown)
            return false;
        return block.Length - block.Copied.Sum(range => range.Length) <= block.Length / LeastKnownShare;
    }

    // What lies between two parts that were taken from the other payload is like what lies between them there, or the same: a folder's entry.
    private void CompressKnown(PayloadBlock block, CancellationToken cancellationToken)
    {
        byte[] buffer = [];
        int stored = 0;
        long end = block.Offset + block.Length;
        for (int number = 0; number <= block.Copied.Count; number++)
        {
            CopiedRange? before = number > 0 ? block.Copied[number - 1] : null;
            CopiedRange? after = number < block.Copied.Count ? block.Copied[number] : null;
            long from = before?.End ?? block.Offset;
            int length = (int)((after?.Position ?? end) - from);
            if (length > 0)
            {
                if (buffer.Length == 0)
                    buffer = block.StoredBuffer(_patch.BoundOf(block.Length) + (MostKnown * _patch.BoundOf(0)));
                PatchEntry entry = CompressBetween(block.Original.AsSpan((int)(from - block.Offset), length), before, after, buffer.AsSpan(stored), out int size, cancellationToken);
                block.Parts.Add((entry, stored..(stored + size)));
                stored += size;
            }

            if (after is { } range)
                block.Parts.Add((new PatchEntry(PatchKind.Copy, range.Offset, range.Length), default));
        }

        block.SetStored(buffer.AsMemory(0, stored));
    }

    private PatchEntry CompressBetween(ReadOnlySpan<byte> content, CopiedRange? before, CopiedRange? after, Span<byte> target, out int size, CancellationToken cancellationToken)
    {
        long same = before?.OffsetEnd ?? (after!.Value.Offset - content.Length);
        if (same >= 0 && same + content.Length <= _parent.Length)
        {
            ReadPrefix(same, content.Length, cancellationToken);
            if (content.SequenceEqual(_prefix.AsSpan(0, content.Length)))
            {
                size = 0;
                return new PatchEntry(PatchKind.Copy, same, content.Length);
            }
        }

        (long offset, int length) = Between(before?.OffsetEnd, after?.Offset, content.Length);
        if (length == 0)
        {
            size = _whole.Compress(content, target, cancellationToken);
            return new PatchEntry(PatchKind.New, 0, 0);
        }

        ReadPrefix(offset, length, cancellationToken);
        size = CompressPatch(content, length, target, cancellationToken);
        return new PatchEntry(PatchKind.Patch, offset, length);
    }

    private (long Offset, int Length) Between(long? before, long? after, int length)
    {
        long margin = length + KnownMargin;
        long from = Math.Max(0, before ?? (after!.Value - margin));
        long to = Math.Min(_parent.Length, after ?? (before!.Value + margin));
        return to > from && to - from <= _parent.Index.BlockSize ? (from, (int)(to - from)) : (0, 0);
    }

    // After many blocks that gained little, some are stored whole at once, more and more, between two that are tried.
    // One that gains brings the next ones to be tried. But it can have met its like by chance, so that a few poor ones end that again.
    private void Judge(bool isPoor)
    {
        _poor = isPoor ? Math.Min(_poor + 1, MostPoor) : _poor / 2;
        _passOver = Math.Max(1 + _poor - PoorBeforePassing, 0);
    }

    private void ReadPrefix(long offset, int length, CancellationToken cancellationToken)
    {
        // One size or the other: arrays that are outgrown by a little, again and again, stay in memory for long.
        if (_prefix.Length < length)
            _prefix = GC.AllocateUninitializedArray<byte>(length <= _parent.Index.BlockSize ? _parent.Index.BlockSize : MostPrefixBlocks * _parent.Index.BlockSize);
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
