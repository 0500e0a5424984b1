using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// What a folder's archive leaves out: the repository when it lies within the folder (or each backup would hold all earlier
/// ones), and databases, which are captured consistently on their own.
/// </summary>
internal sealed class FolderExcludes
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

    /// <summary>Leaves out a database and what its engine keeps beside it.</summary>
    /// <param name="path">The database's file.</param>
    /// <param name="companions">The endings of the names of what is kept beside it.</param>
    public FolderExcludes AddDatabase(string path, IReadOnlyList<string> companions)
    {
        Add(path);
        // SQLite names these files after the real file when the database is opened through a link.
        var real = UnixFile.RealPath(path);
        foreach (var ending in companions)
            Add(path + ending).Add(real + ending);
        return this;
    }

    /// <summary>True if the path is left out. For <see cref="FolderArchiver.Exclude"/>.</summary>
    public bool IsExcluded(string path) => _paths.Contains(path);
}
