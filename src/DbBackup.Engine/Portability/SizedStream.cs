using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Portability;

/// <summary>A stream whose length is known beforehand: a tar has it in front of the content.</summary>
/// <param name="inner">The content.</param>
/// <param name="length">How many bytes it has; fewer are an error, more are left.</param>
internal sealed class SizedStream(Stream inner, long length) : ReadOnlyStream
{
    private long _position;

    public override bool CanSeek => true;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => Note(inner.Read(buffer[..Left(buffer.Length)]), buffer.Length);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Note(await inner.ReadAsync(buffer[..Left(buffer.Length)], cancellationToken).ConfigureAwait(false), buffer.Length);

    private int Left(int wanted) => (int)Math.Min(wanted, length - _position);

    private int Note(int read, int wanted)
    {
        _position += read;
        return read > 0 || wanted == 0 || _position == length ? read : throw new EndOfStreamException("The file ends too early.");
    }
}
