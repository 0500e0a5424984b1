using System.Buffers.Binary;

namespace DbBackup.Engine.Platform.Docker;

/// <summary>
/// The standard output out of a stream in which the engine frames output and errors: a byte for the stream, three that are 0, four for the
/// length, then the bytes (docs.docker.com/reference/api/engine, ContainerAttach, "Stream format").
/// </summary>
/// <param name="inner">The framed stream.</param>
/// <param name="errors">Takes what comes on standard error.</param>
/// <param name="isFed">
/// Whether the program may have ended before it was given everything: the engine then closes a connection on which bytes wait that nobody will
/// read, which is seen here as a reset after the last byte. The program's exit code says whether it was content.
/// </param>
internal sealed class FramedOutput(Stream inner, FramedOutput.TakeErrors errors, bool isFed = false) : ReadOnlyStream
{
    private const int HeaderLength = 8;
    private const byte ErrorStream = 2;

    // As much as pipes and sockets give at once. The engine's frames have at most 32 KiB.
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(1 << 18);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private int _position;
    private int _filled;
    private int _frameLeft;

    internal delegate void TakeErrors(ReadOnlySpan<byte> bytes);

    /// <summary>Whether the stream ended within a frame: the connection was cut.</summary>
    public bool WasCut { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        byte[] copy = new byte[Math.Min(buffer.Length, _buffer.Length)];
        int read = ReadAsync(copy).AsTask().GetAwaiter().GetResult();
        copy.AsSpan(0, read).CopyTo(buffer);
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Whoever waits for the program's end reads too, so that it is not held up by what nobody asked for.
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ReadInTurnAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _turn.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadInTurnAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int given = 0;
        while (given < buffer.Length)
        {
            if (_frameLeft > 0 && _position < _filled)
            {
                int part = Math.Min(Math.Min(_frameLeft, _filled - _position), buffer.Length - given);
                _buffer.AsSpan(_position, part).CopyTo(buffer.Span[given..]);
                _position += part;
                _frameLeft -= part;
                given += part;
                continue;
            }

            if (_frameLeft == 0 && _filled - _position >= HeaderLength)
            {
                bool isError = _buffer[_position] == ErrorStream;
                int length = checked((int)BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_position + 4)));
                _position += HeaderLength;
                if (isError)
                    await PassErrorsAsync(length, cancellationToken).ConfigureAwait(false);
                else
                    _frameLeft = length;
                continue;
            }

            // What there is goes out before more is waited for.
            if (given > 0 || !await FillAsync(cancellationToken).ConfigureAwait(false))
                return given;
        }

        return given;
    }

    private async ValueTask PassErrorsAsync(int length, CancellationToken cancellationToken)
    {
        while (length > 0)
        {
            if (_position == _filled && !await FillAsync(cancellationToken).ConfigureAwait(false))
            {
                WasCut = true;
                return;
            }

            int part = Math.Min(length, _filled - _position);
            errors(_buffer.AsSpan(_position, part));
            _position += part;
            length -= part;
        }
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        // Part of a header may be left.
        int left = _filled - _position;
        _buffer.AsSpan(_position, left).CopyTo(_buffer);
        _position = 0;
        _filled = left;
        int read;
        try
        {
            read = await inner.ReadAsync(_buffer.AsMemory(left), cancellationToken).ConfigureAwait(false);
        }
        catch (IOException) when (isFed)
        {
            read = 0;
        }

        _filled += read;
        if (read == 0)
            WasCut |= left > 0 || _frameLeft > 0;
        return read > 0;
    }
}
