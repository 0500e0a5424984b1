using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Payloads;

/// <summary>
/// Reads streams of a decoder of SharpCompress one after the other to the very end of the file. The decoder's failures have many types and
/// mean one thing: the content is damaged.
/// </summary>
/// <param name="stored">The compressed bytes; the stream stays the caller's.</param>
/// <param name="name">What a stream is called, as in <c>an xz stream</c>.</param>
internal abstract class DecoderStream(Stream stored, string name) : ReadOnlyStream
{
    // The decoders read byte by byte.
    private const int ReadAhead = 256 * 1024;

    private readonly BufferedStream _stored = new(new ObservedStream(stored), ReadAhead);

    // Null between two streams.
    private Stream? _decoder;
    private bool _anyStream;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return buffer.IsEmpty ? 0 : Decode(buffer);
        }
        catch (EndOfStreamException exception)
        {
            throw new InvalidDataException($"the file ends in the middle of {name}", exception);
        }
        catch (Exception exception) when (exception is not (IOException or InvalidDataException or OutOfMemoryException or ObjectDisposedException or UnauthorizedAccessException))
        {
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    // The decoders work where they are called, and a file is read beside: nothing is gained by a wait in between.

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    /// <summary>Reads what is allowed between two streams, and the first byte behind it.</summary>
    /// <returns>The byte; -1 at the end of the file.</returns>
    private protected virtual int ReadFirst(Stream stored, bool isBetween) => stored.ReadByte();

    /// <summary>Reads the header of a stream, and opens its decoder.</summary>
    /// <param name="first">The header's first byte.</param>
    /// <param name="stored">The bytes behind that one.</param>
    /// <returns>The decoder; null if it is no such header.</returns>
    private protected abstract Stream? Begin(byte first, Stream stored);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _decoder?.Dispose();
            _stored.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Decode(Span<byte> buffer)
    {
        while (_decoder is not null || TryBegin())
        {
            int read = _decoder!.Read(buffer);
            if (read > 0)
                return read;
            _decoder.Dispose();
            _decoder = null;
        }

        return _anyStream ? 0 : throw new InvalidDataException("the file is empty");
    }

    private bool TryBegin()
    {
        int first = ReadFirst(_stored, _anyStream);
        if (first < 0)
            return false;
        _decoder = Begin((byte)first, _stored) ?? throw new InvalidDataException(_anyStream ? $"{name} is followed by bytes that are none" : $"it does not begin with {name}");
        _anyStream = true;
        return true;
    }
}
