using System.Runtime.InteropServices;

namespace DbBackup.Engine.Platform;

/// <summary>What it takes for files to be there after a power cut: their content and the folders that name them reach the disk.</summary>
internal static class DurableFiles
{
    /// <summary>Above this many files, one flush of the whole file system is quicker than a flush of each.</summary>
    private const int FlushOneByOne = 2000;

    // PATH_MAX of Linux without its end, and without room for one more name.
    private const int LongestPath = 4095 - 256;

    /// <summary>Makes the names in a folder (creations, renames, deletions) durable. Windows does so by itself.</summary>
    public static void FlushDirectory(string path)
    {
        if (!OperatingSystem.IsWindows())
            Flush(path, "folder");
    }

    /// <summary>Makes a file, or a folder with everything below it, durable.</summary>
    public static void FlushTree(string path, CancellationToken cancellationToken = default)
    {
        if (!Directory.Exists(path))
        {
            FlushFile(path);
            return;
        }

        var flushed = 0;
        var pending = new Stack<string>();
        var folders = new List<string>();
        pending.Push(path);
        var wholeFileSystem = false;
        while (!wholeFileSystem && pending.TryPop(out var folder))
        {
            cancellationToken.ThrowIfCancellationRequested();
            folders.Add(folder);
            try
            {
                foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
                {
                    // Below the longest path (PATH_MAX) nothing can be opened by its name, nor can the framework open one that is not UTF-8.
                    if (OperatingSystem.IsLinux() && (entry.FullName.Length == 0 || entry.FullName.Contains('\uFFFD', StringComparison.Ordinal) || System.Text.Encoding.UTF8.GetByteCount(entry.FullName) > LongestPath))
                    {
                        wholeFileSystem = true;
                        break;
                    }

                    if (entry.LinkTarget is not null)
                        continue;
                    if (entry is DirectoryInfo)
                        pending.Push(entry.FullName);
                    else
                        FlushFile(entry.FullName);

                    // Linux reports write errors of syncfs since 5.8.
                    if (++flushed == FlushOneByOne && OperatingSystem.IsLinux())
                    {
                        wholeFileSystem = true;
                        break;
                    }
                }
            }
            catch (UnauthorizedAccessException) when (OperatingSystem.IsLinux())
            {
                // Restored with a mode that keeps even its owner out: it cannot be opened, but it can be flushed with the rest.
                wholeFileSystem = true;
            }
        }

        if (wholeFileSystem)
        {
            FlushFileSystemOf(path);
            return;
        }

        for (var index = folders.Count - 1; index >= 0; index--)
            FlushDirectory(folders[index]);
    }

    /// <summary>Renames a folder, durably, and never onto one that exists (a plain rename replaces an empty one without a word).</summary>
    /// <exception cref="BackupFailure"><see cref="ErrorCodes.DestinationExists"/>.</exception>
    public static void MoveDirectoryNoReplace(string from, string to)
    {
        var moved = UnixFile.TryRenameNoReplace(from, to);
        if (moved is null)
        {
            if (Path.Exists(to))
                moved = false;
            else
                Directory.Move(from, to);
        }

        if (moved == false)
        {
            throw new BackupFailure(
                ErrorCodes.DestinationExists,
                FailureCategory.AlreadyExists,
                $"'{to}' exists already. Nothing was changed.",
                "Use another name, or move the present one away first.")
            {
                Target = to,
            };
        }

        var newParent = Path.GetDirectoryName(Path.GetFullPath(to))!;
        var oldParent = Path.GetDirectoryName(Path.GetFullPath(from))!;
        FlushDirectory(newParent);
        if (oldParent != newParent)
            FlushDirectory(oldParent);
    }

    /// <summary>Renames a file, never onto one that exists. The caller flushes the folder.</summary>
    /// <returns>False if there is one of the new name.</returns>
    public static bool TryMoveFileNoReplace(string from, string to)
    {
        if (UnixFile.TryRenameNoReplace(from, to) is { } moved)
            return moved;
        try
        {
            // Links and unlinks where the system can.
            File.Move(from, to, overwrite: false);
            return true;
        }
        catch (IOException) when (Path.Exists(to))
        {
            return false;
        }
    }

    /// <summary>Makes one file's content durable.</summary>
    public static void FlushFile(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            file.Flush(flushToDisk: true);
            return;
        }

        Flush(path, "file");
    }

    private static void Flush(string path, string kind)
    {
        using var handle = UnixFile.OpenForReading(path, out var error);
        if (handle is null)
        {
            // Sockets cannot be opened, and hold nothing that could be lost.
            if (error == LibC.Enxio || error == LibC.Eloop)
                return;
            throw error is LibC.Eacces or LibC.Eperm
                ? new UnauthorizedAccessException($"The {kind} '{path}' could not be opened to flush it.")
                : UnixFile.Failed($"The {kind} '{path}' could not be opened to flush it", error);
        }

        int result;
        do
        {
            result = LibC.Fsync((int)handle.DangerousGetHandle()) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        while (result == LibC.Eintr);

        // Some network and FUSE file systems have no flush of a folder, and FIFOs have none at all.
        if (result != 0 && result != LibC.Einval && result != LibC.Enotsup)
            throw UnixFile.Failed($"The {kind} '{path}' could not be flushed to disk", result);
    }

    private static void FlushFileSystemOf(string path)
    {
        using var handle = UnixFile.OpenForReading(path, out var error);
        if (handle is null)
        {
            var parent = Path.GetDirectoryName(Path.GetFullPath(path));
            if (parent is null)
                throw UnixFile.Failed($"'{path}' could not be opened to flush it", error);
            FlushFileSystemOf(parent);
            return;
        }

        if (LibC.Syncfs((int)handle.DangerousGetHandle()) != 0)
            throw UnixFile.Failed($"The file system of '{path}' could not be flushed", Marshal.GetLastPInvokeError());
    }
}
