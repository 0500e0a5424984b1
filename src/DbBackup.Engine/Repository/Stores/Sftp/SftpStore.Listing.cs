using System.Globalization;
using Renci.SshNet.Common;
using Renci.SshNet.Sftp;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>How the store lists and finds: folder by folder, many requests at once.</summary>
internal sealed partial class SftpStore
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        var found = new List<StoredObject>();
        IReadOnlyList<string> folders = [prefix];
        await RequireRootAsync(cancellationToken).ConfigureAwait(false);
        for (int depth = 0; depth <= DeepestFolder && folders.Count > 0; depth++)
        {
            (List<StoredObject> Files, List<string> Folders)[] parts = await ReadAllAsync(folders, cancellationToken).ConfigureAwait(false);
            found.AddRange(parts.SelectMany(part => part.Files));
            folders = [.. parts.SelectMany(part => part.Folders)];
        }

        return found;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredKey>> FindAsync(IReadOnlyList<KeyPattern> patterns, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        await RequireRootAsync(cancellationToken).ConfigureAwait(false);
        var found = new List<StoredKey>();
        foreach (KeyPattern pattern in patterns)
            found.AddRange(await FindAsync(pattern, cancellationToken).ConfigureAwait(false));
        return found;
    }

    private async Task<IEnumerable<StoredKey>> FindAsync(KeyPattern pattern, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> folders = [string.Empty];
        for (int i = 0; i < pattern.Names.Count - 1; i++)
        {
            string name = pattern.Names[i];
            folders = name == KeyPattern.AnyName
                ? [.. (await ReadAllAsync(folders, cancellationToken).ConfigureAwait(false)).SelectMany(part => part.Folders)]
                : [.. folders.Select(folder => $"{folder}{name}/")];
        }

        if (pattern.Names[^1] == KeyPattern.AnyName)
        {
            return (await ReadAllAsync(folders, cancellationToken).ConfigureAwait(false)).SelectMany(part => part.Files)
                .Where(file => file.Key[file.Key.LastIndexOf('/') + 1] != '.').Select(file => new StoredKey(file.Key, file.Version));
        }

        // To ask for a file is one request, and to read it three: the version spares these.
        string[] keys = [.. folders.Select(folder => folder + pattern.Names[^1])];
        var found = new StoredKey?[keys.Length];
        await InParallelAsync(keys.Length, async (i, token) =>
        {
            string path = PathOf(keys[i]);
            SftpFileAttributes? file = await RunAsync($"reading '{keys[i]}'", writes: false, s_short, (client, _, each) => StatAsync(client, path, each), token).ConfigureAwait(false);
            found[i] = file is null ? null : new StoredKey(keys[i], VersionOf(file.Size, file.LastWriteTimeUtc));
        }, cancellationToken).ConfigureAwait(false);
        return found.OfType<StoredKey>();
    }

    private async Task<(List<StoredObject> Files, List<string> Folders)[]> ReadAllAsync(IReadOnlyList<string> folders, CancellationToken cancellationToken)
    {
        var parts = new (List<StoredObject>, List<string>)[folders.Count];
        await InParallelAsync(folders.Count, async (i, token) => parts[i] = await ReadFolderAsync(folders[i], token).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        return parts;
    }

    private Task<(List<StoredObject> Files, List<string> Folders)> ReadFolderAsync(string key, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        return RunAsync($"listing '{key}'", writes: false, s_long, async (client, _, token) =>
        {
            var files = new List<StoredObject>();
            var folders = new List<string>();
            try
            {
                await foreach (ISftpFile entry in client.ListDirectoryAsync(path, token).ConfigureAwait(false))
                {
                    // What a link leads to is not in this store.
                    if (entry.IsRegularFile)
                        files.Add(new StoredObject(key + entry.Name, entry.Length, new DateTimeOffset(entry.LastWriteTimeUtc, TimeSpan.Zero), VersionOf(entry.Length, entry.LastWriteTimeUtc)));
                    else if (entry.IsDirectory && entry.Name[0] != '.')
                        folders.Add($"{key}{entry.Name}/");
                }
            }
            catch (SftpPathNotFoundException)
            {
                // Nothing was put there, or all of it was deleted at this moment.
            }
            catch (SftpPermissionDeniedException) when (path.EndsWith("lost+found", StringComparison.Ordinal))
            {
                // The root of a volume has a folder that only root can read.
            }

            return (files, folders);
        }, cancellationToken);
    }

    private static Task InParallelAsync(int count, Func<int, CancellationToken, ValueTask> run, CancellationToken cancellationToken) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, run);

    private static string? VersionOf(long size, DateTime modified) =>
        DateTime.UtcNow - modified < s_settled ? null : string.Create(CultureInfo.InvariantCulture, $"{new DateTimeOffset(modified, TimeSpan.Zero).ToUnixTimeSeconds()}-{size}");
}
