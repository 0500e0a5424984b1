using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// What a folder's archive leaves out: the repository when it lies within the folder (or each backup would hold all earlier
/// ones), and databases, which are captured consistently on their own.
/// </summary>
public sealed class FolderExcludes
{
    private readonly HashSet<string> _paths = new(
        OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase);

    /// <summary>Leaves out a file or folder with everything in it.</summary>
    public FolderExcludes Add(string path)
    {
        // Links above the last part are resolved, as the archiver does; the last part is what shall be left out, link or not.
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        var parent = Path.GetDirectoryName(full);
        _paths.Add(parent is null ? full : Path.Join(UnixFile.RealPath(parent), Path.GetFileName(full)));
        _paths.Add(UnixFile.RealPath(full));
        return this;
    }

    /// <summary>Leaves out a SQLite database and the files that SQLite keeps beside it.</summary>
    public FolderExcludes AddDatabase(string path)
    {
        foreach (var suffix in (string[])["", "-wal", "-shm", "-journal"])
            Add(path + suffix);

        // SQLite names the side files after the real file when the database is opened through a link.
        var real = UnixFile.RealPath(path);
        foreach (var suffix in (string[])["-wal", "-shm", "-journal"])
            Add(real + suffix);
        return this;
    }

    /// <summary>Whether the path is left out. For <see cref="FolderArchiver.Exclude"/>.</summary>
    public bool IsExcluded(string path) => _paths.Contains(path);
}
