namespace DbBackup.Engine.Payloads.Patches;

/// <summary>Bytes of a payload that were taken from the one of which it is stored as the difference.</summary>
/// <param name="Position">Where they begin in the payload.</param>
/// <param name="Length">How many they are.</param>
/// <param name="Offset">Where they begin in the other payload.</param>
internal readonly record struct CopiedRange(long Position, long Length, long Offset)
{
    /// <summary>Where they end in the payload.</summary>
    public long End => Position + Length;

    /// <summary>Where they end in the other payload.</summary>
    public long OffsetEnd => Offset + Length;

    /// <summary>The part that lies between two places of the payload.</summary>
    public CopiedRange Within(long from, long to)
    {
        long start = Math.Max(from, Position);
        return new CopiedRange(start, Math.Min(to, End) - start, Offset + start - Position);
    }
}

/// <summary>Takes a payload's bytes, and is told which of them need not be looked for in the other payload.</summary>
internal interface ICopyTarget
{
    /// <summary>Says that bytes which are yet to be written are bytes of the other payload. In the order of their positions.</summary>
    void NoteCopied(CopiedRange range);
}
