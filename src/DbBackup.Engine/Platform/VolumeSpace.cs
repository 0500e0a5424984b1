using System.Runtime.InteropServices;

namespace DbBackup.Engine.Platform;

/// <summary>How much room there is, and which paths share it.</summary>
internal static partial class VolumeSpace
{
    /// <summary>
    /// The bytes that this user may still write where <paramref name="path"/> lies, or would lie when it is made;
    /// null where the system does not say.
    /// </summary>
    public static long? Available(string path)
    {
        var existing = NearestExisting(path);
        try
        {
            // DriveInfo knows Windows drives by letter only, neither shares nor volumes mounted in a folder.
            if (OperatingSystem.IsWindows())
                return GetDiskFreeSpaceEx(existing, out var available, out _, out _) ? (long)Math.Min(available, long.MaxValue) : null;

            // On Unix it asks for the file system of the very path that it is given, mount point or not.
            return new DriveInfo(existing).AvailableFreeSpace;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>True if two paths, existing or yet to be made, take their room from the same file system.</summary>
    public static bool SameVolume(string pathA, string pathB)
    {
        var (a, b) = (NearestExisting(pathA), NearestExisting(pathB));
        return UnixFile.TryStatFollow(a, out var factsA) && UnixFile.TryStatFollow(b, out var factsB)
            ? factsA.Device == factsB.Device
            : string.Equals(RootOf(a), RootOf(b), OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
    }

    /// <summary>The path itself if it exists, else the closest folder above it that does.</summary>
    public static string NearestExisting(string path)
    {
        var current = Path.GetFullPath(path);
        while (!Path.Exists(current))
        {
            var parent = Path.GetDirectoryName(current);
            if (parent is null)
                break;
            current = parent;
        }

        return Directory.Exists(current) ? current : Path.GetDirectoryName(current) ?? current;
    }

    private static string RootOf(string path)
    {
        var best = Path.GetPathRoot(path) ?? path;
        foreach (var drive in DriveInfo.GetDrives())
        {
            var root = Path.TrimEndingDirectorySeparator(drive.Name);
            var inside = path == root || path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.OrdinalIgnoreCase);
            if (inside && root.Length > best.Length)
                best = root;
        }

        return best;
    }

    [LibraryImport("kernel32", EntryPoint = "GetDiskFreeSpaceExW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetDiskFreeSpaceEx(string folder, out ulong available, out ulong total, out ulong free);
}
