using ZstdSharp.Unsafe;

namespace DbBackup.Engine.Payloads;

/// <summary>zstd in C#, by ZstdSharp: the same on every system.</summary>
internal sealed unsafe class ManagedZstd : ZstdLibrary
{
    private ManagedZstd()
    {
    }

    internal static ManagedZstd Instance { get; } = new();

    internal override string Version => $"{Methods.ZSTD_versionString()} (ZstdSharp)";

    internal static string ErrorName(int code) => Methods.ZSTD_getErrorName(unchecked(0 - (nuint)code));

    internal override nint CreateCompressor() => (nint)Methods.ZSTD_createCCtx();

    internal override void FreeCompressor(nint context) => Methods.ZSTD_freeCCtx((ZSTD_CCtx_s*)context);

    internal override nuint SetCompressorParameter(nint context, int parameter, int value) =>
        Methods.ZSTD_CCtx_setParameter((ZSTD_CCtx_s*)context, (ZSTD_cParameter)parameter, value);

    internal override nuint SetPledgedSourceSize(nint context, ulong size) => Methods.ZSTD_CCtx_setPledgedSrcSize((ZSTD_CCtx_s*)context, size);

    internal override nuint CompressStream(nint context, ZstdOutput* output, ZstdInput* input, int endDirective) =>
        Methods.ZSTD_compressStream2((ZSTD_CCtx_s*)context, (ZSTD_outBuffer_s*)output, (ZSTD_inBuffer_s*)input, (ZSTD_EndDirective)endDirective);

    internal override nuint CompressBound(nuint size) => Methods.ZSTD_compressBound(size);

    internal override nuint RefCompressorPrefix(nint context, byte* prefix, nuint size) => Methods.ZSTD_CCtx_refPrefix((ZSTD_CCtx_s*)context, prefix, size);

    internal override nint CreateDecompressor() => (nint)Methods.ZSTD_createDStream();

    internal override void FreeDecompressor(nint context) => Methods.ZSTD_freeDStream((ZSTD_DCtx_s*)context);

    internal override nuint SetDecompressorParameter(nint context, int parameter, int value) =>
        Methods.ZSTD_DCtx_setParameter((ZSTD_DCtx_s*)context, (ZSTD_dParameter)parameter, value);

    internal override nuint RefDecompressorPrefix(nint context, byte* prefix, nuint size) => Methods.ZSTD_DCtx_refPrefix((ZSTD_DCtx_s*)context, prefix, size);

    internal override nuint ResetDecompressor(nint context, int directive) => Methods.ZSTD_DCtx_reset((ZSTD_DCtx_s*)context, (ZSTD_ResetDirective)directive);

    internal override ulong FrameContentSize(byte* frame, nuint size) => Methods.ZSTD_getFrameContentSize(frame, size);

    internal override nuint DecompressStream(nint context, ZstdOutput* output, ZstdInput* input) =>
        Methods.ZSTD_decompressStream((ZSTD_DCtx_s*)context, (ZSTD_outBuffer_s*)output, (ZSTD_inBuffer_s*)input);
}
