using System.IO.Enumeration;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Discovery;

/// <summary>Looks for SQLite databases below a folder of this machine by their first bytes; what is nearest the top comes first.</summary>
/// <param name="root">The folder, or a single file.</param>
internal sealed class HostFileSearch(string root)
{
    // The last of them tells the journal's mode.
    private const int ReadHeader = 19;

    // A folder with this file is a backup that this product made: its databases are no sources.
    private const string BackupMark = "backup.json";

    private static readonly EnumerationOptions s_everything = new() { AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };
    private int _opened;

    /// <summary>True if everything could be read.</summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>True if the search ended before all files were seen.</summary>
    public bool ReachedLimit { get; private set; }

    /// <summary>True if the whole belongs to a PostgreSQL server.</summary>
    public bool HoldsPostgreSql { get; private set; }

    /// <summary>What is there.</summary>
    public IEnumerable<FoundDatabaseFile> Find(CancellationToken cancellationToken)
    {
        var single = new FileInfo(root);
        if (single.Exists)
        {
            if (Look(single) is { } only)
                yield return only with { Relative = string.Empty };
            yield break;
        }

        var folders = new Queue<(DirectoryInfo Folder, int Depth)>([(new DirectoryInfo(root), 0)]);
        while (folders.TryDequeue(out (DirectoryInfo Folder, int Depth) next))
        {
            cancellationToken.ThrowIfCancellationRequested();
            List<FileSystemInfo> entries = Entries(next.Folder);
            if (entries.Exists(entry => entry.Name == SearchLimits.PostgreSqlMark))
            {
                HoldsPostgreSql |= SearchLimits.IsServerData(next.Depth == 0 ? string.Empty : Relative(next.Folder));
                continue;
            }

            if (entries.Exists(entry => entry.Name == BackupMark))
                continue;
            foreach (FileInfo file in entries.OfType<FileInfo>())
            {
                if (Look(file) is { } found)
                    yield return found;
                if (_opened < SearchLimits.Files)
                    continue;
                ReachedLimit = true;
                yield break;
            }

            IEnumerable<DirectoryInfo> below = entries.OfType<DirectoryInfo>().Where(entry => !SearchLimits.PassedOver.Any(name => FileSystemName.MatchesSimpleExpression(name, entry.Name, ignoreCase: false)));
            if (next.Depth < SearchLimits.Depth)
            {
                foreach (DirectoryInfo folder in below)
                    folders.Enqueue((folder, next.Depth + 1));
            }
            else
            {
                ReachedLimit |= below.Any();
            }
        }
    }

    private List<FileSystemInfo> Entries(DirectoryInfo folder)
    {
        try
        {
            return [.. folder.EnumerateFileSystemInfos("*", s_everything).OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A folder may vanish while the application works; one that may not be read is perhaps open to the container.
            IsComplete &= exception is DirectoryNotFoundException;
            return [];
        }
    }

    private FoundDatabaseFile? Look(FileInfo file)
    {
        try
        {
            // Pipes and devices have no length: opening one could wait for ever.
            if (file.Length < SearchLimits.SmallestDatabase)
                return null;
            _opened++;
            Span<byte> header = stackalloc byte[ReadHeader];
            using (FileStream opened = RegularFile.Open(file.FullName))
            {
                if (RandomAccess.Read(opened.SafeFileHandle, header, 0) < ReadHeader || !SqliteFile.HasHeader(header))
                    return null;
            }

            return new FoundDatabaseFile(Relative(file), header[18] == 2, SqliteFile.TotalSize(file.FullName));
        }
        catch (UnauthorizedAccessException)
        {
            IsComplete = false;
            return null;
        }
        catch (IOException)
        {
            // Gone, or locked as a whole (Windows): then it is no file that can be backed up now.
            return null;
        }
    }

    private string Relative(FileSystemInfo entry) => "/" + Path.GetRelativePath(root, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
}
