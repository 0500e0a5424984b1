namespace DbBackup.Testing;

/// <summary>A folder that is gone when the test is over.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder()
        : this(Directory.CreateTempSubdirectory("dbbackup-test-").FullName)
    {
    }

    private TempFolder(string path) => Path = path;

    /// <summary>Creates one in memory where the system has a place for that: flushes take no time there.</summary>
    public static TempFolder InMemory()
    {
        string path = System.IO.Path.Join("/dev/shm", $"dbbackup-test-{Guid.NewGuid():N}");
        if (!Directory.Exists("/dev/shm"))
            return new TempFolder();
        Directory.CreateDirectory(path);
        return new TempFolder(path);
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Join(Path, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (UnauthorizedAccessException) when (!OperatingSystem.IsWindows())
        {
            // A test may leave folders that keep even their owner out.
            foreach (var folder in Directory.EnumerateDirectories(Path, "*", new EnumerationOptions { AttributesToSkip = 0 }))
                File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Directory.Delete(Path, recursive: true);
        }
    }
}
