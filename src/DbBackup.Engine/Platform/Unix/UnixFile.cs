using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Platform;

/// <summary>File calls of Unix that the framework does not offer. Each says so (false, null) where the system has none.</summary>
internal static class UnixFile
{
    /// <summary>Has a call act on the handle itself instead of on a name below it.</summary>
    public const int EmptyPath = 0x1000;

    private const uint BasicStats = 0x7FF;
    private const uint BirthTime = 0x800;
    private const uint MountId = 0x1000;
    private const uint RenameNoReplace = 1;
    // d_name of struct dirent on Linux with 64 bits, of glibc and musl alike.
    internal const int NameInEntry = 19;
    private const nint OmitTime = 0x3FFFFFFE;

    /// <summary>The user that file access is checked for; null on Windows.</summary>
    public static uint? EffectiveUserId => OperatingSystem.IsWindows() ? null : LibC.Geteuid();

    /// <summary>The group that new files get; null on Windows.</summary>
    public static uint? EffectiveGroupId => OperatingSystem.IsWindows() ? null : LibC.Getegid();

    /// <summary>Reads the facts of a path itself, be it a link or not. Linux only.</summary>
    public static bool TryStat(string path, out UnixFileFacts facts) => Stat(path, LibC.SymlinkNoFollow, out facts) == 0;

    /// <summary>Reads the facts of what a path leads to. Linux only.</summary>
    public static bool TryStatFollow(string path, out UnixFileFacts facts) => Stat(path, 0, out facts) == 0;

    /// <summary>Like <see cref="TryStat(string, out UnixFileFacts)"/>, with the system's error number: 0 is success.</summary>
    public static int StatError(string path, out UnixFileFacts facts) => Stat(path, LibC.SymlinkNoFollow, out facts);

    /// <summary>Reads the facts of an open file, whatever has become of its name. Linux only.</summary>
    public static bool TryStat(SafeFileHandle handle, out UnixFileFacts facts)
    {
        var added = false;
        try
        {
            handle.DangerousAddRef(ref added);
            return Stat("", EmptyPath, out facts, (int)handle.DangerousGetHandle()) == 0;
        }
        finally
        {
            if (added)
                handle.DangerousRelease();
        }
    }

    /// <summary>
    /// Opens a file for reading without following a link in its last part and without waiting for a FIFO's writer:
    /// either may have taken the file's place since it was listed. Not for Windows.
    /// </summary>
    /// <returns>The open file, or null with the system's error number.</returns>
    public static SafeFileHandle? OpenForReading(string path, out int error)
    {
        var flags = LibC.OpenReadOnly | LibC.OpenNoFollow | LibC.OpenNonBlocking | LibC.OpenCloseOnExec;
        int descriptor;
        do
        {
            descriptor = LibC.Open(path, flags);
            error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == LibC.Eintr);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Gives a file, or a link itself, to a user and group.</summary>
    public static bool TrySetOwner(string path, uint userId, uint groupId) =>
        !OperatingSystem.IsWindows() && LibC.Lchown(path, userId, groupId) == 0;

    /// <summary>Sets the time of the last change of a file, or of a link itself.</summary>
    public static unsafe bool TrySetModified(string path, DateTime modifiedUtc)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        var ticks = modifiedUtc.Ticks - DateTime.UnixEpoch.Ticks;
        var seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out var rest);
        if (rest < 0)
        {
            seconds--;
            rest += TimeSpan.TicksPerSecond;
        }

        var times = stackalloc LibC.TimeSpec[2];
        times[0] = new LibC.TimeSpec { Nanoseconds = OmitTime };
        times[1] = new LibC.TimeSpec { Seconds = (nint)seconds, Nanoseconds = (nint)(rest * 100) };
        return LibC.Utimensat(LibC.CurrentDirectory, path, times, LibC.SymlinkNoFollow) == 0;
    }

    /// <summary>Renames unless the new name exists, in one step. Null where the file system cannot.</summary>
    /// <returns>False when the new name exists.</returns>
    public static bool? TryRenameNoReplace(string from, string to) => Rename(from, to, RenameNoReplace) switch
    {
        0 => true,
        LibC.Eexist => false,
        var error when NotSupported(error) => null,
        var error => throw Failed($"'{from}' could not be renamed to '{to}'", error),
    };

    /// <summary>Gives a file a second name. Links are not followed.</summary>
    public static bool TryLink(string existing, string newName) =>
        !OperatingSystem.IsWindows() && LibC.Linkat(LibC.CurrentDirectory, existing, LibC.CurrentDirectory, newName, 0) == 0;

    /// <summary>Makes a FIFO.</summary>
    public static bool TryMakeFifo(string path) => !OperatingSystem.IsWindows() && LibC.Mkfifo(path, 0x180 /* 0600 */) == 0;

    /// <summary>A path with every link in it resolved; the absolute path where it does not exist or on Windows.</summary>
    public static unsafe string RealPath(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (OperatingSystem.IsWindows())
            return full;

        // 4096 is PATH_MAX on Linux, 1024 on macOS: realpath writes no more.
        var buffer = stackalloc byte[4097];
        return LibC.Realpath(full, buffer) == 0
            ? full
            : RawName.Decode(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(buffer));
    }

    /// <summary>Has the system write back what it holds for the file system of a path. A wish: where it cannot be had, nothing happens.</summary>
    public static void TryWriteBack(string path)
    {
        if (!OperatingSystem.IsLinux())
            return;
        using SafeFileHandle? handle = OpenForReading(path, out _);
        if (handle is not null)
            _ = LibC.Syncfs((int)handle.DangerousGetHandle());
    }

    /// <summary>
    /// Copies what an open file holds into a new or overwritten file, by sharing its blocks where the file system can. File.Copy would ask
    /// for a lock of the framework's own, which an application that uses such locks may hold.
    /// </summary>
    public static void CopyContent(SafeFileHandle source, string target)
    {
        using SafeFileHandle copy = File.OpenHandle(target, FileMode.Create, FileAccess.Write, FileShare.None);
        if (OperatingSystem.IsLinux() && LibC.Ioctl((int)copy.DangerousGetHandle(), LibC.CloneFile, (int)source.DangerousGetHandle()) == 0)
            return;
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent((int)Math.Clamp(RandomAccess.GetLength(source), 1, 1 << 20));
        try
        {
            int read;
            long length = RandomAccess.GetLength(source);
            for (long position = NextData(source, 0); position < long.MaxValue && (read = RandomAccess.Read(source, buffer, position)) > 0; position = NextData(source, position + read))
                RandomAccess.Write(copy, buffer.AsSpan(0, read), position);
            if (RandomAccess.GetLength(copy) < length)
                RandomAccess.SetLength(copy, length);
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Finds where the next data of a file begins; the position itself where the file system knows of no holes.</summary>
    /// <returns>A number beyond every file's end if there is none.</returns>
    public static long NextData(SafeFileHandle file, long position) => Seek(file, position, LibC.SeekData) ?? position;

    /// <summary>Finds where the data at a position ends; a number beyond every file's end where the file system knows of no holes.</summary>
    public static long NextHole(SafeFileHandle file, long position) => Seek(file, position, LibC.SeekHole) ?? long.MaxValue;

    private static long? Seek(SafeFileHandle file, long position, int what)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        var added = false;
        try
        {
            file.DangerousAddRef(ref added);
            var found = LibC.Lseek((int)file.DangerousGetHandle(), position, what);
            return found >= 0 ? found : Marshal.GetLastPInvokeError() == LibC.Enxio ? long.MaxValue : null;
        }
        finally
        {
            if (added)
                file.DangerousRelease();
        }
    }

    /// <summary>True where <see cref="NamesIn"/> works.</summary>
    public static bool CanReadNames => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>Reads the names in a folder with all their bytes; see <see cref="RawName"/>.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static unsafe List<string> NamesIn(string folder)
    {
        int descriptor = LibC.Open(folder, LibC.OpenReadOnly | LibC.OpenDirectory | LibC.OpenCloseOnExec | LibC.OpenNonBlocking);
        if (descriptor < 0)
            throw Unreadable(folder, Marshal.GetLastPInvokeError());
        nint entries = LibC.Fdopendir(descriptor);
        if (entries == 0)
        {
            int error = Marshal.GetLastPInvokeError();
            _ = LibC.Close(descriptor);
            throw Unreadable(folder, error);
        }

        try
        {
            var names = new List<string>();
            while (true)
            {
                var entry = (byte*)LibC.Readdir(entries);
                if (entry is null)
                    return Marshal.GetLastPInvokeError() is 0 or LibC.Enoent ? names : throw Unreadable(folder, Marshal.GetLastPInvokeError());
                ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + NameInEntry);
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                    names.Add(RawName.Decode(name));
            }
        }
        finally
        {
            _ = LibC.Closedir(entries);
        }
    }

    /// <summary>Reads what a link leads to, with all its bytes.</summary>
    /// <returns>Null if it is no link, or gone.</returns>
    public static unsafe string? LinkTarget(string path)
    {
        if (!OperatingSystem.IsLinux())
            return new FileInfo(path).LinkTarget;
        var buffer = stackalloc byte[4097];
        nint length = LibC.Readlink(path, buffer, 4097);
        return length <= 0 ? null : RawName.Decode(new ReadOnlySpan<byte>(buffer, (int)length));
    }

    /// <summary>Makes a link; both names may have any bytes.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void CreateLink(string path, string destination)
    {
        if (!RawName.IsRaw(path) && !RawName.IsRaw(destination))
            File.CreateSymbolicLink(path, destination);
        else if (LibC.Symlink(destination, path) != 0)
            throw Failed($"'{path}' could not be created", Marshal.GetLastPInvokeError());
    }

    /// <summary>Makes a folder; its name may have any bytes.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="isPrivate">True for one that is open to its owner alone.</param>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void CreateFolder(string path, bool isPrivate)
    {
        if (RawName.IsRaw(path))
        {
            if (LibC.Mkdir(path, isPrivate ? 0x1C0u /* 0700 */ : 0x1FF /* 0777 */) != 0)
                throw Failed($"'{path}' could not be created", Marshal.GetLastPInvokeError());
        }
        else if (OperatingSystem.IsWindows() || !isPrivate)
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Creates a private file; its name may have any bytes.</summary>
    /// <exception cref="IOException">It exists, or cannot be created.</exception>
    public static FileStream CreatePrivateFile(string path)
    {
        if (RawName.IsRaw(path))
        {
            int descriptor = LibC.Openat(LibC.CurrentDirectory, path, LibC.OpenReadWrite | LibC.OpenCreateNew | LibC.OpenNoFollow | LibC.OpenCloseOnExec, 0x180 /* 0600 */);
            return descriptor < 0
                ? throw Failed($"'{path}' could not be created", Marshal.GetLastPInvokeError())
                : new FileStream(new SafeFileHandle(descriptor, ownsHandle: true), FileAccess.ReadWrite, 0);
        }

        var how = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
            how.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, how);
    }

    /// <summary>Deletes a file, or a link itself; its name may have any bytes.</summary>
    /// <exception cref="IOException">It cannot be deleted.</exception>
    public static void Delete(string path)
    {
        if (!RawName.IsRaw(path))
            File.Delete(path);
        else if (LibC.Unlinkat(LibC.CurrentDirectory, path, 0) != 0 && Marshal.GetLastPInvokeError() is not LibC.Enoent)
            throw Failed($"'{path}' could not be deleted", Marshal.GetLastPInvokeError());
    }

    /// <summary>Sets the permissions of a file or folder; its name may have any bytes.</summary>
    /// <exception cref="IOException">They cannot be set.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not set them.</exception>
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public static void SetMode(string path, UnixFileMode mode)
    {
        if (!RawName.IsRaw(path))
            File.SetUnixFileMode(path, mode);
        else if (LibC.Fchmodat(LibC.CurrentDirectory, path, (uint)mode, 0) != 0)
            throw Failed($"The mode of '{path}' could not be set", Marshal.GetLastPInvokeError());
    }

    private static Exception Unreadable(string folder, int error) => error switch
    {
        LibC.Enoent or LibC.Enotdir => new DirectoryNotFoundException("It is not there."),
        LibC.Eacces or LibC.Eperm => new UnauthorizedAccessException($"'{ForeignText.ShownLine(folder)}' cannot be read: permission denied."),
        _ => Failed($"'{folder}' could not be read", error),
    };

    /// <summary>The system's words for an error number.</summary>
    public static string Words(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>An exception with the system's own words.</summary>
    public static IOException Failed(string what, int error) => new($"{ForeignText.Shown(what)}: {Marshal.GetPInvokeErrorMessage(error)}.", error);

    private static bool NotSupported(int error) => error == LibC.Enosys || error == LibC.Einval || error == LibC.Enotsup;

    private static int Rename(string from, string to, uint flags)
    {
        if (!OperatingSystem.IsLinux())
            return LibC.Enosys;
        try
        {
            return LibC.Renameat2(LibC.CurrentDirectory, from, LibC.CurrentDirectory, to, flags) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        catch (EntryPointNotFoundException)
        {
            return LibC.Enosys; // an older musl
        }
    }

    private static unsafe int Stat(string path, int flags, out UnixFileFacts facts, int? directory = null)
    {
        facts = default;
        if (!OperatingSystem.IsLinux())
            return LibC.Enosys;
        LibC.StatxBuffer buffer = default;
        try
        {
            if (LibC.Statx(directory ?? LibC.CurrentDirectory, path, flags, BasicStats | BirthTime | MountId, &buffer) != 0)
                return Marshal.GetLastPInvokeError();
        }
        catch (EntryPointNotFoundException)
        {
            return LibC.Enosys;
        }

        facts = new UnixFileFacts(
            ((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor,
            buffer.Inode,
            buffer.LinkCount,
            buffer.Mode,
            buffer.UserId,
            buffer.GroupId,
            (long)buffer.Size,
            ToUtc(buffer.ModifiedSeconds, buffer.ModifiedNanoseconds),
            (buffer.Mask & BirthTime) != 0 ? ToUtc(buffer.BirthSeconds, buffer.BirthNanoseconds).Ticks : 0,
            (buffer.Mask & MountId) != 0 ? buffer.MountId : 0)
        { AllocatedBytes = (long)buffer.Blocks * 512, ChangedUtc = ToUtc(buffer.ChangedSeconds, buffer.ChangedNanoseconds) };
        return 0;
    }

    private static DateTime ToUtc(long seconds, uint nanoseconds)
    {
        // Years before 1 or after 9999 can be set on a file, but not held by a DateTime.
        var clamped = Math.Clamp(seconds, -62135596800, 253402300799);
        return DateTime.UnixEpoch.AddTicks((clamped * TimeSpan.TicksPerSecond) + (nanoseconds / 100));
    }
}
