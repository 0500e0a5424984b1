namespace DbBackup.Engine.Payloads;

/// <summary>One block on its way: filled, hashed and compressed at the same time, written, used again.</summary>
internal sealed class PayloadBlock
{
    private byte[]? _stored;
    private TaskCompletionSource _compressed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _holders;

    internal PayloadBlock(int size) => Original = GC.AllocateUninitializedArray<byte>(size);

    /// <summary>The original bytes, of which <see cref="Length"/> are filled.</summary>
    internal byte[] Original { get; }

    /// <summary>How many original bytes there are.</summary>
    internal int Length { get; set; }

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
