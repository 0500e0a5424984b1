using DbBackup.Engine.Sources.Files;

namespace DbBackup.Engine.Sources.Docker;

/// <summary>The content of the entry at which an archive's reader stands.</summary>
/// <param name="scan">The reader.</param>
/// <param name="start">What was read of the content already.</param>
/// <param name="length">How many bytes it has in all.</param>
internal sealed class TarEntryContent(TarScan scan, ReadOnlyMemory<byte> start, long length) : Stream
{
    private long _position;

    public override bool CanRead => true;

    /// <summary>True, so that the tar writer takes the length from here and buffers nothing.</summary>
    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set
        {
            if (value != _position)
                throw new NotSupportedException();
        }
    }

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

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
