using System.Runtime.InteropServices;

namespace DbBackup.Testing;

/// <summary>How a system call names its file.</summary>
internal enum CallForm
{
    /// <summary>An open file first.</summary>
    Descriptor,

    /// <summary>A path first.</summary>
    Path,

    /// <summary>Two paths.</summary>
    TwoPaths,

    /// <summary>A folder and a path in it.</summary>
    At,

    /// <summary>Two folders, each with a path in it.</summary>
    TwoAt,

    /// <summary>The text of a link, and its path.</summary>
    LinkPath,

    /// <summary>The text of a link, a folder and a path in it.</summary>
    LinkAt,
}

/// <summary>A system call on files.</summary>
/// <param name="Name">The name.</param>
/// <param name="X64">The number on x86-64.</param>
/// <param name="Arm64">The number on 64-bit ARM; -1 where there is none.</param>
/// <param name="Form">How it names its file.</param>
/// <param name="Faults">The errors that a file system gives it in real life.</param>
internal sealed record FileCall(string Name, int X64, int Arm64, CallForm Form, Faults Faults)
{
    /// <summary>The number here.</summary>
    public int Number => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? Arm64 : X64;
}

/// <summary>Errors of file systems.</summary>
[Flags]
internal enum Faults
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>No space left (ENOSPC).</summary>
    NoSpace = 1,

    /// <summary>Input/output error (EIO).</summary>
    Disk = 2,

    /// <summary>Permission denied (EACCES).</summary>
    Access = 4,
}

/// <summary>The system calls on files, of all threads and libraries of a process.</summary>
internal static class FileCalls
{
    private const Faults All = Faults.NoSpace | Faults.Disk | Faults.Access;
    private const Faults Place = Faults.Disk | Faults.Access;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<FileCall> List { get; } =
    [
        .. ((FileCall[])
        [
            new("read", 0, 63, CallForm.Descriptor, Faults.Disk),
            new("write", 1, 64, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("open", 2, -1, CallForm.Path, All),
            new("pread64", 17, 67, CallForm.Descriptor, Faults.Disk),
            new("pwrite64", 18, 68, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("readv", 19, 65, CallForm.Descriptor, Faults.Disk),
            new("writev", 20, 66, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("fsync", 74, 82, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("fdatasync", 75, 83, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("ftruncate", 77, 46, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("rename", 82, -1, CallForm.TwoPaths, All),
            new("mkdir", 83, -1, CallForm.Path, All),
            new("rmdir", 84, -1, CallForm.Path, Place),
            new("creat", 85, -1, CallForm.Path, All),
            new("link", 86, -1, CallForm.TwoPaths, All),
            new("unlink", 87, -1, CallForm.Path, Place),
            new("symlink", 88, -1, CallForm.LinkPath, All),
            new("chmod", 90, -1, CallForm.Path, Place),
            new("fchmod", 91, 52, CallForm.Descriptor, Place),
            new("chown", 92, -1, CallForm.Path, Place),
            new("fchown", 93, 55, CallForm.Descriptor, Place),
            new("lchown", 94, -1, CallForm.Path, Place),
            new("getdents64", 217, 61, CallForm.Descriptor, Faults.Disk),
            new("openat", 257, 56, CallForm.At, All),
            new("mkdirat", 258, 34, CallForm.At, All),
            new("fchownat", 260, 54, CallForm.At, Place),
            new("unlinkat", 263, 35, CallForm.At, Place),
            new("renameat", 264, 38, CallForm.TwoAt, All),
            new("linkat", 265, 37, CallForm.TwoAt, All),
            new("symlinkat", 266, 36, CallForm.LinkAt, All),
            new("fchmodat", 268, 53, CallForm.At, Place),
            new("utimensat", 280, 88, CallForm.At, Place),
            new("fallocate", 285, 47, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("preadv", 295, 69, CallForm.Descriptor, Faults.Disk),
            new("pwritev", 296, 70, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("renameat2", 316, 276, CallForm.TwoAt, All),
            new("copy_file_range", 326, 285, CallForm.Descriptor, Faults.NoSpace | Faults.Disk),
            new("openat2", 437, 437, CallForm.At, All),
            new("stat", 4, -1, CallForm.Path, Place),
            new("lstat", 6, -1, CallForm.Path, Place),
            new("access", 21, -1, CallForm.Path, Place),
            new("newfstatat", 262, 79, CallForm.At, Place),
            new("faccessat", 269, 48, CallForm.At, Place),
            new("statx", 332, 291, CallForm.At, Place),
        ]).Where(call => call.Number >= 0),
    ];
}
