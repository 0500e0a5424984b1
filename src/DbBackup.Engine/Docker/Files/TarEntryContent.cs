using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Files;

/// <summary>The content of the entry at which an archive's reader stands.</summary>
/// <param name="scan">The reader.</param>
/// <param name="start">What was read of the content already.</param>
/// <param name="length">How many bytes it has in all.</param>
internal sealed class TarEntryContent(TarScan scan, ReadOnlyMemory<byte> start, long length) : ReadOnlyStream
{
    private long _position;

    public override long Length => length;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read;
        if (_position < start.Length)
        {
            ReadOnlyMemory<byte> rest = start[(int)_position..];
            read = Math.Min(rest.Length, buffer.Length);
            rest[..read].CopyTo(buffer);
        }
        else
        {
            read = await scan.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }

        _position += read;
        return read;
    }

    public override int Read(Span<byte> buffer)
    {
        byte[] copy = new byte[buffer.Length];
        int read = ReadAsync(copy).AsTask().GetAwaiter().GetResult();
        copy.AsSpan(0, read).CopyTo(buffer);
        return read;
    }
}
