using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>Reads another stream, and lets somebody look at the bytes as they pass.</summary>
internal sealed class TappedStream(Stream inner, Action<ReadOnlyMemory<byte>> tap) : ReadOnlyStream
{
    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        byte[] bytes = new byte[buffer.Length];
        int read = inner.Read(bytes);
        bytes.AsSpan(0, read).CopyTo(buffer);
        tap(bytes.AsMemory(0, read));
        return read;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        tap(buffer[..read]);
        return read;
    }
}
