using System.Buffers.Binary;
using System.IO.Hashing;

namespace DbBackup.Engine.Payloads.Patches;

/// <summary>
/// Where the blocks of a stored payload are, and hashes by which equal content is found again: what a later, incremental backup reads of it.
/// It stands behind the payload's frames in two skippable frames (RFC 8878, 3.1.2), which each zstd program passes over: the hashes, and as the
/// last one the table of zstd's seekable format (facebook/zstd, contrib/seekable_format).
/// </summary>
internal sealed class PayloadIndex
{
    private const uint SkippableMagic = 0x184D2A53;
    private const uint SeekTableMagic = 0x184D2A5E;
    private const uint SeekableMagic = 0x8F92EAB1;
    private const int FrameHeader = 8;
    private const int SeekTableFooter = 9;
    private const int FixedBytes = 4 + 4 + 8 + 4 + 4;
    private const int HashBytes = 16;

    // So many samples at a block's beginning and end are compared, and so many have to be equal: fewer are chance.
    private const int LikeOf = 16;
    private const int LikeWanted = 4;

    private readonly long[] _offsets;
    private readonly int[] _lengths;
    private readonly UInt128[] _hashes;
    private readonly ulong[] _samples;

    private PayloadIndex(long seed, int blockSize, long[] offsets, int[] lengths, UInt128[] hashes, ulong[] samples)
    {
        Seed = seed;
        BlockSize = blockSize;
        _offsets = offsets;
        _lengths = lengths;
        _hashes = hashes;
        _samples = samples;
        OriginalSize = lengths.Sum(length => (long)length);
        for (int block = 0; block < lengths.Length; block++)
            LargestFrame = Math.Max(LargestFrame, (int)(offsets[block + 1] - offsets[block]));
    }

    /// <summary>The seed of the blocks' hashes, which is random, so that content with the hash of other content cannot be made up.</summary>
    public long Seed { get; }

    /// <summary>Bytes of each block before compression; the last one may have fewer.</summary>
    public int BlockSize { get; }

    /// <summary>Bytes of all blocks before compression.</summary>
    public long OriginalSize { get; }

    /// <summary>Bytes of all blocks as they are stored.</summary>
    public long StoredSize => _offsets[^1];

    /// <summary>Bytes of the largest block as it is stored.</summary>
    public int LargestFrame { get; }

    /// <summary>Bytes of the <see cref="PayloadCatalog"/> behind the blocks; 0 for none.</summary>
    public int CatalogSize { get; private init; }

    /// <summary>How many blocks there are.</summary>
    public int Count => _lengths.Length;

    /// <summary>The samples of all blocks, in order.</summary>
    public ReadOnlySpan<ulong> Samples => _samples;

    /// <summary>The hash of a block: XXH128.</summary>
    public static UInt128 HashOf(ReadOnlySpan<byte> block, long seed) => XxHash128.HashToUInt128(block, seed);

    /// <summary>Bytes of a block before compression.</summary>
    public int LengthOf(int block) => _lengths[block];

    /// <summary>Where a block's frame is.</summary>
    public (long Offset, int Length) FrameOf(int block) => (_offsets[block], (int)(_offsets[block + 1] - _offsets[block]));

    /// <summary>The stored bytes of the blocks around a part, for each byte before compression.</summary>
    public double StoredShareOf(long offset, long length)
    {
        int first = (int)(offset / BlockSize);
        int last = (int)Math.Min(Count - 1, (offset + Math.Max(1, length) - 1) / BlockSize);
        long original = 0;
        for (int block = first; block <= last; block++)
            original += _lengths[block];
        return original == 0 ? 1 : (double)(_offsets[last + 1] - _offsets[first]) / original;
    }

    /// <summary>Where a sample was taken.</summary>
    public long OffsetOfSample(int sample)
    {
        int each = ContentSamples.CountOf(BlockSize);
        return ((long)(sample / each) * BlockSize) + ((long)(sample % each) * ContentSamples.StepOf(BlockSize));
    }

    /// <summary>True if a block of the same content lies at the same place.</summary>
    public bool HasSame(long offset, ReadOnlySpan<byte> block)
    {
        long number = offset / BlockSize;
        return offset % BlockSize == 0 && number < Count && _lengths[number] == block.Length && HashOf(block, Seed) == _hashes[number];
    }

    /// <summary>
    /// True if the block at the same place begins and ends alike, as a database's pages do, which stay where they are. It need not be
    /// searched for then, which takes as long as a quarter of compressing it.
    /// </summary>
    public bool HasLike(long offset, ReadOnlySpan<byte> block)
    {
        long number = offset / BlockSize;
        int each = ContentSamples.CountOf(BlockSize);
        if (offset % BlockSize != 0 || number >= Count || block.Length != BlockSize || each < 2 * LikeOf)
            return false;
        Span<ulong> samples = stackalloc ulong[each];
        ContentSamples.Take(block, BlockSize, samples);
        ReadOnlySpan<ulong> own = Samples.Slice((int)number * each, each);
        return IsLike(samples[..LikeOf], own[..LikeOf]) && IsLike(samples[^LikeOf..], own[^LikeOf..]);
    }

    /// <summary>The index of one block that is the whole payload, and its only frame.</summary>
    public static PayloadIndex OfSingle(ReadOnlySpan<byte> content, int storedSize)
    {
        int blockSize = Math.Max(PayloadWriteOptions.DefaultBlockSize, content.Length);
        ulong[] samples = new ulong[ContentSamples.CountOf(blockSize)];
        ContentSamples.Take(content, blockSize, samples);
        return new PayloadIndex(0, blockSize, [0, storedSize], [content.Length], [HashOf(content, 0)], samples);
    }

    /// <summary>Reads the index at the end of a payload.</summary>
    /// <param name="stored">The zstd file.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Null if it has none, or none that is whole.</returns>
    public static async Task<PayloadIndex?> ReadAsync(StoredRanges stored, CancellationToken cancellationToken)
    {
        long size = await stored.SizeAsync(cancellationToken).ConfigureAwait(false);
        if (size < SeekTableFooter)
            return null;
        byte[] footer = await stored.ReadAsync(size - SeekTableFooter, SeekTableFooter, cancellationToken).ConfigureAwait(false);
        uint frames = BinaryPrimitives.ReadUInt32LittleEndian(footer);
        // Other programs may write a checksum for each frame: what they write has none of our hashes.
        if (BinaryPrimitives.ReadUInt32LittleEndian(footer.AsSpan(5)) != SeekableMagic || footer[4] != 0 || frames < 2)
            return null;
        long tableSize = FrameHeader + (8L * frames) + SeekTableFooter;
        if (tableSize > size || tableSize > int.MaxValue)
            return null;
        byte[] table = await stored.ReadAsync(size - tableSize, (int)tableSize, cancellationToken).ConfigureAwait(false);
        if (BinaryPrimitives.ReadUInt32LittleEndian(table) != SeekTableMagic || BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(4)) != tableSize - FrameHeader)
            return null;
        int count = (int)frames - 1;
        // Blocks have content; what the payload was made of stands behind them, and has none.
        int catalogSize = count > 1 && BinaryPrimitives.ReadInt32LittleEndian(table.AsSpan(FrameHeader + (8 * (count - 1)) + 4)) == 0
            ? BinaryPrimitives.ReadInt32LittleEndian(table.AsSpan(FrameHeader + (8 * --count)))
            : 0;
        var offsets = new long[count + 1];
        var lengths = new int[count];
        for (int block = 0; block < count; block++)
        {
            offsets[block + 1] = offsets[block] + BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(FrameHeader + (8 * block)));
            lengths[block] = BinaryPrimitives.ReadInt32LittleEndian(table.AsSpan(FrameHeader + (8 * block) + 4));
        }

        long hashSize = BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(FrameHeader + (8 * ((int)frames - 1))));
        if (catalogSize < 0 || offsets[count] + catalogSize + hashSize + tableSize != size || hashSize < FrameHeader + FixedBytes + HashBytes || hashSize > int.MaxValue)
            return null;
        byte[] hashes = await stored.ReadAsync(offsets[count] + catalogSize, (int)hashSize, cancellationToken).ConfigureAwait(false);
        return Parse(hashes, table, offsets, lengths) is { } index ? index.WithCatalog(catalogSize) : null;
    }

    /// <summary>Writes the two frames that stand behind a payload's.</summary>
    /// <param name="seed">The seed of the hashes.</param>
    /// <param name="blockSize">Bytes of each block.</param>
    /// <param name="blocks">The blocks in order.</param>
    /// <param name="catalogSize">Bytes of the skippable frame between the blocks and these two; 0 for none.</param>
    public static byte[] Write(long seed, int blockSize, IReadOnlyList<IndexedBlock> blocks, int catalogSize = 0)
    {
        int each = HashBytes + (8 * ContentSamples.CountOf(blockSize));
        int hashSize = FrameHeader + FixedBytes + (each * blocks.Count) + HashBytes;
        int frames = blocks.Count + (catalogSize > 0 ? 2 : 1);
        int tableSize = FrameHeader + (8 * frames) + SeekTableFooter;
        var bytes = new byte[hashSize + tableSize];

        Span<byte> table = bytes.AsSpan(hashSize);
        BinaryPrimitives.WriteUInt32LittleEndian(table, SeekTableMagic);
        BinaryPrimitives.WriteInt32LittleEndian(table[4..], tableSize - FrameHeader);
        for (int block = 0; block < blocks.Count; block++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(table[(FrameHeader + (8 * block))..], blocks[block].StoredLength);
            BinaryPrimitives.WriteInt32LittleEndian(table[(FrameHeader + (8 * block) + 4)..], blocks[block].Length);
        }

        if (catalogSize > 0)
            BinaryPrimitives.WriteInt32LittleEndian(table[(FrameHeader + (8 * blocks.Count))..], catalogSize);
        BinaryPrimitives.WriteInt32LittleEndian(table[(FrameHeader + (8 * (frames - 1)))..], hashSize);
        BinaryPrimitives.WriteInt32LittleEndian(table[^SeekTableFooter..], frames);
        BinaryPrimitives.WriteUInt32LittleEndian(table[^4..], SeekableMagic);

        Span<byte> hashes = bytes.AsSpan(0, hashSize);
        BinaryPrimitives.WriteUInt32LittleEndian(hashes, SkippableMagic);
        BinaryPrimitives.WriteInt32LittleEndian(hashes[4..], hashSize - FrameHeader);
        Span<byte> content = hashes[FrameHeader..];
        "DBBI"u8.CopyTo(content);
        BinaryPrimitives.WriteInt32LittleEndian(content[4..], 1);
        BinaryPrimitives.WriteInt64LittleEndian(content[8..], seed);
        BinaryPrimitives.WriteInt32LittleEndian(content[16..], blockSize);
        BinaryPrimitives.WriteInt32LittleEndian(content[20..], blocks.Count);
        for (int block = 0; block < blocks.Count; block++)
        {
            Span<byte> own = content.Slice(FixedBytes + (each * block), each);
            BinaryPrimitives.WriteUInt128LittleEndian(own, blocks[block].Hash);
            for (int sample = 0; sample < blocks[block].Samples.Length; sample++)
                BinaryPrimitives.WriteUInt64LittleEndian(own[(HashBytes + (8 * sample))..], blocks[block].Samples[sample]);
        }

        BinaryPrimitives.WriteUInt128LittleEndian(content[^HashBytes..], Check(hashes[..^HashBytes], table));
        return bytes;
    }

    private static PayloadIndex? Parse(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> table, long[] offsets, int[] lengths)
    {
        ReadOnlySpan<byte> content = frame[FrameHeader..];
        if (BinaryPrimitives.ReadUInt32LittleEndian(frame) != SkippableMagic || !content[..4].SequenceEqual("DBBI"u8) || BinaryPrimitives.ReadInt32LittleEndian(content[4..]) != 1
            || BinaryPrimitives.ReadUInt128LittleEndian(content[^HashBytes..]) != Check(frame[..^HashBytes], table))
            return null;
        int blockSize = BinaryPrimitives.ReadInt32LittleEndian(content[16..]);
        int perBlock = ContentSamples.CountOf(Math.Max(1, blockSize));
        int each = HashBytes + (8 * perBlock);
        if (BinaryPrimitives.ReadInt32LittleEndian(content[20..]) != lengths.Length || blockSize < 1 || content.Length != FixedBytes + ((long)each * lengths.Length) + HashBytes
            || lengths[..^1].Any(length => length != blockSize) || lengths[^1] is < 0 || lengths[^1] > blockSize || blockSize > PatchEntry.Largest
            || offsets.Zip(offsets[1..], (from, to) => to - from).Any(length => length > PatchEntry.Largest))
            return null;
        var hashes = new UInt128[lengths.Length];
        var samples = new ulong[lengths.Length * perBlock];
        for (int block = 0; block < lengths.Length; block++)
        {
            ReadOnlySpan<byte> own = content.Slice(FixedBytes + (each * block), each);
            hashes[block] = BinaryPrimitives.ReadUInt128LittleEndian(own);
            for (int sample = 0; sample < perBlock; sample++)
                samples[(block * perBlock) + sample] = BinaryPrimitives.ReadUInt64LittleEndian(own[(HashBytes + (8 * sample))..]);
        }

        return new PayloadIndex(BinaryPrimitives.ReadInt64LittleEndian(content[8..]), blockSize, offsets, lengths, hashes, samples);
    }

    private PayloadIndex WithCatalog(int size) => new(Seed, BlockSize, _offsets, _lengths, _hashes, _samples) { CatalogSize = size };

    private static bool IsLike(ReadOnlySpan<ulong> one, ReadOnlySpan<ulong> other)
    {
        int same = 0;
        for (int sample = 0; sample < one.Length; sample++)
            same += one[sample] == other[sample] && one[sample] != ContentSamples.None ? 1 : 0;
        return same >= LikeWanted;
    }

    // Over both frames: a bit that changes in either makes it none.
    private static UInt128 Check(ReadOnlySpan<byte> content, ReadOnlySpan<byte> table)
    {
        var hash = new XxHash128();
        hash.Append(content);
        hash.Append(table);
        return hash.GetCurrentHashAsUInt128();
    }
}

/// <summary>A block that was stored.</summary>
/// <param name="StoredLength">Bytes of its frame.</param>
/// <param name="Length">Bytes before compression.</param>
/// <param name="Hash">The hash of its content.</param>
/// <param name="Samples">The samples of its content.</param>
internal readonly record struct IndexedBlock(int StoredLength, int Length, UInt128 Hash, ulong[] Samples);
