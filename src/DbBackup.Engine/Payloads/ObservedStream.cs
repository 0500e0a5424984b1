using System.Security.Cryptography;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Payloads;

/// <summary>Reads another stream, which stays its owner's, and keeps count: how many bytes, and their hash.</summary>
/// <param name="inner">The other stream.</param>
/// <param name="hash">Takes the bytes; null for none.</param>
/// <param name="limit">It ends one byte behind this length, which tells that it is longer: a file without an end is not read for ever.</param>
internal sealed class ObservedStream(Stream inner, IncrementalHash? hash = null, long limit = long.MaxValue - 1) : ReadOnlyStream
{
    /// <summary>Bytes read so far.</summary>
    internal long BytesRead { get; private set; }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer[..Left(buffer.Length)]);
        Note(buffer[..read]);
        return read;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await inner.ReadAsync(buffer[..Left(buffer.Length)], cancellationToken).ConfigureAwait(false);
        Note(buffer.Span[..read]);
        return read;
    }

    private int Left(int wanted) => (int)Math.Min(wanted, limit + 1 - BytesRead);

    private void Note(ReadOnlySpan<byte> bytes)
    {
        BytesRead += bytes.Length;
        hash?.AppendData(bytes);
    }
}
