using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Platform;

/// <summary>Opens files of others for reading: regular ones alone. To open a FIFO waits for its writer, and nothing ends that; a device may have no end.</summary>
internal static class RegularFile
{
    /// <summary>Opens a file. A link to one is followed.</summary>
    /// <exception cref="UnsafePathException">It is none.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static FileStream Open(string path, bool inSequence = false)
    {
        if (OperatingSystem.IsWindows())
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1, inSequence ? FileOptions.SequentialScan : FileOptions.None);
        int descriptor = LibC.Open(path, LibC.OpenReadOnly | LibC.OpenNonBlocking | LibC.OpenCloseOnExec);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw error switch
            {
                LibC.Enoent or LibC.Enotdir => new FileNotFoundException($"'{path}' does not exist.", path),
                LibC.Enxio => new UnsafePathException(path, "is a socket or device, not a file"),
                LibC.Eacces or LibC.Eperm => new UnauthorizedAccessException($"'{path}' could not be opened: {UnixFile.Words(error)}."),
                _ => UnixFile.Failed($"'{path}' could not be opened", error),
            };
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (UnixFile.TryStat(handle, out UnixFileFacts facts) && facts.Kind != FileKind.File)
        {
            handle.Dispose();
            throw facts.Kind == FileKind.Directory
                ? new UnauthorizedAccessException($"'{path}' is a folder.")
                : new UnsafePathException(path, $"is a {(facts.Kind == FileKind.Fifo ? "FIFO" : "device")}, not a file");
        }

        if (inSequence && OperatingSystem.IsLinux())
            _ = LibC.PosixFadvise(descriptor, 0, 0, LibC.ReadInSequence);
        return new FileStream(handle, FileAccess.Read, 1);
    }

    /// <summary>The first thing in a folder that is neither a folder nor a regular file; null where there is none. Links are not followed.</summary>
    public static string? FindOther(string folder)
    {
        foreach (FileSystemInfo entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0, IgnoreInaccessible = false }))
        {
            if (entry.LinkTarget is not null || (UnixFile.TryStat(entry.FullName, out UnixFileFacts facts) && facts.Kind is not (FileKind.File or FileKind.Directory)))
                return entry.FullName;
        }

        return null;
    }
}
