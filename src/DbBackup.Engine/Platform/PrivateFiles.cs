namespace DbBackup.Engine.Platform;

/// <summary>Creates files and folders that only this user can read, whatever the umask or the folder above allows.</summary>
internal static class PrivateFiles
{
    private const UnixFileMode FileMode0600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderMode = FileMode0600 | UnixFileMode.UserExecute;

    /// <summary>Creates a folder and those above it that are missing; one that exists keeps its mode.</summary>
    public static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        string? parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(path));
        if (Directory.Exists(path))
            return;
        if (parent is { Length: > 0 })
            CreateFolder(parent);
        Directory.CreateDirectory(path, FolderMode);
    }

    /// <summary>Creates a file that nobody else may open as long as it is open here.</summary>
    /// <exception cref="IOException">It exists, or cannot be created.</exception>
    public static FileStream CreateLocked(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 1 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = FileMode0600;
        return new FileStream(path, options);
    }

    /// <summary>Creates a file for writing.</summary>
    /// <exception cref="IOException">It exists, or cannot be created.</exception>
    public static FileStream CreateNew(string path)
    {
        // Without a buffer of its own: callers write large blocks.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.Read, BufferSize = 1 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = FileMode0600;
        return new FileStream(path, options);
    }
}
