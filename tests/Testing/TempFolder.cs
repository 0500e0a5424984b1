namespace DbBackup.Testing;

/// <summary>A folder that is gone when the test is over.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder() => Path = Directory.CreateTempSubdirectory("dbbackup-test-").FullName;

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
