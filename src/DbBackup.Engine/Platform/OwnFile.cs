using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Platform;

/// <summary>
/// Opens records that this module has written where others may write too: beside a database, in a folder for temporary files. Only a regular
/// file that is this user's own is opened, with one name, and never by way of a link: anything else somebody has put there. What cannot be
/// opened without waiting (a FIFO) is none.
/// </summary>
internal static class OwnFile
{
    /// <summary>Opens it for reading and writing, and locks it against others who open it so; null where it is somebody else's, or locked.</summary>
    /// <param name="path">The file.</param>
    /// <param name="foreign">True if it is not this user's own regular file.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static FileStream? OpenLocked(string path, out bool foreign)
    {
        foreign = false;
        if (!OperatingSystem.IsLinux())
        {
            if ((File.GetAttributes(path) & (FileAttributes.ReparsePoint | FileAttributes.Device | FileAttributes.Directory)) != 0)
            {
                foreign = true;
                return null;
            }

            return new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1);
        }

        int flags = LibC.OpenReadWrite | LibC.OpenNoFollow | LibC.OpenNonBlocking | LibC.OpenCloseOnExec;
        int descriptor = LibC.Open(path, flags);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == LibC.Enoent)
                throw new FileNotFoundException($"'{path}' does not exist.", path);
            foreign = true;
            return null;
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (!UnixFile.TryStat(handle, out UnixFileFacts facts) || facts.Kind != FileKind.File || facts.LinkCount != 1 || facts.UserId != UnixFile.EffectiveUserId)
        {
            handle.Dispose();
            foreign = true;
            return null;
        }

        // The framework's own lock of a file that nobody else may open.
        if (LibC.Flock(descriptor, LibC.LockExclusiveNow) != 0)
        {
            handle.Dispose();
            return null;
        }

        return new FileStream(handle, FileAccess.ReadWrite, 1);
    }

    /// <summary>True if a path is a regular file of this user's own (on Windows: no link).</summary>
    public static bool Is(string path) => OperatingSystem.IsLinux()
        ? UnixFile.TryStat(path, out UnixFileFacts facts) && facts.Kind == FileKind.File && facts.LinkCount == 1 && facts.UserId == UnixFile.EffectiveUserId
        : File.Exists(path) && (File.GetAttributes(path) & FileAttributes.ReparsePoint) == 0;
}
