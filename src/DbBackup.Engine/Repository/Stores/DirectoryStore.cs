using System.Runtime.ExceptionServices;
using DbBackup.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>A store in a folder of a local disk or a network share: each object is a file, each <c>/</c> of its key a folder.</summary>
public sealed class DirectoryStore : IObjectStore
{
    // Below a backup's own folder there is one more; deeper lie only loops of links.
    private const int DeepestFolder = 5;

    private readonly RootedFolder _folder;

    /// <summary>Creates the store; touches nothing.</summary>
    /// <param name="location">The folder's absolute path.</param>
    public DirectoryStore(string location)
    {
        Location = Path.TrimEndingDirectorySeparator(location);
        _folder = new RootedFolder(Location, givesToOwner: true);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public string? LocalFolder => Location;

    /// <inheritdoc/>
    public string Locate(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        foreach (Range name in key.AsSpan().Split('/'))
        {
            if (key.AsSpan(name) is "." or ".." || key.AsSpan(name).Contains('\\'))
                throw new ArgumentException($"'{key}' is not a key of this store.", nameof(key));
        }

        return Path.Join(Location, key.Trim('/').Replace('/', Path.DirectorySeparatorChar));
    }

    /// <inheritdoc/>
    public Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken) =>
        Task.Run(() => new StoreProperties(Directory.Exists(Location), VolumeSpace.Available(Location)), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken) => Task.Run<IReadOnlyList<StoredObject>>(
        () =>
        {
            RequireFolder();
            var found = new List<StoredObject>();
            IReadOnlyList<string> folders = [prefix];
            for (int depth = 0; depth <= DeepestFolder && folders.Count > 0; depth++)
            {
                FolderListing[] parts = ReadAll(folders, cancellationToken);
                found.AddRange(parts.SelectMany(part => part.Files));
                folders = [.. parts.SelectMany(part => part.Folders)];
            }

            return found;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredKey>> FindAsync(IReadOnlyList<KeyPattern> patterns, CancellationToken cancellationToken) => Task.Run<IReadOnlyList<StoredKey>>(
        () =>
        {
            RequireFolder();
            return [.. patterns.SelectMany(pattern => Find(pattern, cancellationToken)).Select(key => new StoredKey(key, null))];
        },
        cancellationToken);

    private IEnumerable<string> Find(KeyPattern pattern, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> folders = [string.Empty];
        for (int i = 0; i < pattern.Names.Count - 1; i++)
        {
            string name = pattern.Names[i];
            folders = name == KeyPattern.AnyName
                ? [.. ReadAll(folders, cancellationToken).SelectMany(part => part.Folders)]
                : Existing([.. folders.Select(folder => $"{folder}{name}/")], cancellationToken);
        }

        if (pattern.Names[^1] == KeyPattern.AnyName)
            return ReadAll(folders, cancellationToken).SelectMany(part => part.Files).Select(file => file.Key).Where(key => key[key.LastIndexOf('/') + 1] != '.');
        string[] keys = [.. folders.Select(folder => folder + pattern.Names[^1])];
        return pattern.IsRare ? Existing(keys, cancellationToken) : keys;
    }

    // Cheaper than to read the many that do not exist.
    private List<string> Existing(string[] keys, CancellationToken cancellationToken)
    {
        bool[] exist = new bool[keys.Length];
        // A folder of another user hides no other: what is in it is listed as unreadable.
        InParallel(keys.Length, i => exist[i] = Path.Exists(Locate(keys[i])), cancellationToken);
        return [.. keys.Where((_, i) => exist[i])];
    }

    private FolderListing[] ReadAll(IReadOnlyList<string> folders, CancellationToken cancellationToken)
    {
        var parts = new FolderListing[folders.Count];
        InParallel(parts.Length, i => parts[i] = ReadFolder(folders[i]), cancellationToken);
        return parts;
    }

    private FolderListing ReadFolder(string key)
    {
        try
        {
            _folder.RefuseLinks(key);
        }
        catch (UnsafePathException)
        {
            // What a link leads to is not in this store, and hides nothing that is.
            return new FolderListing([], []);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The reading itself says what is wrong.
        }

        return FolderListing.Read(Locate(key), key);
    }

    // With the failure itself: callers know that, and none of several.
    private static void InParallel(int count, Action<int> run, CancellationToken cancellationToken)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellationToken }, run);
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }
    }

    private void RequireFolder()
    {
        if (!Directory.Exists(Location))
            throw DirectoryFailures.NoRepository(Location);
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            string path = Locate(key);
            try
            {
                var file = new FileStream(_folder.OpenRead(key), FileAccess.Read, 1);
                file.Seek(offset, SeekOrigin.Begin);
                return length is { } limit ? new LimitedStream(file, limit) : (Stream?)file;
            }
            catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw DirectoryFailures.NotReadable(path, exception);
            }
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string path = Locate(key);
        try
        {
            // At once on this thread: a listing reads ten thousand of them, and the way to another thread takes longer than the file.
            using SafeFileHandle file = _folder.OpenRead(key);
            long length = RandomAccess.GetLength(file);
            if (length > StoredObject.LargestSmall)
                throw DirectoryFailures.TooLarge(path, length);
            byte[] content = new byte[length];
            int read = RandomAccess.Read(file, content, 0);
            return Task.FromResult<byte[]?>(read == content.Length ? content : content[..read]);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return Task.FromResult<byte[]?>(null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A file in place of the folder holds nothing.
            return Presence.IsFile(Location) ? Task.FromResult<byte[]?>(null) : throw DirectoryFailures.NotReadable(path, exception);
        }
    }

    /// <inheritdoc/>
    public Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Task.Run(
        () => Writing(key, path =>
        {
            if (Path.Exists(path))
                return false;
            // The content gets its name when it is whole and on the disk.
            string unfinished = UnfinishedKey.For(key);
            bool isThere = false;
            try
            {
                using (FileStream file = _folder.CreateNew(unfinished))
                {
                    file.Write(content.Span);
                    file.Flush(flushToDisk: true);
                }

                isThere = _folder.TryRename(unfinished, Path.GetFileName(path));
                if (!isThere)
                    return false;
            }
            finally
            {
                if (!isThere)
                    _folder.Delete(unfinished);
            }

            FlushFolders(Path.GetDirectoryName(path)!);
            return true;
        }),
        cancellationToken);

    /// <inheritdoc/>
    public async Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        FileStream file = await Task.Run(() => Writing(key, _ => _folder.CreateNew(key)), cancellationToken).ConfigureAwait(false);
        try
        {
            await using (file.ConfigureAwait(false))
                await write(file).ConfigureAwait(false);
        }
        catch
        {
            _folder.Delete(key);
            RemoveEmptyFolders(key);
            throw;
        }
    }

    /// <inheritdoc/>
    public Task FlushAsync(string prefix, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            string folder = Locate(prefix);
            try
            {
                if (Presence.IsFolder(folder))
                    DurableFiles.FlushTree(folder, cancellationToken);
                FlushFolders(VolumeSpace.NearestExisting(Path.GetDirectoryName(folder)!));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw DirectoryFailures.NotWritable(Location, folder, exception);
            }
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            string path = Locate(key);
            try
            {
                _folder.Delete(key);
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw DirectoryFailures.NotDeletable(path, exception);
            }

            RemoveEmptyFolders(key);
        },
        cancellationToken);

    // A folder is there as long as something is in it, as in a bucket. That of the leases stays: each run needs it.
    private void RemoveEmptyFolders(string key)
    {
        if (key[0] == '.')
            return;
        string folder = key;
        while (folder.LastIndexOf('/') is > 0 and var slash && _folder.TryDeleteEmpty(folder = folder[..slash]))
        {
            // The next one above.
        }
    }

    private T Writing<T>(string key, Func<string, T> write)
    {
        string path = Locate(key);
        string folder = Path.GetDirectoryName(path)!;
        DirectoryFailures.RequireParent(Location);
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                bool isNew = !Presence.IsFolder(Location);
                _folder.CreateFolder(key[..(key.LastIndexOf('/') + 1)]);
                if (isNew)
                    DurableFiles.FlushDirectory(Path.GetDirectoryName(Location)!);
                return write(path);
            }
            catch (Exception exception) when (exception is DirectoryNotFoundException or FileNotFoundException && attempt < 10)
            {
                // Another process found the folder empty and removed it, perhaps before it had its mode.
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                RemoveEmptyFolders(key);
                throw DirectoryFailures.NotWritable(Location, path, exception);
            }
        }
    }

    private void FlushFolders(string folder)
    {
        for (; folder.Length >= Location.Length; folder = Path.GetDirectoryName(folder)!)
            DurableFiles.FlushDirectory(folder);
    }
}
