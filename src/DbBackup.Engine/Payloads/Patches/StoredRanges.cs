namespace DbBackup.Engine.Payloads.Patches;

/// <summary>Reads any part of a stored payload, as it was before it was encrypted.</summary>
internal abstract class StoredRanges : IDisposable
{
    /// <summary>Bytes of all of it.</summary>
    public abstract ValueTask<long> SizeAsync(CancellationToken cancellationToken);

    /// <summary>Reads a part.</summary>
    /// <exception cref="InvalidDataException">It ends early, or was changed.</exception>
    public abstract Task ReadAsync(long offset, Memory<byte> target, CancellationToken cancellationToken);

    /// <summary>Reads a part.</summary>
    /// <exception cref="InvalidDataException">It ends early, or was changed.</exception>
    public async Task<byte[]> ReadAsync(long offset, int length, CancellationToken cancellationToken)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(length);
        await ReadAsync(offset, bytes, cancellationToken).ConfigureAwait(false);
        return bytes;
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}

/// <summary>Opens a part of a stored file: its first byte, and how many.</summary>
internal delegate Task<Stream> OpenRange(long offset, long length, CancellationToken cancellationToken);

/// <summary>The parts of a file that is not encrypted.</summary>
/// <param name="open">Opens a part of the file.</param>
/// <param name="size">The file's bytes.</param>
internal sealed class PlainRanges(OpenRange open, long size) : StoredRanges
{
    /// <inheritdoc/>
    public override ValueTask<long> SizeAsync(CancellationToken cancellationToken) => new(size);

    /// <inheritdoc/>
    public override async Task ReadAsync(long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        if (target.IsEmpty)
            return;
        Stream part = await open(offset, target.Length, cancellationToken).ConfigureAwait(false);
        await using (part.ConfigureAwait(false))
        {
            if (await part.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false) < target.Length)
                throw new InvalidDataException("it ends early");
        }
    }
}
