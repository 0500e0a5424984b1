namespace DbBackup.Engine.Payloads.Patches;

/// <summary>
/// Hashes of short windows at fixed places of a payload. Content that has moved is found again by rolling the same hash over it, as rsync does.
/// </summary>
internal static class ContentSamples
{
    /// <summary>Bytes that a sample is taken of: more than a usual row, whose parts occur again and again.</summary>
    public const int Window = 256;

    private const int PerBlock = 64;
    private const int SmallestStep = 1024;
    private const int Candidates = 256;
    private const int VotesWanted = 4;

    // Where rows were removed all over, each sample has moved a little farther than the one before it: those that are near each other agree.
    private const int NearPerBlock = 32;
    private const int NearWanted = 8;

    /// <summary>What stands for a window without a sample: too short, or of one value throughout, which is found anywhere.</summary>
    public const ulong None = 0;

    // An odd 64-bit multiplier without a pattern: the golden ratio's (Knuth, TAOCP 3, 6.4).
    private const ulong Multiplier = 0x9E3779B97F4A7C15;
    private static readonly ulong s_leaving = Power(Multiplier, Window);

    /// <summary>Bytes from one sample of a block to the next: 64 KiB in blocks of 4 MiB.</summary>
    public static int StepOf(int blockSize) => Math.Max(SmallestStep, blockSize / PerBlock);

    /// <summary>How many samples a block has.</summary>
    public static int CountOf(int blockSize) => (blockSize + StepOf(blockSize) - 1) / StepOf(blockSize);

    /// <summary>Takes a block's samples.</summary>
    /// <param name="block">Its content, of which the last block has less.</param>
    /// <param name="blockSize">Bytes of a whole block.</param>
    /// <param name="samples">Takes them.</param>
    public static void Take(ReadOnlySpan<byte> block, int blockSize, Span<ulong> samples)
    {
        int step = StepOf(blockSize);
        for (int index = 0; index < samples.Length; index++)
        {
            int offset = index * step;
            samples[index] = offset + Window <= block.Length && block.Slice(offset + 1, Window - 1).IndexOfAnyExcept(block[offset]) >= 0
                ? Hash(block.Slice(offset, Window))
                : None;
        }
    }

    /// <summary>Finds by how much content has moved against another payload.</summary>
    /// <param name="content">The content.</param>
    /// <param name="table">The other payload's samples.</param>
    /// <param name="usual">The shift that is likely: where content stands more than once, it decides.</param>
    /// <returns>The other payload's offset less the one in <paramref name="content"/>; null if nothing of it was found.</returns>
    public static long? FindShift(ReadOnlySpan<byte> content, SampleTable table, long usual)
    {
        if (content.Length < Window)
            return null;
        Span<long> shifts = stackalloc long[Candidates];
        Span<int> votes = stackalloc int[Candidates];
        long near = table.BlockSize / NearPerBlock;
        int count = 0;
        int oldest = 0;
        ulong hash = Hash(content[..Window]);
        for (int start = 0; ; start++)
        {
            if (table.TryFind(hash, out long offset))
            {
                // Short pieces occur in many places; the true shift is found again and again.
                int at = shifts[..count].IndexOf(offset - start);
                if (at < 0)
                {
                    at = count < Candidates ? count++ : oldest++ % Candidates;
                    (shifts[at], votes[at]) = (offset - start, 0);
                }

                if (++votes[at] == VotesWanted || (votes[at] == 1 && CountNear(shifts[..count], shifts[at], near) >= NearWanted))
                    return shifts[at];
            }

            int next = start + Window;
            if (next == content.Length)
                break;
            hash = (hash * Multiplier) + content[next] - (content[start] * s_leaving);
        }

        if (count == 0)
            return null;
        int best = votes[..count].IndexOf(votes[..count].ToArray().Max());
        if (votes[best] > 1)
            return shifts[best];
        foreach (long shift in shifts[..count])
        {
            if (CountNear(shifts[..count], shift, near) >= VotesWanted)
                return shift;
        }

        return shifts[..count].Contains(usual) ? usual : count == 1 ? shifts[0] : null;
    }

    private static int CountNear(ReadOnlySpan<long> shifts, long shift, long near)
    {
        int count = 0;
        foreach (long other in shifts)
            count += Math.Abs(other - shift) <= near ? 1 : 0;
        return count;
    }

    private static ulong Hash(ReadOnlySpan<byte> window)
    {
        ulong hash = 0;
        foreach (byte value in window)
            hash = (hash * Multiplier) + value;
        return hash;
    }

    private static ulong Power(ulong value, int exponent)
    {
        ulong power = 1;
        for (int i = 0; i < exponent; i++)
            power *= value;
        return power;
    }
}
