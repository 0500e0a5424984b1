namespace DbBackup.Engine.Platform;

/// <summary>What is known of kinds of file systems.</summary>
internal static class FileSystemFormat
{
    // Those of a local disk. Shares (nfs, cifs, fuse, 9p) show times and numbers that their client remembers, FAT makes its numbers up, and a
    // write through a mapping changes no time in tmpfs.
    private static readonly HashSet<string> s_keepChangeTimes = new(StringComparer.OrdinalIgnoreCase)
    {
        "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "overlay", "overlayfs",
    };

    /// <summary>
    /// True if the inode and the time of the last change of the file system's files tell whether one has changed: no program sets that time,
    /// and each write changes it.
    /// </summary>
    /// <param name="path">Something in the file system.</param>
    public static bool KeepsChangeTimes(string path)
    {
        if (!OperatingSystem.IsLinux() || RawName.IsRaw(path))
            return false;
        try
        {
            return IsKnownToKeepChangeTimes(new DriveInfo(path).DriveFormat);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>The same by the file system's name, as mount(8) has it.</summary>
    public static bool IsKnownToKeepChangeTimes(string format) => s_keepChangeTimes.Contains(format);
}
