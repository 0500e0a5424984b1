using System.Runtime.InteropServices;

namespace DbBackup.Engine.Payloads;

/// <summary>
/// The functions of zstd, under the names and with the meaning of its C interface (facebook.github.io/zstd/zstd_manual.html).
/// The system's libzstd is the faster one; where there is none, as on most Windows machines, <see cref="ManagedZstd"/> does the same.
/// </summary>
internal abstract unsafe class ZstdLibrary
{
    /// <summary>The lowest level; negative levels are faster than 1.</summary>
    internal const int MinimumLevel = -(1 << 17);

    /// <summary>The highest level.</summary>
    internal const int MaximumLevel = 22;

    // ZSTD_ErrorCode (zstd_errors.h), which is stable: a result that, negated, is below the last of its codes is an error.
    private const int MaximumErrorCode = 120;
    private const int WindowTooLarge = 16, OutOfMemory = 64;

    private static readonly Lazy<ZstdLibrary> s_best = new(() => SystemZstd.Find() ?? (ZstdLibrary)ManagedZstd.Instance);

    /// <summary>The fastest one on this machine.</summary>
    internal static ZstdLibrary Best => s_best.Value;

    /// <summary>The version, as manifests state it.</summary>
    internal abstract string Version { get; }

    internal abstract nint CreateCompressor();

    internal abstract void FreeCompressor(nint context);

    internal abstract nuint SetCompressorParameter(nint context, int parameter, int value);

    internal abstract nuint SetPledgedSourceSize(nint context, ulong size);

    internal abstract nuint CompressStream(nint context, ZstdOutput* output, ZstdInput* input, int endDirective);

    internal abstract nuint CompressBound(nuint size);

    internal abstract nuint RefCompressorPrefix(nint context, byte* prefix, nuint size);

    internal abstract nint CreateDecompressor();

    internal abstract void FreeDecompressor(nint context);

    internal abstract nuint SetDecompressorParameter(nint context, int parameter, int value);

    internal abstract nuint RefDecompressorPrefix(nint context, byte* prefix, nuint size);

    internal abstract nuint ResetDecompressor(nint context, int directive);

    internal abstract ulong FrameContentSize(byte* frame, nuint size);

    internal abstract nuint DecompressStream(nint context, ZstdOutput* output, ZstdInput* input);

    /// <summary>Hands a result on unless it is an error.</summary>
    /// <exception cref="InvalidDataException">The data is damaged; in the library's own words.</exception>
    /// <exception cref="BackupFailure">The data is sound, and needs more memory than it gets.</exception>
    internal static nuint Check(nuint result) => 0 - result is 0 or >= MaximumErrorCode ? result : throw Failure((int)(0 - result));

    private static Exception Failure(int code) => code switch
    {
        WindowTooLarge => new BackupFailure(
            ErrorCodes.FormatNotSupported,
            FailureCategory.NotSupported,
            $"The zstd data needs a window of more than {1 << (ZstdDecompressionStream.WindowLogLimit - 20)} MiB of memory, as zstd --long=31 makes it.",
            "Decompress it with the zstd program (zstd -d --long=31 FILE), then use the decompressed file."),
        OutOfMemory => new InsufficientMemoryException("There is not enough memory for zstd."),
        _ => new InvalidDataException(ManagedZstd.ErrorName(code)),
    };
}

/// <summary><c>ZSTD_inBuffer</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ZstdInput
{
    internal byte* Source;
    internal nuint Size;
    internal nuint Position;
}

/// <summary><c>ZSTD_outBuffer</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ZstdOutput
{
    internal byte* Destination;
    internal nuint Size;
    internal nuint Position;
}
