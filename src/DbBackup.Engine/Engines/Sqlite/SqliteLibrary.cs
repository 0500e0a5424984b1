using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>The SQLite that comes with the module, the same on every system.</summary>
/// <remarks>
/// Its Linux builds need glibc 2.34 (Debian 12, Ubuntu 22.04, RHEL 9). On an older system, where PowerShell still runs, they do not
/// load, and the system's own SQLite takes their place.
/// </remarks>
internal static class SqliteLibrary
{
    private const string BundledName = "e_sqlite3";
    private static readonly Lazy<string> s_version = new(Load);

    /// <summary>The version of the loaded library, such as <c>3.53.4</c>.</summary>
    /// <exception cref="BackupFailure">Neither the bundled nor the system's library loads.</exception>
    public static string Version => s_version.Value;

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == BundledName
            && (NativeLibrary.TryLoad(name, assembly, searchPath, out nint library)
                || (OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libsqlite3.so.0", out library)))
            ? library
            : 0;

    private static string Load()
    {
        NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
        try
        {
            using var connection = new SqliteConnection();
            return connection.ServerVersion;
        }
        catch (TypeInitializationException exception)
        {
            throw new BackupFailure(
                ErrorCodes.ToolMissing,
                FailureCategory.MissingTool,
                $"SQLite cannot be loaded: {exception.GetBaseException().Message}",
                OperatingSystem.IsLinux()
                    ? "Install the system's SQLite (Debian: apt install libsqlite3-0; RHEL: dnf install sqlite-libs) and start a new session."
                    : "Install the module again: its folder module/bin/engine/runtimes is incomplete.",
                exception);
        }
    }
}
