using DbBackup.Engine.Payloads.Patches;

namespace DbBackup.Engine.Payloads;

/// <summary>One block on its way: filled, hashed and compressed at the same time, written, used again.</summary>
internal sealed class PayloadBlock
{
    private byte[]? _stored;
    private TaskCompletionSource _compressed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong[]? _samples;
    private int _holders;

    internal PayloadBlock(int size) => Original = GC.AllocateUninitializedArray<byte>(size);

    /// <summary>The original bytes, of which <see cref="Length"/> are filled.</summary>
    internal byte[] Original { get; }

    /// <summary>How many original bytes there are.</summary>
    internal int Length { get; set; }

    /// <summary>Where it begins in the payload.</summary>
    internal long Offset { get; set; }

    /// <summary>The hash of its content, where the payload gets an index.</summary>
    internal UInt128 Hash { get; set; }

    /// <summary>The samples of its content, where the payload gets an index.</summary>
    internal ulong[] Samples => _samples ??= new ulong[ContentSamples.CountOf(Original.Length)];

    /// <summary>Which of its bytes are known to be the other payload's, where it is stored as the difference.</summary>
    internal List<CopiedRange> Copied { get; } = [];

    /// <summary>How it is made of another payload's content, where it is stored as the difference: the entries, and the bytes of each among those to write.</summary>
    internal List<(PatchEntry Entry, Range Stored)> Parts { get; } = [];

    /// <summary>The bytes to write; to be read only once <see cref="Compressed"/> has ended.</summary>
    internal ReadOnlyMemory<byte> Stored { get; private set; }

    /// <summary>Ends when <see cref="Stored"/> is there.</summary>
    internal Task Compressed => _compressed.Task;

    /// <summary>True if nothing more fits.</summary>
    internal bool IsFull => Length == Original.Length;

    /// <summary>Makes the block ready for its next use by so many stages.</summary>
    internal void Prepare(int holders)
    {
        Length = 0;
        Stored = default;
        Copied.Clear();
        Parts.Clear();
        _holders = holders;
        if (_compressed.Task.IsCompleted)
            _compressed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>A place for at least so many compressed bytes. Small payloads take a small one.</summary>
    internal byte[] StoredBuffer(int size)
    {
        if (_stored is null || _stored.Length < size)
            _stored = GC.AllocateUninitializedArray<byte>(size);
        return _stored;
    }

    /// <summary>States that it is a part of another payload: nothing of it is written.</summary>
    internal void SetCopied(long offset, long length)
    {
        Parts.Add((new PatchEntry(PatchKind.Copy, offset, length), default));
        SetStored(default);
    }

    /// <summary>Notes which of its bytes are the other payload's. Neighbours in both are one.</summary>
    internal void Add(CopiedRange range)
    {
        if (Copied.Count > 0 && Copied[^1] is var last && last.End == range.Position && last.OffsetEnd == range.Offset)
            Copied[^1] = last with { Length = last.Length + range.Length };
        else
            Copied.Add(range);
    }

    /// <summary>Hands the samples over: the block's next use has others.</summary>
    internal ulong[] TakeSamples()
    {
        ulong[] taken = Samples;
        _samples = null;
        return taken;
    }

    /// <summary>States what is to be written.</summary>
    internal void SetStored(ReadOnlyMemory<byte> stored)
    {
        Stored = stored;
        _compressed.SetResult();
    }

    /// <summary>Lets go of the block.</summary>
    /// <returns>True if no other stage holds it.</returns>
    internal bool Release() => Interlocked.Decrement(ref _holders) == 0;
}
