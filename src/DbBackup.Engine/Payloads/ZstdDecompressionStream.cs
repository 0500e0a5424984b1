using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Payloads;

/// <summary>Reads zstd frames one after the other to the very end of the file, also skippable frames and those of unstated size.</summary>
internal sealed class ZstdDecompressionStream : ReadOnlyStream
{
    /// <summary>
    /// The largest window, as a power of two: 128 MiB, which is the library's and the stock program's own limit. <c>zstd --long=31</c>
    /// asks for 2 GiB of memory, and a backup must not take that.
    /// </summary>
    internal const int WindowLogLimit = 27;

    private const int WindowLogMaximum = 100;

    private readonly ZstdLibrary _library;
    private readonly Stream _stored;
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(256 * 1024);
    private nint _context;
    private int _position;
    private int _size;
    private bool _anyInput;
    private bool _insideFrame;
    private bool _outputWasFull;

    internal unsafe ZstdDecompressionStream(Stream stored, ZstdLibrary library)
    {
        _library = library;
        _stored = stored;
        _context = _library.CreateDecompressor();
        if (_context == 0)
            throw new InsufficientMemoryException("zstd could not create a decompression context.");

        ZstdLibrary.Check(_library.SetDecompressorParameter(_context, WindowLogMaximum, WindowLogLimit));
    }

    ~ZstdDecompressionStream() => Dispose(false);

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        while (true)
        {
            int produced = Decode(buffer);
            if (produced > 0)
                return produced;
            if (!Accept(_stored.Read(_input)))
                return 0;
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (true)
        {
            int produced = Decode(buffer.Span);
            if (produced > 0)
                return produced;
            if (!Accept(await _stored.ReadAsync(_input, cancellationToken).ConfigureAwait(false)))
                return 0;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Free();
        base.Dispose(disposing);
    }

    private bool Accept(int read)
    {
        _position = 0;
        _size = read;
        if (read > 0)
        {
            _anyInput = true;
            return true;
        }

        if (!_anyInput)
            throw new InvalidDataException("the file is empty, which no zstd file is");
        if (_insideFrame)
            throw new InvalidDataException("the file ends in the middle of a zstd frame");
        return false;
    }

    private unsafe int Decode(Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_context == 0, this);
        fixed (byte* source = _input)
        fixed (byte* destination = buffer)
        {
            var output = new ZstdOutput { Destination = destination, Size = (nuint)buffer.Length };
            var input = new ZstdInput { Source = source, Size = (nuint)_size, Position = (nuint)_position };

            // Not called between frames without input: the library would begin a frame that may never come.
            while (output.Position < output.Size && (input.Position < input.Size || (_outputWasFull && _insideFrame)))
            {
                nuint hint = ZstdLibrary.Check(_library.DecompressStream(_context, &output, &input));
                _insideFrame = hint != 0;
                _outputWasFull = output.Position == output.Size;
            }

            _position = (int)input.Position;
            return (int)output.Position;
        }
    }

    private unsafe void Free()
    {
        nint context = Interlocked.Exchange(ref _context, 0);
        if (context != 0)
            _library.FreeDecompressor(context);
    }
}
