using System.IO.Enumeration;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// Visits a folder that others go on changing: each folder before what is in it, names in ordinal order, links never followed.
/// Holds the names of one folder per level, never the whole tree.
/// </summary>
internal sealed class FolderWalk(string root, string rootName, Func<string, bool>? exclude, WarningLog warnings)
{
    private static readonly EnumerationOptions Everything = new()
    {
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
        RecurseSubdirectories = false,
        ReturnSpecialDirectories = false,
    };

    private readonly Stack<Level> _levels = new();

    /// <summary>What is there, the root first.</summary>
    /// <exception cref="BackupFailure">The root itself is missing or unreadable.</exception>
    public IEnumerable<FolderItem> Items(CancellationToken cancellationToken)
    {
        var first = ReadRoot();
        yield return first;
        while (_levels.TryPeek(out var level))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (level.Next == level.Names.Length)
            {
                _levels.Pop();
                continue;
            }

            var name = level.Names[level.Next++];
            if (TryVisit(Path.Join(level.Path, name), level.Name + "/" + name, out var item))
                yield return item;
        }
    }

    private FolderItem ReadRoot()
    {
        try
        {
            var item = FolderItem.Read(root, rootName);
            if (item.Kind == FileKind.Directory)
                _levels.Push(new Level(root, rootName, NamesIn(root)));
            else if (item.Kind != FileKind.File)
                throw new IOException("It is neither a folder nor a file.");
            return item;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotFound,
                FailureCategory.NotFound,
                $"There is no '{WarningLog.Shown(root)}' to back up.",
                "Check the path; a volume that is not mounted looks like this too.",
                exception)
            {
                Target = root,
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(root, exception);
        }
    }

    private bool TryVisit(string path, string name, out FolderItem item)
    {
        item = default;
        if (exclude?.Invoke(path) == true)
            return false;
        try
        {
            item = FolderItem.Read(path, name);
            if (item.Kind == FileKind.Directory)
                _levels.Push(new Level(path, name, NamesIn(path)));
            return true;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            // Where its bytes cannot be read, a name that is not UTF-8 has a replacement character, and leads nowhere.
            if (!UnixFile.CanReadNames && name.Contains('\uFFFD', StringComparison.Ordinal))
                warnings.AddUnreadable(name, "its name is not valid UTF-8; it is not in the archive");
            else
                warnings.Add(name, "it vanished before it could be read");
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            warnings.AddUnreadable(name, item.Path is null
                ? "it cannot be read (permission denied); it is not in the archive"
                : "the folder cannot be read (permission denied); its content is not in the archive");
            return item.Path is not null;
        }
        catch (IOException exception)
        {
            warnings.AddUnreadable(name, $"it could not be read and is not in the archive ({exception.Message.TrimEnd('.')})");
            return false;
        }
    }

    private static string[] NamesIn(string folder)
    {
        // The framework replaces bytes that are not UTF-8, and cannot open a folder whose path has any.
        string[] names = RawName.IsRaw(folder) ? [] : [.. new FileSystemEnumerable<string>(folder, (ref FileSystemEntry entry) => entry.FileName.ToString(), Everything)];
        if (UnixFile.CanReadNames && (RawName.IsRaw(folder) || names.Any(name => name.Contains('\uFFFD', StringComparison.Ordinal))))
            names = [.. UnixFile.NamesIn(folder)];
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    internal static BackupFailure Unreadable(string path, Exception? exception) => new(
        ErrorCodes.SourceUnreadable,
        FailureCategory.PermissionDenied,
        $"'{WarningLog.Shown(path)}' cannot be read{(exception is null ? "." : $": {exception.Message}")}",
        "Run as a user who may read it.",
        exception)
    {
        Target = path,
    };

    private sealed class Level(string path, string name, string[] names)
    {
        public string Path { get; } = path;

        public string Name { get; } = name;

        public string[] Names { get; } = names;

        public int Next { get; set; }
    }
}
