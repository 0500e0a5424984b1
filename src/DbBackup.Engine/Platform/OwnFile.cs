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

        return new LockedFile(handle);
    }

    /// <summary>Reads one; null where it is somebody else's, or no regular file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="limit">The most bytes that it can have.</param>
    /// <exception cref="IOException">It cannot be read, or is longer.</exception>
    /// <exception cref="UnauthorizedAccessException">This user is not allowed to read it.</exception>
    public static byte[]? Read(string path, long limit)
    {
        if (!OperatingSystem.IsLinux() && (File.GetAttributes(path) & (FileAttributes.ReparsePoint | FileAttributes.Device | FileAttributes.Directory)) != 0)
            return null;
        SafeFileHandle? opened;
        if (OperatingSystem.IsLinux())
        {
            opened = UnixFile.OpenForReading(path, out int error);
            if (opened is null)
            {
                throw error switch
                {
                    _ when error == LibC.Eloop || error == LibC.Enxio => new UnsafePathException(path, "is no file"),
                    LibC.Eacces => new UnauthorizedAccessException($"'{path}' could not be opened: {UnixFile.Words(error)}."),
                    _ => UnixFile.Failed($"'{path}' could not be opened", error),
                };
            }
        }
        else
        {
            opened = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }

        using SafeFileHandle file = opened;
        // No name at all has one that was replaced meanwhile.
        if (OperatingSystem.IsLinux()
            && (!UnixFile.TryStat(file, out UnixFileFacts facts) || facts.Kind != FileKind.File || facts.LinkCount > 1 || facts.UserId != UnixFile.EffectiveUserId))
        {
            return null;
        }

        long length = RandomAccess.GetLength(file);
        if (length > limit)
            throw new IOException($"'{path}' has {length} bytes, which is no record of this module's.");
        byte[] content = new byte[length];
        int have = 0;
        while (have < content.Length && RandomAccess.Read(file, content.AsSpan(have), have) is > 0 and var read)
            have += read;
        return content[..have];
    }

    /// <summary>
    /// Opens a file that is nothing but a lock, and creates it for this user alone where it is missing. Another user's is as good: nothing is
    /// read from it. A link, a FIFO or a device is none.
    /// </summary>
    /// <returns>Null where another process has it.</returns>
    /// <exception cref="UnsafePathException">Something else lies there.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">This user is not allowed to.</exception>
    public static FileStream? TryLock(string path, FileOptions options = FileOptions.None)
    {
        if (!OperatingSystem.IsLinux())
        {
            if (File.Exists(path) && (File.GetAttributes(path) & FileAttributes.ReparsePoint) != 0)
                throw new UnsafePathException(path, "is a link");
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, options);
            }
            catch (IOException) when (File.Exists(path))
            {
                return null;
            }
        }

        int descriptor = LibC.Openat(LibC.CurrentDirectory, path, LibC.OpenReadWrite | LibC.OpenCreate | LibC.OpenNoFollow | LibC.OpenNonBlocking | LibC.OpenCloseOnExec, 0x180 /* 0600 */);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw error switch
            {
                _ when error == LibC.Eloop => new UnsafePathException(path, "is a link"),
                LibC.Enxio or LibC.Eisdir => new UnsafePathException(path, "is no file"),
                LibC.Eacces or LibC.Eperm => new UnauthorizedAccessException($"'{path}' could not be opened: {UnixFile.Words(error)}."),
                _ => UnixFile.Failed($"'{path}' could not be opened", error),
            };
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (UnixFile.TryStat(handle, out UnixFileFacts facts) && (facts.Kind != FileKind.File || facts.LinkCount > 1))
        {
            handle.Dispose();
            throw new UnsafePathException(path, facts.Kind == FileKind.File ? "has a second name elsewhere" : "is no file");
        }

        if (LibC.Flock(descriptor, LibC.LockExclusiveNow) != 0)
        {
            handle.Dispose();
            return null;
        }

        return new LockedFile(handle);
    }

    /// <summary>True if a path is a regular file of this user's own (on Windows: no link).</summary>
    public static bool Is(string path) => OperatingSystem.IsLinux()
        ? UnixFile.TryStat(path, out UnixFileFacts facts) && facts.Kind == FileKind.File && facts.LinkCount == 1 && facts.UserId == UnixFile.EffectiveUserId
        : File.Exists(path) && (File.GetAttributes(path) & FileAttributes.ReparsePoint) == 0;

    /// <summary>
    /// A file that is locked by its handle. The lock is taken off before the handle is closed: a program that is being started at this moment has
    /// a copy of the handle until it runs, and would keep the lock as long.
    /// </summary>
    private sealed class LockedFile(SafeFileHandle handle) : FileStream(handle, FileAccess.ReadWrite, 1)
    {
        protected override void Dispose(bool disposing)
        {
            if (disposing && CanRead)
            {
                Flush();
                _ = LibC.Flock((int)SafeFileHandle.DangerousGetHandle(), LibC.Unlock);
            }

            base.Dispose(disposing);
        }
    }
}
