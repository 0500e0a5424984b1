using System.IO.Enumeration;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>Reads the files below a folder as objects of a store.</summary>
internal static class FolderListing
{
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <summary>Reads one folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="key">Its key, ended by <c>/</c>; empty for the store's own.</param>
    /// <param name="found">Receives its files.</param>
    /// <param name="folders">Receives its folders, but those whose names begin with a dot.</param>
    public static void Read(string path, string key, List<StoredObject> found, List<(string Path, string Key)> folders)
    {
        try
        {
            var entries = new FileSystemEnumerable<(StoredObject? File, string Name)>(
                path,
                (ref FileSystemEntry entry) => entry.IsDirectory
                    ? (null, entry.FileName.ToString())
                    : (new StoredObject(key + entry.FileName.ToString(), entry.Length, entry.LastWriteTimeUtc), string.Empty),
                Everything);
            foreach ((StoredObject? file, string name) in entries)
            {
                if (file is not null)
                    found.Add(file);
                else if (name[0] != '.')
                    folders.Add((Path.Join(path, name), $"{key}{name}/"));
            }
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing was put there, or all of it was deleted at this moment.
        }
        catch (UnauthorizedAccessException) when (Path.GetFileName(path) == "lost+found")
        {
            // A repository may be a volume of its own, whose root has a folder that only root can read.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DirectoryFailures.NotReadable(path, exception);
        }
    }

    /// <summary>Reads a folder with all below it.</summary>
    public static void ReadAll(string path, string key, List<StoredObject> found, int depth)
    {
        var folders = new List<(string Path, string Key)>();
        Read(path, key, found, folders);
        foreach ((string folder, string below) in folders)
        {
            if (depth > 0)
                ReadAll(folder, below, found, depth - 1);
        }
    }
}
