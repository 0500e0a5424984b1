namespace DbBackup.Engine.Payloads;

/// <summary>How a payload is written.</summary>
internal sealed record PayloadWriteOptions
{
    /// <summary>The most threads that compress at once: beyond it, hashing and the disk set the pace, and only memory grows.</summary>
    public const int MaximumWorkers = 16;

    /// <summary>The block size where none is asked for. Larger blocks compress hardly better, smaller ones cost ratio.</summary>
    public const int DefaultBlockSize = 4 * 1024 * 1024;

    /// <summary>How the payload is compressed; see <see cref="PayloadCompressionChoice.Resolve(string?)"/>.</summary>
    public required string Compression { get; init; }

    /// <summary>The compression's own level: gzip 1 to 9, zstd 1 to 22 and negative ones; null for 1, the fastest usual one.</summary>
    public int? Level { get; init; }

    /// <summary>How many threads compress at once, 1 to <see cref="MaximumWorkers"/>; null for one per processor. High zstd levels use fewer, to stay small.</summary>
    public int? Workers { get; init; }

    /// <summary>Bytes of the original that are compressed as one frame or member, 4 KiB to 64 MiB.</summary>
    public int BlockSize { get; init; } = DefaultBlockSize;

    /// <summary>True if the payload's source says what it was made of (<see cref="PayloadWriter.CompleteAsync(ReadOnlyMemory{byte})"/>), for a later incremental backup.</summary>
    public bool IsCataloged { get; init; }

    /// <summary>What compresses where <see cref="Compression"/> is zstd.</summary>
    internal ZstdLibrary Zstd { get; init; } = ZstdLibrary.Best;

    /// <summary>The level that is used.</summary>
    internal int EffectiveLevel => Level ?? 1;

    /// <summary>The number of threads that compress.</summary>
    internal int EffectiveWorkers => Math.Min(Workers ?? Math.Min(Environment.ProcessorCount, MaximumWorkers), MemoryLimitedWorkers);

    // Measured on 4 MiB blocks, a zstd context takes about 1 MiB up to level 4, 9 at level 7, 17 at 9, 29 at 10 and 36 to 69 above,
    // and each block 8 MiB with its output: these counts keep a backup under 200 MiB.
    private int MemoryLimitedWorkers => Compression != PayloadCompression.Zstd ? MaximumWorkers : EffectiveLevel switch
    {
        <= 4 => MaximumWorkers,
        <= 8 => 8,
        9 => 4,
        _ => 2,
    };

    /// <summary>Checks every value against its range.</summary>
    /// <exception cref="BackupFailure">A value is outside of its range, or this version does not know the compression.</exception>
    public void Validate()
    {
        PayloadCompressionChoice.Resolve(Compression);
        if (Level is { } level)
            ValidateLevel(level);
        if (Workers is < 1 or > MaximumWorkers)
            throw Invalid($"{Workers} compression workers cannot be used.", $"Use 1 to {MaximumWorkers} workers, or leave the number out for one per processor.");
        if (BlockSize is < 4096 or > 64 * 1024 * 1024)
            throw Invalid($"A block size of {BlockSize} bytes cannot be used.", "Use 4096 to 67108864 bytes, or leave the size out.");
    }

    private void ValidateLevel(int level)
    {
        if (Compression == PayloadCompression.None)
            throw Invalid($"Compression level {level} was given, but nothing is compressed.", "Leave the level out, or choose -Compression Zstd or Gzip.");

        (int minimum, int maximum) = Compression == PayloadCompression.Zstd
            ? (ZstdLibrary.MinimumLevel, ZstdLibrary.MaximumLevel)
            : (1, 9);
        if (level < minimum || level > maximum)
        {
            throw Invalid(
                $"{Compression} has no compression level {level}.",
                $"Use a level from {Math.Max(1, minimum)} to {maximum}, or leave it out for 1, the fastest.");
        }
    }

    private static BackupFailure Invalid(string message, string hint) => new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint);
}
