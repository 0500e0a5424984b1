using System.IO.Compression;

namespace DbBackup.Engine.Payloads;

/// <summary>Compresses blocks, each into a frame or member of its own; one after the other they are a file that stock tools read.</summary>
internal abstract class BlockCompressor : IDisposable
{
    /// <summary>A compressor for one thread.</summary>
    internal static BlockCompressor Create(PayloadWriteOptions options) => options.Compression switch
    {
        PayloadCompression.Zstd => new ZstdBlockCompressor(options.Zstd, options.EffectiveLevel),
        PayloadCompression.Gzip => new GzipBlockCompressor(options.EffectiveLevel),
        _ => throw new ArgumentOutOfRangeException(nameof(options), options.Compression, "Nothing compresses it."),
    };

    /// <summary>Compresses a block.</summary>
    internal abstract void Compress(PayloadBlock block, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>gzip members, by the framework.</summary>
internal sealed class GzipBlockCompressor(int level) : BlockCompressor
{
    private const int Slice = 256 * 1024;

    // The framework writes nothing at all for an empty input, and gzip refuses an empty file.
    private static readonly byte[] EmptyMember = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly ZLibCompressionOptions _options = new() { CompressionLevel = level };

    internal override void Compress(PayloadBlock block, CancellationToken cancellationToken)
    {
        if (block.Length == 0)
        {
            block.SetStored(EmptyMember);
            return;
        }

        // zlib-ng's level 1 can spend 9 bits on a byte that it cannot compress.
        byte[] buffer = block.StoredBuffer(block.Length + (block.Length / 8) + 1024);
        using var output = new MemoryStream(buffer);
        using (var gzip = new GZipStream(output, _options, leaveOpen: true))
        {
            for (int offset = 0; offset < block.Length; offset += Slice)
            {
                cancellationToken.ThrowIfCancellationRequested();
                gzip.Write(block.Original, offset, Math.Min(Slice, block.Length - offset));
            }
        }

        block.SetStored(buffer.AsMemory(0, (int)output.Position));
    }

    public override void Dispose()
    {
    }
}

/// <summary>zstd frames with content size and checksum, by libzstd or its port.</summary>
internal sealed unsafe class ZstdBlockCompressor : BlockCompressor
{
    private const int CompressionLevel = 100;
    private const int ContentSizeFlag = 200;
    private const int ChecksumFlag = 201;
    private const int Continue = 0;
    private const int End = 2;

    // A whole 4 MiB block takes milliseconds at low levels, but seconds at the highest: those go in slices, so that Ctrl+C is heard.
    // Whole blocks spare the library a copy.
    private const int SlicedFromLevel = 6;
    private const int Slice = 128 * 1024;

    private readonly ZstdLibrary _library;
    private readonly bool _sliced;
    private nint _context;

    internal ZstdBlockCompressor(ZstdLibrary library, int level)
    {
        _library = library;
        _sliced = level >= SlicedFromLevel;
        _context = _library.CreateCompressor();
        if (_context == 0)
            throw new InsufficientMemoryException("zstd could not create a compression context.");
        ZstdLibrary.Check(_library.SetCompressorParameter(_context, CompressionLevel, level));
        ZstdLibrary.Check(_library.SetCompressorParameter(_context, ContentSizeFlag, 1));
        ZstdLibrary.Check(_library.SetCompressorParameter(_context, ChecksumFlag, 1));
    }

    ~ZstdBlockCompressor() => Free();

    /// <summary>Sets a parameter for all frames that follow.</summary>
    internal void Set(int parameter, int value) => ZstdLibrary.Check(_library.SetCompressorParameter(_context, parameter, value));

    /// <summary>Has the next frame, and no other, compressed with content before it, which must stay where it is until then.</summary>
    internal void RefPrefix(byte* prefix, int length) => ZstdLibrary.Check(_library.RefCompressorPrefix(_context, prefix, (nuint)length));

    internal override void Compress(PayloadBlock block, CancellationToken cancellationToken)
    {
        byte[] buffer = block.StoredBuffer(BoundOf(block.Length));
        block.SetStored(buffer.AsMemory(0, Compress(block.Original.AsSpan(0, block.Length), buffer, cancellationToken)));
    }

    /// <summary>The most bytes that a frame takes.</summary>
    internal int BoundOf(int length) => (int)_library.CompressBound((nuint)length);

    /// <summary>Compresses bytes into a frame.</summary>
    /// <returns>How many bytes it has.</returns>
    internal int Compress(ReadOnlySpan<byte> content, Span<byte> target, CancellationToken cancellationToken)
    {
        ZstdLibrary.Check(_library.SetPledgedSourceSize(_context, (ulong)content.Length));
        fixed (byte* source = content)
        fixed (byte* destination = target)
        {
            var input = new ZstdInput { Source = source };
            var output = new ZstdOutput { Destination = destination, Size = (nuint)target.Length };
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                input.Size = _sliced ? (nuint)Math.Min(content.Length, (int)input.Position + Slice) : (nuint)content.Length;
                bool last = (int)input.Size == content.Length;
                nuint remaining = ZstdLibrary.Check(_library.CompressStream(_context, &output, &input, last ? End : Continue));
                if (last && remaining == 0)
                    return (int)output.Position;
            }
        }
    }

    public override void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        nint context = Interlocked.Exchange(ref _context, 0);
        if (context != 0)
            _library.FreeCompressor(context);
    }
}
