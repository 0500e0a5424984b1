using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Payloads;

/// <summary>Bytes that were read ahead, and then the stream that they came from, which is closed with this one unless it is to stay open.</summary>
internal sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest, IProgress<long>? progress, bool leaveOpen = false) : ReadOnlyStream
{
    private ReadOnlyMemory<byte> _prefix = prefix;
    private long _done;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int read = _prefix.IsEmpty ? rest.Read(buffer) : Take(buffer);
        progress?.Report(_done += read);
        return read;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = _prefix.IsEmpty ? await rest.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) : Take(buffer.Span);
        progress?.Report(_done += read);
        return read;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !leaveOpen)
            rest.Dispose();
        base.Dispose(disposing);
    }

    private int Take(Span<byte> buffer)
    {
        int length = Math.Min(buffer.Length, _prefix.Length);
        _prefix.Span[..length].CopyTo(buffer);
        _prefix = _prefix[length..];
        return length;
    }
}
