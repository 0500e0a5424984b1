using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Platform;

/// <summary>An extended attribute.</summary>
/// <param name="Name">Its name with its namespace, as <c>user.comment</c>.</param>
/// <param name="Value">Its value.</param>
internal readonly record struct ExtendedAttribute(string Name, byte[] Value);

/// <summary>Extended attributes of files on Linux, POSIX ACLs among them.</summary>
internal static unsafe class ExtendedAttributes
{
    /// <summary>The ACL of a file or folder, in the kernel's form; see <see cref="PosixAcl"/>.</summary>
    public const string AccessAcl = "system.posix_acl_access";

    /// <summary>The ACL that new files in a folder get.</summary>
    public const string DefaultAcl = "system.posix_acl_default";

    private const int NamesRoom = 1024;

    /// <summary>
    /// True for one that belongs to the file and means the same on another disk. A signature over a file's inode does not, nor does what a file
    /// system makes up (<c>system.</c>, <c>btrfs.</c>).
    /// </summary>
    public static bool IsKept(string name) =>
        IsOfUser(name) || name.StartsWith("trusted.", StringComparison.Ordinal) || name is AccessAcl or DefaultAcl
        || (name.StartsWith("security.", StringComparison.Ordinal) && name != "security.evm");

    /// <summary>True for one that the owner of a file may set.</summary>
    public static bool IsOfUser(string name) => name.StartsWith("user.", StringComparison.Ordinal);

    /// <summary>Reads those of a file or folder itself, be it a link or not, in the order of their names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="file">The same, if it is open; null otherwise.</param>
    /// <param name="unread">Receives the name and the system's error number of each that could not be read.</param>
    public static IReadOnlyList<ExtendedAttribute> Read(string path, SafeFileHandle? file, Action<string, int> unread)
    {
        if (!OperatingSystem.IsLinux())
            return [];
        bool added = false;
        try
        {
            file?.DangerousAddRef(ref added);
            int descriptor = file is null ? -1 : (int)file.DangerousGetHandle();
            byte* first = stackalloc byte[NamesRoom];
            nint length = List(path, descriptor, first, NamesRoom);
            if (length > 0)
                return ReadAll(path, descriptor, Names(new ReadOnlySpan<byte>(first, (int)length)), unread);
            if (length == 0 || Marshal.GetLastPInvokeError() != LibC.Erange)
                return [];
            byte[] room = new byte[1 << 16];
            fixed (byte* names = room)
                length = List(path, descriptor, names, room.Length);
            return length <= 0 ? [] : ReadAll(path, descriptor, Names(room.AsSpan(0, (int)length)), unread);
        }
        finally
        {
            if (added)
                file!.DangerousRelease();
        }
    }

    /// <summary>Sets one of a file or folder itself, be it a link or not.</summary>
    /// <returns>The system's error number; 0 is success.</returns>
    public static int Set(string path, in ExtendedAttribute attribute)
    {
        if (!OperatingSystem.IsLinux())
            return LibC.Enotsup;
        fixed (byte* value = attribute.Value)
            return LibC.Lsetxattr(path, attribute.Name, value, attribute.Value.Length, 0) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    private static List<ExtendedAttribute> ReadAll(string path, int descriptor, List<string> names, Action<string, int> unread)
    {
        var found = new List<ExtendedAttribute>(names.Count);
        foreach (string name in names.Where(IsKept).Order(StringComparer.Ordinal))
        {
            int error = Get(path, descriptor, name, out byte[] value);
            if (error == 0)
                found.Add(new ExtendedAttribute(name, value));
            else if (error != LibC.Enodata)
                unread(name, error);
        }

        return found;
    }

    private static nint List(string path, int descriptor, byte* names, int room) =>
        descriptor < 0 ? LibC.Llistxattr(path, names, room) : LibC.Flistxattr(descriptor, names, room);

    private static List<string> Names(ReadOnlySpan<byte> list)
    {
        var names = new List<string>();
        while (list.IndexOf((byte)0) is >= 0 and var end)
        {
            names.Add(RawName.Decode(list[..end]));
            list = list[(end + 1)..];
        }

        return names;
    }

    private static int Get(string path, int descriptor, string name, out byte[] value)
    {
        // No value is larger: XATTR_SIZE_MAX.
        byte[] room = System.Buffers.ArrayPool<byte>.Shared.Rent(1 << 16);
        value = [];
        try
        {
            nint length;
            fixed (byte* start = room)
                length = descriptor < 0 ? LibC.Lgetxattr(path, name, start, room.Length) : LibC.Fgetxattr(descriptor, name, start, room.Length);
            if (length < 0)
                return Marshal.GetLastPInvokeError();
            value = room[..(int)length];
            return 0;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(room);
        }
    }
}
