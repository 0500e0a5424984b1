using System.Security.Cryptography;

namespace DbBackup.Engine.Payloads;

/// <summary>Reads another stream, which stays its owner's, and keeps count: how many bytes, their hash, whether the end was seen.</summary>
internal sealed class ObservedStream(Stream inner, IncrementalHash? hash = null) : ReadOnlyStream
{
    /// <summary>Bytes read so far.</summary>
    internal long BytesRead { get; private set; }

    /// <summary>Whether a read found the end.</summary>
    internal bool SawEnd { get; private set; }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        Note(buffer[..read], buffer.Length);
        return read;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        Note(buffer.Span[..read], buffer.Length);
        return read;
    }

    private void Note(ReadOnlySpan<byte> bytes, int asked)
    {
        BytesRead += bytes.Length;
        SawEnd |= bytes.IsEmpty && asked > 0;
        hash?.AppendData(bytes);
    }
}
