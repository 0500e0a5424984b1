using System.Reflection;
using System.Runtime.InteropServices;

namespace DbBackup.Engine.Payloads;

/// <summary>
/// The system's libzstd, found when it is first needed. It is a choice, not a dependency: where it does not load, gzip is used.
/// </summary>
internal sealed unsafe class ZstdLibrary
{
    private static readonly Lazy<ZstdLibrary?> Loaded = new(Load);

    internal readonly delegate* unmanaged[Cdecl]<nint> CreateCompressor;
    internal readonly delegate* unmanaged[Cdecl]<nint, nuint> FreeCompressor;
    internal readonly delegate* unmanaged[Cdecl]<nint, int, int, nuint> SetCompressorParameter;
    internal readonly delegate* unmanaged[Cdecl]<nint, ulong, nuint> SetPledgedSourceSize;
    internal readonly delegate* unmanaged[Cdecl]<nint, ZstdOutput*, ZstdInput*, int, nuint> CompressStream;
    internal readonly delegate* unmanaged[Cdecl]<nuint, nuint> CompressBound;
    internal readonly delegate* unmanaged[Cdecl]<nint> CreateDecompressor;
    internal readonly delegate* unmanaged[Cdecl]<nint, nuint> FreeDecompressor;
    internal readonly delegate* unmanaged[Cdecl]<nint, int, int, nuint> SetDecompressorParameter;
    internal readonly delegate* unmanaged[Cdecl]<nint, ZstdOutput*, ZstdInput*, nuint> DecompressStream;
    private readonly delegate* unmanaged[Cdecl]<nuint, uint> _isError;
    private readonly delegate* unmanaged[Cdecl]<nuint, nint> _errorName;

    private ZstdLibrary(nint library)
    {
        CreateCompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "ZSTD_createCCtx");
        FreeCompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeCCtx");
        SetCompressorParameter = (delegate* unmanaged[Cdecl]<nint, int, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_CCtx_setParameter");
        SetPledgedSourceSize = (delegate* unmanaged[Cdecl]<nint, ulong, nuint>)NativeLibrary.GetExport(library, "ZSTD_CCtx_setPledgedSrcSize");
        CompressStream = (delegate* unmanaged[Cdecl]<nint, ZstdOutput*, ZstdInput*, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_compressStream2");
        CompressBound = (delegate* unmanaged[Cdecl]<nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_compressBound");
        CreateDecompressor = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "ZSTD_createDStream");
        FreeDecompressor = (delegate* unmanaged[Cdecl]<nint, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeDStream");
        SetDecompressorParameter = (delegate* unmanaged[Cdecl]<nint, int, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_DCtx_setParameter");
        DecompressStream = (delegate* unmanaged[Cdecl]<nint, ZstdOutput*, ZstdInput*, nuint>)NativeLibrary.GetExport(library, "ZSTD_decompressStream");
        _isError = (delegate* unmanaged[Cdecl]<nuint, uint>)NativeLibrary.GetExport(library, "ZSTD_isError");
        _errorName = (delegate* unmanaged[Cdecl]<nuint, nint>)NativeLibrary.GetExport(library, "ZSTD_getErrorName");
        MinimumLevel = ((delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "ZSTD_minCLevel"))();
        MaximumLevel = ((delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "ZSTD_maxCLevel"))();
        Version = Marshal.PtrToStringUTF8(((delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "ZSTD_versionString"))()) ?? string.Empty;
    }

    /// <summary>Whether a libzstd with all that is needed was found.</summary>
    internal static bool IsAvailable => Loaded.Value is not null;

    /// <summary>The version found, as in <c>1.5.6</c>; null where there is none.</summary>
    internal static string? VersionString => Loaded.Value?.Version;

    /// <summary>The library.</summary>
    /// <exception cref="BackupFailure">It is not installed.</exception>
    internal static ZstdLibrary Required => Loaded.Value ?? throw PayloadCompressionChoice.ZstdMissing();

    /// <summary>The lowest level it knows; negative levels are faster than 1.</summary>
    internal int MinimumLevel { get; }

    /// <summary>The highest level it knows.</summary>
    internal int MaximumLevel { get; }

    private string Version { get; }

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

    /// <summary>Hands a result on unless it is an error.</summary>
    /// <exception cref="InvalidDataException">The library's own words.</exception>
    internal nuint Check(nuint result) => _isError(result) == 0 ? result : throw new InvalidDataException(ErrorName(result));

    private static ZstdLibrary? Load()
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
                return new ZstdLibrary(library);
            }
            catch (EntryPointNotFoundException)
            {
                // Older than 1.4.0, which brought the functions used here: look on.
                NativeLibrary.Free(library);
            }
        }

        return null;
    }

    private string ErrorName(nuint result) => Marshal.PtrToStringUTF8(_errorName(result)) ?? "unknown zstd error";
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
