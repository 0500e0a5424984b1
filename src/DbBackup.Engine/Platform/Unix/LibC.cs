using System.Runtime.InteropServices;

namespace DbBackup.Engine.Platform;

/// <summary>The few C library calls that the framework does not offer. Callers check the operating system first.</summary>
internal static partial class LibC
{
    /// <summary>F_SETPIPE_SZ of Linux's fcntl.h.</summary>
    internal const int SetPipeSize = 1031;

    /// <summary>FICLONE of Linux's fs.h: _IOW(0x94, 9, int).</summary>
    internal const nuint CloneFile = 0x40049409;

    internal const int OpenReadOnly = 0;
    internal const int OpenReadWrite = 2;

    // O_CREAT of Linux.
    internal const int OpenCreate = 0x40;

    /// <summary>O_CREAT | O_EXCL of Linux.</summary>
    internal const int OpenCreateNew = 0x40 | 0x80;

    /// <summary>O_PATH of Linux: a place, neither read nor written.</summary>
    internal const int OpenPlace = 0x200000;

    /// <summary>The number of openat2 on every architecture of Linux (5.6 and later); no C library has a function for it.</summary>
    internal const nint Openat2 = 437;

    /// <summary>RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS of Linux's openat2.h.</summary>
    internal const ulong ResolveBeneathWithoutLinks = 0x08 | 0x04 | 0x02;

    /// <summary>POSIX_FADV_SEQUENTIAL.</summary>
    internal const int ReadInSequence = 2;

    /// <summary>LOCK_EX | LOCK_NB, the same on Linux and macOS.</summary>
    internal const int LockExclusiveNow = 2 | 4;

    /// <summary>LOCK_UN, the same on Linux and macOS.</summary>
    internal const int Unlock = 8;

    /// <summary>SEEK_DATA of Linux: the next byte that is no hole's.</summary>
    internal const int SeekData = 3;

    /// <summary>SEEK_HOLE of Linux: the end of data.</summary>
    internal const int SeekHole = 4;

    /// <summary>POLLIN, the same on Linux and macOS.</summary>
    internal const short PollInput = 1;

    // errno values that are the same on Linux and macOS.
    internal const int Eperm = 1;
    internal const int Enoent = 2;
    internal const int Esrch = 3;
    internal const int Eintr = 4;
    internal const int Enxio = 6;
    internal const int Eacces = 13;
    internal const int Eexist = 17;
    internal const int Enotdir = 20;
    internal const int Eisdir = 21;
    internal const int Einval = 22;
    internal const int Erange = 34;

    // Of Linux.
    internal const int Enodata = 61;

    internal static int Eloop => OperatingSystem.IsMacOS() ? 62 : 40;

    internal static int Enotsup => OperatingSystem.IsMacOS() ? 45 : 95;

    internal static int Enosys => OperatingSystem.IsMacOS() ? 78 : 38;

    // The same number everywhere.
    internal const int Terminate = 15;

    internal static int CurrentDirectory => OperatingSystem.IsMacOS() ? -2 : -100;

    internal static int SymlinkNoFollow => OperatingSystem.IsMacOS() ? 0x20 : 0x100;

    internal static int RemoveDirectory => OperatingSystem.IsMacOS() ? 0x80 : 0x200;

    internal static int OpenNonBlocking => OperatingSystem.IsMacOS() ? 0x4 : 0x800;

    internal static int OpenCloseOnExec => OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000;

    // The open flags whose values differ between Linux architectures.
    internal static int OpenNoFollow => OperatingSystem.IsMacOS() ? 0x100 : HasArmFlags ? 0x8000 : 0x20000;

    internal static int OpenDirectory => OperatingSystem.IsMacOS() ? 0x100000 : HasArmFlags ? 0x4000 : 0x10000;

    private static bool HasArmFlags => RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 or Architecture.Ppc64le;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Openat(int directory, string path, int flags);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Openat(int directory, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial nint Syscall(nint number, nint directory, string path, OpenHow* how, nuint size);

    [LibraryImport("libc", EntryPoint = "mkdirat", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Mkdirat(int directory, string path, uint mode);

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    internal static partial int PosixFadvise(int descriptor, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    internal static unsafe partial int Openat(int directory, byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    internal static unsafe partial int Unlinkat(int directory, byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Unlinkat(int directory, string path, int flags);

    [LibraryImport("libc", EntryPoint = "fdopendir", SetLastError = true)]
    internal static partial nint Fdopendir(int descriptor);

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    internal static partial nint Readdir(nint directory);

    [LibraryImport("libc", EntryPoint = "rewinddir")]
    internal static partial void Rewinddir(nint directory);

    [LibraryImport("libc", EntryPoint = "closedir", SetLastError = true)]
    internal static partial int Closedir(nint directory);

    [LibraryImport("libc", EntryPoint = "dirfd", SetLastError = true)]
    internal static partial int Dirfd(nint directory);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    internal static partial int Fchmod(int descriptor, uint mode);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Lseek(int descriptor, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    internal static partial int Flock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    internal static partial int Fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    internal static partial int Ioctl(int descriptor, nuint request, int argument);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    internal static partial int Syncfs(int descriptor);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial int Statx(int directory, string path, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport("libc", EntryPoint = "lchown", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Lchown(string path, uint userId, uint groupId);

    [LibraryImport("libc", EntryPoint = "fchownat", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Fchownat(int directory, string path, uint userId, uint groupId, int flags);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Renameat2(int fromDirectory, string from, int toDirectory, string to, uint flags);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Linkat(int fromDirectory, string from, int toDirectory, string to, int flags);

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Mkfifo(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Mkdir(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "fchmodat", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Fchmodat(int directory, string path, uint mode, int flags);

    [LibraryImport("libc", EntryPoint = "symlink", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static partial int Symlink(string destination, string path);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial nint Readlink(string path, byte* destination, nint size);

    [LibraryImport("libc", EntryPoint = "llistxattr", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial nint Llistxattr(string path, byte* names, nint size);

    [LibraryImport("libc", EntryPoint = "flistxattr", SetLastError = true)]
    internal static unsafe partial nint Flistxattr(int descriptor, byte* names, nint size);

    [LibraryImport("libc", EntryPoint = "lgetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial nint Lgetxattr(string path, string name, byte* value, nint size);

    [LibraryImport("libc", EntryPoint = "fgetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial nint Fgetxattr(int descriptor, string name, byte* value, nint size);

    [LibraryImport("libc", EntryPoint = "lsetxattr", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial int Lsetxattr(string path, string name, byte* value, nint size, int flags);

    // They return static memory: one call at a time.
    [LibraryImport("libc", EntryPoint = "getpwnam", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial Account* Getpwnam(string name);

    [LibraryImport("libc", EntryPoint = "getgrnam", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial Account* Getgrnam(string name);

    [LibraryImport("libc", EntryPoint = "utimensat", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial int Utimensat(int directory, string path, TimeSpec* accessedAndModified, int flags);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Custom, StringMarshallingCustomType = typeof(RawNameMarshaller))]
    internal static unsafe partial nint Realpath(string path, byte* resolved);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint Geteuid();

    [LibraryImport("libc", EntryPoint = "getegid")]
    internal static partial uint Getegid();

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    internal static unsafe partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int processId, int signal);

    /// <summary>A struct open_how.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct OpenHow
    {
        internal ulong Flags;
        internal ulong Mode;
        internal ulong Resolve;
    }

    /// <summary>The beginning of a struct passwd or group, which is the same.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Account
    {
        internal nint Name;
        internal nint Password;
        internal uint Id;
    }

    /// <summary>A struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollDescriptor
    {
        internal int Descriptor;
        internal short Events;
        internal short Returned;
    }

    /// <summary>A struct timespec of 64-bit systems.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct TimeSpec
    {
        internal nint Seconds;
        internal nint Nanoseconds;
    }

    /// <summary>The parts of Linux's struct statx that are read here; its layout is the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct StatxBuffer
    {
        [FieldOffset(0)] internal uint Mask;
        [FieldOffset(16)] internal uint LinkCount;
        [FieldOffset(20)] internal uint UserId;
        [FieldOffset(24)] internal uint GroupId;
        [FieldOffset(28)] internal ushort Mode;
        [FieldOffset(32)] internal ulong Inode;
        [FieldOffset(40)] internal ulong Size;
        [FieldOffset(48)] internal ulong Blocks;
        [FieldOffset(80)] internal long BirthSeconds;
        [FieldOffset(88)] internal uint BirthNanoseconds;
        [FieldOffset(96)] internal long ChangedSeconds;
        [FieldOffset(104)] internal uint ChangedNanoseconds;
        [FieldOffset(112)] internal long ModifiedSeconds;
        [FieldOffset(120)] internal uint ModifiedNanoseconds;
        [FieldOffset(136)] internal uint DeviceMajor;
        [FieldOffset(140)] internal uint DeviceMinor;
        [FieldOffset(144)] internal ulong MountId;
    }
}
