using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>The folder of a dump in the directory format.</summary>
internal static class DumpFolder
{
    /// <summary>
    /// Fails unless all that is in it are files: pg_restore would load what a link leads to, any file that this user may read, into a table,
    /// and wait for ever for somebody to write into a FIFO.
    /// </summary>
    /// <exception cref="BackupFailure"><see cref="ErrorCodes.UnsafeContent"/>.</exception>
    public static void RequireFiles(string folder)
    {
        if (RegularFile.FindOther(folder) is not { } other)
            return;
        throw new BackupFailure(
            ErrorCodes.UnsafeContent,
            FailureCategory.InvalidData,
            $"'{Path.GetRelativePath(folder, other)}' in the dump's folder is no file but a link, FIFO or device, and pg_dump writes none.",
            "Do not use this dump before you know who made it; if the link is your own, put the file that it leads to in its place.")
        { Target = other };
    }
}
