using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Platform;

/// <summary>
/// Deletes folders with everything in them. On Linux by handles of the folders: whatever anybody puts in the place of a folder meanwhile, a
/// link above all, nothing is deleted that does not lie in the folder that was named. Links are deleted and not followed, and a file
/// system that is mounted below is left alone. Elsewhere the framework deletes, which does not follow links either.
/// </summary>
internal static class FolderRemoval
{
    /// <summary>Deletes a folder that this process has made.</summary>
    /// <exception cref="IOException">Something of it cannot be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">This user is not allowed to.</exception>
    public static void Delete(string folder)
    {
        if (OperatingSystem.IsLinux() && Environment.Is64BitProcess)
            DeleteByHandles(folder, onlyOwn: false);
        else
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>Deletes a folder that this process has made, if it is there still.</summary>
    /// <exception cref="IOException">Something of it cannot be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">This user is not allowed to.</exception>
    public static void DeleteIfThere(string folder)
    {
        // Whoever asked first whether it exists would take a disk that fails at that moment for a no.
        try
        {
            Delete(folder);
        }
        catch (DirectoryNotFoundException)
        {
            // It has its place by now.
        }
    }

    /// <summary>Deletes a folder that was found: only if it is a folder itself and this user's own.</summary>
    /// <returns>False if it is not, and stays.</returns>
    /// <exception cref="IOException">Something of it cannot be deleted.</exception>
    public static bool DeleteOwn(string folder)
    {
        if (OperatingSystem.IsLinux() && Environment.Is64BitProcess)
            return DeleteByHandles(folder, onlyOwn: true);
        if (!IsOwn(folder))
            return false;
        Directory.Delete(folder, recursive: true);
        return true;
    }

    /// <summary>True if a path is a folder itself, no link to one, and this user's own (on Windows, whose rights tell that otherwise: a folder).</summary>
    public static bool IsOwn(string folder)
    {
        if (OperatingSystem.IsLinux())
            return UnixFile.TryStat(folder, out UnixFileFacts facts) && facts.Kind == FileKind.Directory && facts.UserId == UnixFile.EffectiveUserId;
        var directory = new DirectoryInfo(folder);
        return directory.Exists && (directory.Attributes & FileAttributes.ReparsePoint) == 0;
    }

    private static bool DeleteByHandles(string folder, bool onlyOwn)
    {
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string name = Path.GetFileName(path);
        // The folder above is the one that was named, through whatever links; below it nothing is followed.
        using SafeFileHandle above = Open(LibC.CurrentDirectory, Path.GetDirectoryName(path)!, 0) ?? throw Failed(path);
        using (SafeFileHandle? top = Open((int)above.DangerousGetHandle(), name, LibC.OpenNoFollow))
        {
            if (top is null)
            {
                int error = Marshal.GetLastPInvokeError();
                if (onlyOwn && (error == LibC.Enotdir || error == LibC.Eloop))
                    return false;
                throw Failed(path);
            }

            if (!UnixFile.TryStat(top, out UnixFileFacts facts))
                throw new IOException($"'{path}' could not be looked at, and was not deleted.");
            if (onlyOwn && facts.UserId != UnixFile.EffectiveUserId)
                return false;
            Empty(top, path, facts);
        }

        if (LibC.Unlinkat((int)above.DangerousGetHandle(), name, LibC.RemoveDirectory) != 0 && Marshal.GetLastPInvokeError() != LibC.Enoent)
            throw Failed(path);
        return true;
    }

    private static unsafe void Empty(SafeFileHandle folder, string path, UnixFileFacts facts)
    {
        // As the owner of a folder without the right to write, which a restore may have made.
        if ((facts.Permissions & (UnixFileMode.UserWrite | UnixFileMode.UserExecute)) != (UnixFileMode.UserWrite | UnixFileMode.UserExecute) && facts.UserId == UnixFile.EffectiveUserId)
            _ = LibC.Fchmod((int)folder.DangerousGetHandle(), 0x1C0 /* 0700 */);
        nint entries = LibC.Fdopendir((int)folder.DangerousGetHandle());
        if (entries == 0)
            throw Failed(path);
        // The stream closes the descriptor from here on.
        folder.SetHandleAsInvalid();
        try
        {
            int descriptor = LibC.Dirfd(entries);
            bool any = false;
            while (true)
            {
                var entry = (byte*)LibC.Readdir(entries);
                if (entry is null)
                {
                    if (Marshal.GetLastPInvokeError() is not 0 and not LibC.Enoent)
                        throw Failed(path);
                    if (!any)
                        return;
                    // What is deleted while a folder is read may hide what comes after it.
                    LibC.Rewinddir(entries);
                    any = false;
                    continue;
                }

                byte* name = entry + UnixFile.NameInEntry;
                ReadOnlySpan<byte> bytes = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name);
                if (bytes.SequenceEqual("."u8) || bytes.SequenceEqual(".."u8))
                    continue;
                DeleteEntry(descriptor, name, path, facts);
                any = true;
            }
        }
        finally
        {
            _ = LibC.Closedir(entries);
        }
    }

    private static unsafe void DeleteEntry(int folder, byte* name, string path, UnixFileFacts above)
    {
        if (LibC.Unlinkat(folder, name, 0) == 0)
            return;
        // A folder; POSIX has EPERM for it.
        int error = Marshal.GetLastPInvokeError();
        if (error == LibC.Enoent)
            return;
        string full = Path.Join(path, Marshal.PtrToStringUTF8((nint)name));
        if (error is not (LibC.Eisdir or LibC.Eperm))
            throw Failed(full, error);
        int descriptor = LibC.Openat(folder, name, Flags | LibC.OpenNoFollow);
        if (descriptor < 0)
            throw Failed(full, Marshal.GetLastPInvokeError() is LibC.Enotdir ? error : Marshal.GetLastPInvokeError());
        using (var handle = new SafeFileHandle(descriptor, ownsHandle: true))
        {
            if (!UnixFile.TryStat(handle, out UnixFileFacts facts))
                throw Failed(full);
            if (facts.Device != above.Device || (facts.MountId != 0 && above.MountId != 0 && facts.MountId != above.MountId))
                throw new IOException($"'{full}' is a file system of its own, which was mounted there: it stays.");
            Empty(handle, full, facts);
        }

        if (LibC.Unlinkat(folder, name, LibC.RemoveDirectory) != 0 && Marshal.GetLastPInvokeError() != LibC.Enoent)
            throw Failed(full);
    }

    private static int Flags => LibC.OpenReadOnly | LibC.OpenDirectory | LibC.OpenNonBlocking | LibC.OpenCloseOnExec;

    private static SafeFileHandle? Open(int directory, string name, int more)
    {
        int descriptor = LibC.Openat(directory, name, Flags | more);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static Exception Failed(string path) => Failed(path, Marshal.GetLastPInvokeError());

    private static Exception Failed(string path, int error) => error switch
    {
        LibC.Enoent => new DirectoryNotFoundException($"'{path}' does not exist."),
        LibC.Eacces or LibC.Eperm => new UnauthorizedAccessException($"'{path}' could not be deleted: {UnixFile.Words(error)}."),
        _ => UnixFile.Failed($"'{path}' could not be deleted", error),
    };
}
