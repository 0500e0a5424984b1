using System.Numerics;

namespace DbBackup.Engine.Payloads.Patches;

/// <summary>The samples of a payload by their hash. What occurs more than once says nothing of a place, and is left out.</summary>
internal sealed class SampleTable
{
    // 100 MB of memory at most: of a payload above 256 GiB every second sample is left out, or more.
    private const int Limit = 4 << 20;
    private const int Ambiguous = -1;
    private const ulong Spread = 0x9E3779B97F4A7C15;

    private readonly ulong[] _hashes;
    private readonly int[] _places;
    private readonly ulong[] _filter;
    private readonly int _shift;
    private readonly int _filterShift;
    private readonly PayloadIndex _index;

    /// <summary>Builds the table.</summary>
    public SampleTable(PayloadIndex index)
    {
        _index = index;
        ReadOnlySpan<ulong> samples = index.Samples;
        int stride = 1 + ((samples.Length - 1) / Limit);
        int bits = Math.Max(6, 1 + BitOperations.Log2((uint)Math.Max(1, samples.Length / stride * 2)));
        _shift = 64 - bits;
        _hashes = new ulong[1 << bits];
        _places = new int[1 << bits];
        // The filter answers for nearly all bytes, and stays in the processor's cache.
        int filterBits = Math.Max(12, bits + 2);
        _filterShift = 64 - filterBits;
        _filter = new ulong[1 << (filterBits - 6)];
        for (int place = 0; place < samples.Length; place += stride)
        {
            if (samples[place] != ContentSamples.None)
                Add(samples[place], place);
        }
    }

    /// <summary>Bytes of a block of the payload.</summary>
    public int BlockSize => _index.BlockSize;

    /// <summary>Finds where the content of a hash lies.</summary>
    public bool TryFind(ulong hash, out long offset)
    {
        offset = 0;
        ulong mixed = hash * Spread;
        ulong bit = mixed >> _filterShift;
        if ((_filter[bit >> 6] & (1UL << (int)(bit & 63))) == 0 || hash == ContentSamples.None)
            return false;
        for (int slot = (int)(mixed >> _shift); _hashes[slot] != ContentSamples.None; slot = (slot + 1) & (_hashes.Length - 1))
        {
            if (_hashes[slot] != hash)
                continue;
            if (_places[slot] == Ambiguous)
                return false;
            offset = _index.OffsetOfSample(_places[slot]);
            return true;
        }

        return false;
    }

    private void Add(ulong hash, int place)
    {
        ulong mixed = hash * Spread;
        ulong bit = mixed >> _filterShift;
        _filter[bit >> 6] |= 1UL << (int)(bit & 63);
        int slot = (int)(mixed >> _shift);
        while (_hashes[slot] != ContentSamples.None && _hashes[slot] != hash)
            slot = (slot + 1) & (_hashes.Length - 1);
        _places[slot] = _hashes[slot] == hash ? Ambiguous : place;
        _hashes[slot] = hash;
    }
}
