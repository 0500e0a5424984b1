using System.Reflection;
using System.Runtime.InteropServices;

namespace DbBackup.Engine.Payloads;

/// <summary>The system's libzstd. A fast path, not a dependency: see the figures in docs/performance.md.</summary>
internal sealed unsafe class SystemZstd : ZstdLibrary
{
    private readonly delegate* unmanaged[Cdecl]<nint> _createCompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint> _freeCompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, nuint> _setCompressorParameter;
    private readonly delegate* unmanaged[Cdecl]<nint, ulong, nuint> _setPledgedSourceSize;
    private readonly delegate* unmanaged[Cdecl]<nint, ZstdOutput*, ZstdInput*, int, nuint> _compressStream;
    private readonly delegate* unmanaged[Cdecl]<nuint, nuint> _compressBound;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, nuint> _refCompressorPrefix;
    private readonly delegate* unmanaged[Cdecl]<nint> _createDecompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, nuint> _freeDecompressor;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, nuint> _setDecompressorParameter;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, nuint, nuint> _refDecompressorPrefix;
    private readonly delegate* unmanaged[Cdecl]<nint, int, nuint> _resetDecompressor;
    private readonly delegate* unmanaged[Cdecl]<byte*, nuint, ulong> _frameContentSize;
    private readonly delegate* unmanaged[Cdecl]<nint, ZstdOutput*, ZstdInput*, nuint> _decompressStream;

    private SystemZstd(nint library)
    {
        _createCompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "ZSTD_createCCtx");
        _freeCompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeCCtx");
        _setCompressorParameter = (delegate* unmanaged[Cdecl]<nint, int, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_CCtx_setParameter");
        _setPledgedSourceSize = (delegate* unmanaged[Cdecl]<nint, ulong, nuint>)NativeLibrary.GetExport(library, "ZSTD_CCtx_setPledgedSrcSize");
        _compressStream = (delegate* unmanaged[Cdecl]<nint, ZstdOutput*, ZstdInput*, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_compressStream2");
        _compressBound = (delegate* unmanaged[Cdecl]<nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_compressBound");
        _refCompressorPrefix = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_CCtx_refPrefix");
        _createDecompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "ZSTD_createDStream");
        _freeDecompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeDStream");
        _setDecompressorParameter = (delegate* unmanaged[Cdecl]<nint, int, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_DCtx_setParameter");
        _refDecompressorPrefix = (delegate* unmanaged[Cdecl]<nint, byte*, nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_DCtx_refPrefix");
        _resetDecompressor = (delegate* unmanaged[Cdecl]<nint, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_DCtx_reset");
        _frameContentSize = (delegate* unmanaged[Cdecl]<byte*, nuint, ulong>)NativeLibrary.GetExport(library, "ZSTD_getFrameContentSize");
        _decompressStream = (delegate* unmanaged[Cdecl]<nint, ZstdOutput*, ZstdInput*, nuint>)NativeLibrary.GetExport(library, "ZSTD_decompressStream");
        Version = Marshal.PtrToStringUTF8(((delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "ZSTD_versionString"))()) ?? string.Empty;
    }

    internal override string Version { get; }

    /// <summary>Where to look, in this order. The versioned name comes first: the bare one belongs to development packages.</summary>
    internal static IReadOnlyList<string> Candidates(OSPlatform platform)
    {
        if (platform == OSPlatform.Windows)
            return ["libzstd.dll", "zstd.dll"];
        if (platform == OSPlatform.OSX)
        {
            // The system's loader does not look where Homebrew installs on Apple silicon.
            return
            [
                "libzstd.1.dylib", "libzstd.dylib",
                "/opt/homebrew/lib/libzstd.1.dylib", "/opt/homebrew/lib/libzstd.dylib",
                "/usr/local/lib/libzstd.1.dylib", "/usr/local/lib/libzstd.dylib",
            ];
        }

        return ["libzstd.so.1", "libzstd.so"];
    }

    /// <summary>Loads it; null where there is none with all that is needed (1.4.0).</summary>
    internal static SystemZstd? Find()
    {
        OSPlatform platform = OperatingSystem.IsWindows() ? OSPlatform.Windows
            : OperatingSystem.IsMacOS() ? OSPlatform.OSX
            : OSPlatform.Linux;

        // A backup often runs elevated: the current directory, where anyone may have put a DLL, is not searched.
        const DllImportSearchPath Where = DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories;
        foreach (string candidate in Candidates(platform))
        {
            if (!NativeLibrary.TryLoad(candidate, Assembly.GetExecutingAssembly(), Where, out nint library))
                continue;
            try
            {
                return new SystemZstd(library);
            }
            catch (EntryPointNotFoundException)
            {
                NativeLibrary.Free(library);
            }
        }

        return null;
    }

    internal override nint CreateCompressor() => _createCompressor();

    internal override void FreeCompressor(nint context) => _freeCompressor(context);

    internal override nuint SetCompressorParameter(nint context, int parameter, int value) => _setCompressorParameter(context, parameter, value);

    internal override nuint SetPledgedSourceSize(nint context, ulong size) => _setPledgedSourceSize(context, size);

    internal override nuint CompressStream(nint context, ZstdOutput* output, ZstdInput* input, int endDirective) =>
        _compressStream(context, output, input, endDirective);

    internal override nuint CompressBound(nuint size) => _compressBound(size);

    internal override nuint RefCompressorPrefix(nint context, byte* prefix, nuint size) => _refCompressorPrefix(context, prefix, size);

    internal override nint CreateDecompressor() => _createDecompressor();

    internal override void FreeDecompressor(nint context) => _freeDecompressor(context);

    internal override nuint SetDecompressorParameter(nint context, int parameter, int value) => _setDecompressorParameter(context, parameter, value);

    internal override nuint RefDecompressorPrefix(nint context, byte* prefix, nuint size) => _refDecompressorPrefix(context, prefix, size);

    internal override nuint ResetDecompressor(nint context, int directive) => _resetDecompressor(context, directive);

    internal override ulong FrameContentSize(byte* frame, nuint size) => _frameContentSize(frame, size);

    internal override nuint DecompressStream(nint context, ZstdOutput* output, ZstdInput* input) => _decompressStream(context, output, input);
}
