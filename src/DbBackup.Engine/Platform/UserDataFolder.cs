namespace DbBackup.Engine.Platform;

/// <summary>The folders in which this product keeps what a user's later runs must know: journals and locks, for that user alone.</summary>
internal static class UserDataFolder
{
    /// <summary>What gives a user without one a place for them.</summary>
    public static string Hint =>
        OperatingSystem.IsWindows() ? "Give this user a writable local profile (LOCALAPPDATA)." : "Set HOME or XDG_DATA_HOME to a folder that this user may write to.";

    /// <summary>One of them, of the user that runs this process; null for a user without a home.</summary>
    public static string? Find(string name)
    {
        // Without the option it is empty where the folder does not exist yet.
        string data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return data.Length > 0 ? Path.Combine(data, "DbBackup", name) : null;
    }

    /// <summary>A folder for what can be made again, which backups of the user's files leave out; null for a user without a home.</summary>
    public static string? FindCache(string name)
    {
        if (OperatingSystem.IsWindows())
            return Find("cache") is { } data ? Path.Combine(data, name) : null;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        // The rules of the desktop: a relative path is as none.
        string? cache = OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is ['/', ..] named ? named
            : home.Length == 0 ? null : OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Caches") : Path.Combine(home, ".cache");
        return cache is null ? null : Path.Combine(cache, "DbBackup", name);
    }

    /// <summary>Makes a folder that nobody else may read, durably: what is flushed in it must not lose its way there.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static void Create(string path)
    {
        if (Directory.Exists(path))
            return;
        string there = VolumeSpace.NearestExisting(path);
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        for (string folder = path; folder.Length > there.Length;)
            DurableFiles.FlushDirectory(folder = Path.GetDirectoryName(folder)!);
    }
}
