namespace DbBackup.Engine.Payloads.Patches;

/// <summary>
/// Tells from a small part whether a payload is worth storing as its difference to another. In a database after VACUUM most rows are on other
/// pages: to find them takes several times as long as to compress them, and may save little.
/// </summary>
internal static class Resemblance
{
    // One window in 64 KiB is compared in place. Where so many are equal, the pages are in their places, and their difference costs no search.
    private const double InPlaceWanted = 0.5;
    private const int FewestSamples = 256;
    private const int Trials = 6;

    /// <summary>True if a difference would save too little. Of little content it is always false.</summary>
    /// <param name="parent">The other payload.</param>
    /// <param name="open">Opens the content, which can be read at any place.</param>
    /// <param name="options">How it is compressed.</param>
    /// <param name="largest">The largest difference that is worth it, as a share of what is stored otherwise.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ParentDamagedException">The other payload is damaged.</exception>
    public static async Task<bool> IsTooLittleAsync(ParentPayload parent, Func<Stream> open, PayloadWriteOptions options, double largest, CancellationToken cancellationToken)
    {
        using (Stream content = open())
        {
            if (!content.CanSeek || !HasMoved(parent.Index, content))
                return false;
        }

        int workers = Math.Min(Trials, options.EffectiveWorkers);
        (long Difference, long Whole)[] sizes = await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(
            () => Try(parent, open, options, [.. Enumerable.Range(0, Trials).Where(trial => trial % workers == worker)], cancellationToken), cancellationToken))).ConfigureAwait(false);
        return sizes.Sum(size => size.Difference) > largest * sizes.Sum(size => size.Whole);
    }

    private static bool HasMoved(PayloadIndex index, Stream content)
    {
        Span<byte> window = stackalloc byte[ContentSamples.Window];
        Span<ulong> sample = stackalloc ulong[1];
        (int compared, int equal) = (0, 0);
        for (int number = 0; number < index.Samples.Length; number++)
        {
            if (index.Samples[number] == ContentSamples.None)
                continue;
            compared++;
            if (ReadAt(content, index.OffsetOfSample(number), window) < window.Length)
                continue;
            ContentSamples.Take(window, window.Length, sample);
            equal += sample[0] == index.Samples[number] ? 1 : 0;
        }

        return compared >= FewestSamples && equal < InPlaceWanted * compared;
    }

    // Both ways, of blocks that are spread over the content.
    private static (long Difference, long Whole) Try(ParentPayload parent, Func<Stream> open, PayloadWriteOptions options, int[] trials, CancellationToken cancellationToken)
    {
        using Stream content = open();
        using var difference = new ZstdPatchCompressor(parent, options.Zstd, options.EffectiveLevel);
        using var whole = new ZstdBlockCompressor(options.Zstd, options.EffectiveLevel);
        var block = new PayloadBlock(parent.Index.BlockSize);
        long blocks = Math.Max(1, content.Length / parent.Index.BlockSize);
        (long, long) sizes = default;
        foreach (int trial in trials)
        {
            long offset = blocks * trial / Trials * parent.Index.BlockSize;
            sizes.Item1 += SizeOf(difference);
            sizes.Item2 += SizeOf(whole);

            long SizeOf(BlockCompressor compressor)
            {
                block.Prepare(holders: 1);
                block.Offset = offset;
                block.Length = ReadAt(content, offset, block.Original);
                compressor.Compress(block, cancellationToken);
                return block.Stored.Length;
            }
        }

        return sizes;
    }

    private static int ReadAt(Stream content, long offset, Span<byte> target)
    {
        content.Position = offset;
        return content.ReadAtLeast(target, target.Length, throwOnEndOfStream: false);
    }
}
