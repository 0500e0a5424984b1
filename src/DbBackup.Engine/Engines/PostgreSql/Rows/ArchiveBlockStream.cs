using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>Reads the data of one table out of an archive of the custom format: its chunks without their lengths, to the one of length 0.</summary>
/// <param name="archive">The archive, at the first chunk; it becomes this object's own.</param>
/// <param name="integerBytes">How many bytes an integer of the archive has, beside its sign.</param>
internal sealed class ArchiveBlockStream(Stream archive, int integerBytes) : ReadOnlyStream
{
    // A streamed archive that is not compressed has a chunk for each row.
    private const int BufferBytes = 1 << 18;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private int _at;
    private int _end;
    private long _left;
    private bool _ended;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            if (_left == 0 && !NextChunk())
                break;
            if (_at == _end && !Fill(1))
                throw Cut();
            int taken = (int)Math.Min(_left, Math.Min(buffer.Length - done, _end - _at));
            _buffer.AsSpan(_at, taken).CopyTo(buffer[done..]);
            (_at, _left, done) = (_at + taken, _left - taken, done + taken);
        }

        return done;
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            archive.Dispose();
        base.Dispose(disposing);
    }

    private bool NextChunk()
    {
        if (_ended)
            return false;
        int length = 1 + integerBytes;
        if (_end - _at < length && !Fill(length))
            throw Cut();
        _left = ArchiveContents.Integer(_buffer.AsSpan(_at, length));
        _at += length;
        if (_left < 0)
            throw new InvalidDataException("a chunk of it has a negative length");
        _ended = _left == 0;
        return !_ended;
    }

    // So that at least so many bytes are there.
    private bool Fill(int wanted)
    {
        _buffer.AsSpan(_at, _end - _at).CopyTo(_buffer);
        (_at, _end) = (0, _end - _at);
        _end += archive.ReadAtLeast(_buffer.AsSpan(_end), wanted - _end, throwOnEndOfStream: false);
        return _end >= wanted;
    }

    private static InvalidDataException Cut() => new("it ends within the data of a table");
}
