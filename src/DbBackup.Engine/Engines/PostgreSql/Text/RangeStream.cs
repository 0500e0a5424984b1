using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Reads stretches of a file one after the other, as if nothing stood between them.</summary>
/// <param name="file">The file; it goes with this stream.</param>
/// <param name="ranges">The stretches.</param>
internal sealed class RangeStream(Stream file, IReadOnlyList<ByteRange> ranges) : ReadOnlyStream
{
    private int _index = -1;
    private long _left;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (!Advance())
            return 0;
        int read = file.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
        return Count(read, buffer.Length);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!Advance())
            return 0;
        int read = await file.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken).ConfigureAwait(false);
        return Count(read, buffer.Length);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            file.Dispose();
        base.Dispose(disposing);
    }

    private bool Advance()
    {
        while (_left == 0)
        {
            if (++_index >= ranges.Count)
                return false;
            file.Position = ranges[_index].Offset;
            _left = ranges[_index].Length;
        }

        return true;
    }

    private int Count(int read, int wanted)
    {
        if (read == 0 && wanted > 0)
            throw new EndOfStreamException("The file is shorter than it was a moment ago.");
        _left -= read;
        return read;
    }
}
