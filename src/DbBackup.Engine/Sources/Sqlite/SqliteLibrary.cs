using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace DbBackup.Engine.Sources.Sqlite;

/// <summary>
/// Loads SQLite itself: the newest of the system's own and the bundled one. A database with a newer schema (STRICT tables, say)
/// is unreadable to an older library, and the bundled one is from 2021.
/// </summary>
public static unsafe class SqliteLibrary
{
    private const string BundledName = "e_sqlite3";
    private static readonly Lazy<string> Loaded = new(Load);

    /// <summary>The version of the loaded library, such as <c>3.40.1</c>.</summary>
    public static string Version => Loaded.Value;

    /// <summary>Makes sure that the library is loaded; to be called before any connection is opened.</summary>
    public static void EnsureLoaded() => _ = Loaded.Value;

    /// <summary>The names under which a system's own SQLite is found, best first.</summary>
    internal static IReadOnlyList<string> SystemCandidates(OSPlatform platform)
    {
        if (platform == OSPlatform.Windows)
            return ["winsqlite3.dll"];
        return platform == OSPlatform.OSX
            ? ["/opt/homebrew/opt/sqlite/lib/libsqlite3.dylib", "/usr/local/opt/sqlite/lib/libsqlite3.dylib", "/usr/lib/libsqlite3.dylib"]
            : ["libsqlite3.so.0", "libsqlite3.so"];
    }

    private static string Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return raw.sqlite3_libversion().utf8_to_string();
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != BundledName)
            return 0;

        OSPlatform platform = OperatingSystem.IsWindows() ? OSPlatform.Windows
            : OperatingSystem.IsMacOS() ? OSPlatform.OSX : OSPlatform.Linux;
        nint best = 0;
        int bestVersion = 0;
        foreach (string candidate in SystemCandidates(platform))
        {
            if (NativeLibrary.TryLoad(candidate, out nint handle))
                Consider(handle);
        }

        if (NativeLibrary.TryLoad(BundledName, assembly, searchPath, out nint bundled))
            Consider(bundled);
        return best;

        void Consider(nint handle)
        {
            int version = UsableVersion(handle);
            if (version > bestVersion)
                (best, bestVersion) = (handle, version);
        }
    }

    // 0 for a library that lacks what the copy needs, or that was built for a single thread.
    private static int UsableVersion(nint handle)
    {
        bool usable = NativeLibrary.TryGetExport(handle, "sqlite3_libversion_number", out nint number)
            && NativeLibrary.TryGetExport(handle, "sqlite3_threadsafe", out nint threadSafe)
            && NativeLibrary.TryGetExport(handle, "sqlite3_backup_step", out _)
            && ((delegate* unmanaged<int>)threadSafe)() != 0;
        return usable ? ((delegate* unmanaged<int>)number)() : 0;
    }

}
