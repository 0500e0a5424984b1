using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Platform;

/// <summary>
/// Files and folders below a folder that others may write to. The folder itself is the one that was named, through whatever links; below it no
/// link is followed, and only regular files are opened, without ever waiting for somebody at the other end of a FIFO. On Linux each operation begins at a
/// handle of the folder, so that nothing can be changed for a link on the way; elsewhere each part of a path is looked at before.
/// </summary>
/// <param name="root">The folder's absolute path.</param>
/// <param name="givesToOwner">
/// True if what root makes below a folder of another user is that user's, as private as before: what one run makes by <c>sudo</c> the next without it can read.
/// </param>
internal sealed class RootedFolder(string root, bool givesToOwner = false)
{
    private const uint Mode0600 = 0x180;
    private const uint Mode0700 = 0x1C0;
    private const uint RenameNoReplace = 1;
    private static volatile bool s_hasOpenat2 = true;

    /// <summary>The absolute path of what lies below.</summary>
    /// <param name="relative">Names, with <c>/</c> between them.</param>
    public string PathOf(string relative) => Path.Join(root, relative.Trim('/').Replace('/', Path.DirectorySeparatorChar));

    /// <summary>Opens a regular file for reading.</summary>
    /// <exception cref="FileNotFoundException">It does not exist, or a folder above it does not.</exception>
    /// <exception cref="UnsafePathException">It is no regular file, or a link leads to it.</exception>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public SafeFileHandle OpenRead(string relative)
    {
        string path = PathOf(relative);
        if (!OperatingSystem.IsLinux())
        {
            RefuseLinks(relative);
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
        }

        SafeFileHandle file = Open(relative, LibC.OpenReadOnly | LibC.OpenNonBlocking, out int error) ?? throw Failed(path, "opened", error);
        if (UnixFile.TryStat(file, out UnixFileFacts facts) && facts.Kind != FileKind.File)
        {
            file.Dispose();
            throw new UnsafePathException(path, facts.Kind == FileKind.Directory ? "is a folder, not a file" : $"is a {(facts.Kind == FileKind.Fifo ? "FIFO" : "device")}, not a file");
        }

        _ = LibC.PosixFadvise((int)file.DangerousGetHandle(), 0, 0, LibC.ReadInSequence);
        return file;
    }

    /// <summary>Creates a private file.</summary>
    /// <exception cref="IOException">It exists, or cannot be created.</exception>
    public FileStream CreateNew(string relative)
    {
        string path = PathOf(relative);
        if (!OperatingSystem.IsLinux())
        {
            RefuseLinks(relative);
            return PrivateFiles.CreateNew(path);
        }

        using SafeFileHandle folder = OpenFolder(ParentOf(relative), create: false);
        int descriptor = LibC.Openat(Number(folder), NameOf(relative), LibC.OpenReadWrite | LibC.OpenCreateNew | LibC.OpenNoFollow | LibC.OpenCloseOnExec, Mode0600);
        if (descriptor < 0)
            throw Failed(path, "created", Marshal.GetLastPInvokeError());
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        GiveToOwner(file);
        return new FileStream(file, FileAccess.ReadWrite, 1);
    }

    /// <summary>Creates a private folder and those above it that are missing; one that exists keeps its mode.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    public void CreateFolder(string relative)
    {
        if (!OperatingSystem.IsLinux())
        {
            RefuseLinks(relative);
            PrivateFiles.CreateFolder(PathOf(relative));
            return;
        }

        using SafeFileHandle folder = OpenFolder(relative, create: true);
    }

    /// <summary>Gives a file another name in its folder, unless there is one of that name.</summary>
    /// <returns>False if there is.</returns>
    public bool TryRename(string relative, string name)
    {
        string path = PathOf(relative);
        string target = Path.Join(Path.GetDirectoryName(path), name);
        if (!OperatingSystem.IsLinux())
            return DurableFiles.TryMoveFileNoReplace(path, target);
        using SafeFileHandle folder = OpenFolder(ParentOf(relative), create: false);
        int error = Rename(Number(folder), NameOf(relative), name);
        if (error == 0)
            return true;
        if (error == LibC.Eexist)
            return false;
        if (error != LibC.Enosys && error != LibC.Einval && error != LibC.Enotsup)
            throw UnixFile.Failed($"'{path}' could not be renamed to '{name}'", error);
        // A network share, say: a second name, and then the first one goes.
        if (LibC.Linkat(Number(folder), NameOf(relative), Number(folder), name, 0) == 0)
        {
            _ = LibC.Unlinkat(Number(folder), NameOf(relative), 0);
            return true;
        }

        return Marshal.GetLastPInvokeError() != LibC.Eexist && DurableFiles.TryMoveFileNoReplace(path, target);
    }

    /// <summary>Deletes a file, or a link itself. One that does not exist is no error.</summary>
    public void Delete(string relative)
    {
        string path = PathOf(relative);
        if (!OperatingSystem.IsLinux())
        {
            RefuseLinks(ParentOf(relative));
            File.Delete(path);
            return;
        }

        using SafeFileHandle? folder = TryOpenFolder(ParentOf(relative));
        if (folder is null)
            return;
        int error = LibC.Unlinkat(Number(folder), NameOf(relative), 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (error is not (0 or LibC.Enoent))
            throw Failed(path, "deleted", error);
    }

    /// <summary>Deletes a folder if it is empty.</summary>
    /// <returns>False if it is not, or cannot be deleted.</returns>
    public bool TryDeleteEmpty(string relative)
    {
        string path = PathOf(relative);
        try
        {
            if (OperatingSystem.IsLinux())
            {
                using SafeFileHandle? folder = TryOpenFolder(ParentOf(relative));
                return folder is not null && LibC.Unlinkat(Number(folder), NameOf(relative), LibC.RemoveDirectory) == 0;
            }

            RefuseLinks(relative);
            Directory.Delete(path, recursive: false);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Makes sure that a folder itself, or what is missing of it, can be reached without a link.</summary>
    /// <exception cref="UnsafePathException">A part of the path is a link.</exception>
    public void RefuseLinks(string relative)
    {
        if (OperatingSystem.IsLinux())
        {
            using SafeFileHandle? folder = TryOpenFolder(relative);
            return;
        }

        string path = root;
        foreach (string name in relative.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            path = Path.Join(path, name);
            // A link that leads nowhere has attributes, and does not exist.
            var entry = new FileInfo(path);
            if (entry.Attributes != (FileAttributes)(-1) && (entry.Attributes & (FileAttributes.ReparsePoint | FileAttributes.Device)) != 0)
                throw new UnsafePathException(path, "is a link");
        }
    }

    private SafeFileHandle OpenFolder(string relative, bool create)
    {
        if (TryOpenFolder(relative) is { } there)
            return there;
        if (!create)
            throw Failed(PathOf(relative), "opened", LibC.Enoent);
        PrivateFiles.CreateFolder(root);
        SafeFileHandle folder = OpenRoot(out int error) ?? throw Failed(root, "opened", error);
        foreach (string name in relative.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            using SafeFileHandle above = folder;
            bool isNew = LibC.Mkdirat(Number(above), name, Mode0700) == 0;
            folder = OpenBelow(above, name, LibC.OpenPlace | LibC.OpenDirectory, out error) ?? throw Failed(PathOf(relative), "created", error);
            if (isNew)
                GiveToOwner(folder);
        }

        return folder;
    }

    private void GiveToOwner(SafeFileHandle made)
    {
        if (!givesToOwner || UnixFile.EffectiveUserId != 0)
            return;
        using SafeFileHandle? top = OpenRoot(out _);
        if (top is null || !UnixFile.TryStat(top, out UnixFileFacts owner) || owner.UserId == 0 || !UnixFile.TryStat(made, out UnixFileFacts facts) || facts.UserId != 0)
            return;
        // The owner may have put another folder of root's in the place of the one that was just made: one with something in it is not that.
        if (facts.Kind == FileKind.Directory && Directory.EnumerateFileSystemEntries($"/proc/self/fd/{Number(made)}").Any())
            return;
        // A share that knows no owners, say, leaves it as it is.
        _ = LibC.Fchownat(Number(made), string.Empty, owner.UserId, owner.GroupId, UnixFile.EmptyPath);
    }

    // Null where it does not exist; everything else that is wrong is an error.
    private SafeFileHandle? TryOpenFolder(string relative) => Open(relative, LibC.OpenPlace | LibC.OpenDirectory, out int error)
        ?? (error == LibC.Enoent ? null : throw Failed(PathOf(relative), "opened", error));

    private SafeFileHandle? OpenRoot(out int error) =>
        Handle(LibC.Openat(LibC.CurrentDirectory, root, LibC.OpenPlace | LibC.OpenDirectory | LibC.OpenCloseOnExec), out error);

    private unsafe SafeFileHandle? Open(string relative, int flags, out int error)
    {
        using SafeFileHandle? top = OpenRoot(out error);
        if (top is null)
            return null;
        if (relative.Trim('/') is not { Length: > 0 } path)
            return Handle(LibC.Openat(Number(top), ".", flags | LibC.OpenCloseOnExec), out error);
        if (s_hasOpenat2)
        {
            var how = new LibC.OpenHow { Flags = (uint)(flags | LibC.OpenCloseOnExec), Resolve = LibC.ResolveBeneathWithoutLinks };
            SafeFileHandle? found = Handle((int)LibC.Syscall(LibC.Openat2, Number(top), path, &how, (nuint)sizeof(LibC.OpenHow)), out error);
            // A filter of system calls that does not know it says EPERM.
            if (error != LibC.Enosys && error != LibC.Eperm)
                return found;
            s_hasOpenat2 = error != LibC.Enosys;
        }

        return OpenStepByStep(top, path.Split('/', StringSplitOptions.RemoveEmptyEntries), flags, out error);
    }

    private static SafeFileHandle? OpenStepByStep(SafeFileHandle top, string[] names, int flags, out int error)
    {
        SafeFileHandle folder = top;
        for (int index = 0; ; index++)
        {
            bool isLast = index == names.Length - 1;
            SafeFileHandle? next = null;
            error = LibC.Enoent;
            if (names[index] != "..")
                next = OpenBelow(folder, names[index], isLast ? flags : LibC.OpenPlace | LibC.OpenDirectory, out error);
            if (folder != top)
                folder.Dispose();
            if (isLast || next is null)
                return next;
            folder = next;
        }
    }

    private static SafeFileHandle? OpenBelow(SafeFileHandle folder, string name, int flags, out int error) =>
        Handle(LibC.Openat(Number(folder), name, flags | LibC.OpenNoFollow | LibC.OpenCloseOnExec), out error);

    // The error at once: whatever is called next may set another one.
    private static SafeFileHandle? Handle(int descriptor, out int error)
    {
        error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    private static int Number(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static int Rename(int folder, string from, string to)
    {
        try
        {
            return LibC.Renameat2(folder, from, folder, to, RenameNoReplace) == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        catch (EntryPointNotFoundException)
        {
            return LibC.Enosys; // an older musl
        }
    }

    private static string ParentOf(string relative)
    {
        string path = relative.Trim('/');
        int slash = path.LastIndexOf('/');
        return slash < 0 ? string.Empty : path[..slash];
    }

    private static string NameOf(string relative)
    {
        string path = relative.Trim('/');
        return path[(path.LastIndexOf('/') + 1)..];
    }

    private Exception Failed(string path, string action, int error) => error switch
    {
        LibC.Enoent => new FileNotFoundException($"'{path}' does not exist.", path),
        // With a folder asked for, a link is none; for the system that is the first thing that is wrong.
        LibC.Enotdir => FirstLink(path) is { } link ? new UnsafePathException(link, "is a link") : new DirectoryNotFoundException($"A part of '{path}' is no folder."),
        LibC.Enxio => new UnsafePathException(path, "is a socket or device, not a file"),
        LibC.Eacces or LibC.Eperm => new UnauthorizedAccessException($"'{path}' could not be {action}: {UnixFile.Words(error)}."),
        _ when error == LibC.Eloop => new UnsafePathException(FirstLink(path) ?? path, "is a link"),
        _ => UnixFile.Failed($"'{path}' could not be {action}", error),
    };

    // For an error alone.
    private string? FirstLink(string path)
    {
        string part = root;
        foreach (string name in Path.GetRelativePath(root, path).Split(Path.DirectorySeparatorChar))
        {
            part = Path.Join(part, name);
            if (UnixFile.TryStat(part, out UnixFileFacts facts) && facts.Kind == FileKind.SymbolicLink)
                return part;
        }

        return null;
    }
}
