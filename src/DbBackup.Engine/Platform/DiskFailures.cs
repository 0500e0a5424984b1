namespace DbBackup.Engine.Platform;

/// <summary>Turns the system's own input and output errors into failures that say what to do.</summary>
internal static class DiskFailures
{
    // ENOSPC 28 and EDQUOT 122 on Linux, EDQUOT 69 on macOS; ERROR_DISK_FULL 112 and ERROR_HANDLE_DISK_FULL 39 on Windows,
    // which .NET reports in the low word of the HResult.
    private static readonly int[] FullCodes = OperatingSystem.IsWindows() ? [112, 39] : [28, 122, 69];

    /// <summary>True if an error means that a volume or a quota is full.</summary>
    public static bool IsDiskFull(Exception exception) =>
        exception is IOException && FullCodes.Contains(exception.HResult & 0xffff);

    /// <summary>Runs something whose failures of files are all the module's own, wherever in it they come from.</summary>
    /// <param name="path">What it works on.</param>
    /// <param name="doing">What it does, as in "backing up 'app'".</param>
    /// <param name="run">The work.</param>
    public static async Task<T> GuardAsync<T>(string path, string doing, Func<Task<T>> run)
    {
        try
        {
            return await run().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw From(exception, path, doing);
        }
    }

    /// <summary>The failure to report.</summary>
    /// <param name="exception">The system's error.</param>
    /// <param name="path">What was being written.</param>
    /// <param name="doing">What was being done, as in "writing pats.db.zst".</param>
    public static BackupException From(Exception exception, string path, string doing)
    {
        if (IsDiskFull(exception))
        {
            return new BackupFailure(
                ErrorCodes.NotEnoughSpace,
                FailureCategory.NoSpace,
                $"The volume of '{path}' became full while {doing}. The unfinished files were removed.",
                "Free some room there (Get-DbBackup | Where Age -gt 30d | Remove-DbBackup), or use another volume.",
                exception)
            { Target = path };
        }

        bool denied = exception is UnauthorizedAccessException;
        return new BackupFailure(
            ErrorCodes.WriteFailed,
            denied ? FailureCategory.PermissionDenied : FailureCategory.WriteError,
            $"I/O error while {doing} ('{path}'): {exception.Message}",
            denied ? "Run as a user who can write there." : "Check the disk and that its volume is still mounted, then try again.",
            exception)
        { Target = path };
    }
}
