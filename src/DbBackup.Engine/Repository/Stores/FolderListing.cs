using System.IO.Enumeration;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>What one folder of a store holds.</summary>
/// <param name="Files">Its files.</param>
/// <param name="Folders">The keys of its folders, each ended by <c>/</c>, but those whose names begin with a dot.</param>
internal sealed record FolderListing(List<StoredObject> Files, List<string> Folders)
{
    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <summary>Reads a folder; one that does not exist is empty.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="key">Its key, ended by <c>/</c>; empty for the store's own.</param>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public static FolderListing Read(string path, string key)
    {
        var listing = new FolderListing([], []);
        try
        {
            var entries = new FileSystemEnumerable<(StoredObject? File, string Name)>(
                path,
                (ref FileSystemEntry entry) => entry.IsDirectory
                    ? (null, entry.FileName.ToString())
                    : (new ListedFile(string.Concat(key, entry.FileName), path, key.Length), string.Empty),
                Everything);
            foreach ((StoredObject? file, string name) in entries)
            {
                if (file is not null)
                    listing.Files.Add(file);
                else if (name[0] != '.')
                    listing.Folders.Add($"{key}{name}/");
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

        return listing;
    }

    // Of ten thousand files a listing wants the names, and of a few the rest, which costs a call of the system for each.
    private sealed class ListedFile(string key, string folder, int nameAt) : StoredObject(key, 0, default)
    {
        public override long Size => File is { Exists: true } file ? file.Length : 0;

        public override DateTimeOffset Modified => File.LastWriteTimeUtc;

        private FileInfo File => new(Path.Join(folder, Key[nameAt..]));
    }
}
