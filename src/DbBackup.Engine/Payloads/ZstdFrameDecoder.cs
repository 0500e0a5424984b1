namespace DbBackup.Engine.Payloads;

/// <summary>Decompresses single zstd frames, also those that were compressed against other content.</summary>
internal sealed unsafe class ZstdFrameDecoder : IDisposable
{
    private const int WindowLogMaximum = 100;
    private const int ResetSession = 1;

    private readonly ZstdLibrary _library;
    private nint _context;

    /// <summary>Creates the decoder for one thread.</summary>
    public ZstdFrameDecoder(ZstdLibrary library)
    {
        _library = library;
        _context = library.CreateDecompressor();
        if (_context == 0)
            throw new InsufficientMemoryException("zstd could not create a decompression context.");
        ZstdLibrary.Check(_library.SetDecompressorParameter(_context, WindowLogMaximum, ZstdDecompressionStream.WindowLogLimit));
    }

    ~ZstdFrameDecoder() => Free();

    /// <summary>Bytes of a frame's content; null if it does not say, or is no frame.</summary>
    public long? ContentSize(ReadOnlySpan<byte> frame)
    {
        // ZSTD_CONTENTSIZE_UNKNOWN and ZSTD_CONTENTSIZE_ERROR are the two greatest values.
        fixed (byte* start = frame)
            return _library.FrameContentSize(start, (nuint)frame.Length) is var size and <= long.MaxValue ? (long)size : null;
    }

    /// <summary>Decompresses a frame.</summary>
    /// <param name="frame">The frame, and nothing else.</param>
    /// <param name="prefix">The content that it was compressed against; empty for none.</param>
    /// <param name="output">Takes its content, which has just this length.</param>
    /// <exception cref="InvalidDataException">It is damaged, or has another length.</exception>
    public void Decode(ReadOnlySpan<byte> frame, ReadOnlySpan<byte> prefix, Span<byte> output)
    {
        ObjectDisposedException.ThrowIf(_context == 0, this);
        // A frame that failed leaves its state behind.
        ZstdLibrary.Check(_library.ResetDecompressor(_context, ResetSession));
        fixed (byte* source = frame)
        fixed (byte* before = prefix)
        fixed (byte* destination = output)
        {
            if (!prefix.IsEmpty)
                ZstdLibrary.Check(_library.RefDecompressorPrefix(_context, before, (nuint)prefix.Length));
            var from = new ZstdInput { Source = source, Size = (nuint)frame.Length };
            var to = new ZstdOutput { Destination = destination, Size = (nuint)output.Length };
            nuint hint = 1;
            while (hint != 0)
            {
                (nuint read, nuint written) = (from.Position, to.Position);
                hint = ZstdLibrary.Check(_library.DecompressStream(_context, &to, &from));
                if (hint != 0 && from.Position == read && to.Position == written)
                    throw new InvalidDataException(from.Position == from.Size ? "a frame ends early" : "a frame is longer than it should be");
            }

            if (from.Position != from.Size || to.Position != to.Size)
                throw new InvalidDataException("a frame has another length than it should have");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        nint context = Interlocked.Exchange(ref _context, 0);
        if (context != 0)
            _library.FreeDecompressor(context);
    }
}
