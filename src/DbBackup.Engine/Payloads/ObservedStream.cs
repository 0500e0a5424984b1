using System.Security.Cryptography;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Payloads;

/// <summary>Reads another stream, which stays its owner's, and keeps count: how many bytes, and their hash.</summary>
internal sealed class ObservedStream(Stream inner, IncrementalHash? hash = null) : ReadOnlyStream
{
    /// <summary>Bytes read so far.</summary>
    internal long BytesRead { get; private set; }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        Note(buffer[..read]);
        return read;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Note(buffer.Span[..read]);
        return read;
    }

    private void Note(ReadOnlySpan<byte> bytes)
    {
        BytesRead += bytes.Length;
        hash?.AppendData(bytes);
    }
}
