using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines;

/// <summary>Words the failures of a restore over a database file that other processes have open.</summary>
internal static class OpenDatabase
{
    /// <summary>The failure for a file with these holders.</summary>
    public static BackupFailure InUse(string path, IReadOnlyList<FileHolder> holders, IFileEngine engine) => new(
        ErrorCodes.TargetInUse,
        FailureCategory.Busy,
        $"'{path}' is open in {Describe(holders)}. Replacing the file would leave that process with the old data, and lose what it writes.",
        HintOf(engine))
    { Target = path, CanRetry = true };

    /// <summary>The failure for a file whose holders cannot be seen.</summary>
    public static BackupFailure InUse(string path, IFileEngine engine, Exception? inner) => new(
        ErrorCodes.TargetInUse,
        FailureCategory.Busy,
        $"'{path}' is in use by a process that cannot be seen from here (of another user, or on another machine).",
        HintOf(engine),
        inner)
    { Target = path, CanRetry = true };

    /// <summary>Names the processes.</summary>
    public static string Describe(IReadOnlyList<FileHolder> holders) =>
        string.Join(", ", holders.DistinctBy(holder => holder.ProcessId).Take(3).Select(holder => holder.ProcessId > 0 ? $"{holder.ProcessName} (process {holder.ProcessId})" : "another process"));

    private static string HintOf(IFileEngine engine) => engine.CanWriteInto
        ? "Stop the application first (the safe way), or pass -Force to write into the open database."
        : "Stop the application first.";
}
