using System.Security.Cryptography;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Reads backups, and the entries of kept databases, from the objects of a store.</summary>
internal sealed class BackupListing(IObjectStore store)
{
    // Enough to hide the way to a remote place, few enough for it.
    private const int ReadsAtOnce = 32;
    private const string ManifestEnd = "/" + RepositoryKeys.Manifest;

    /// <summary>The prefix of a backup's files.</summary>
    public static string FolderOf(Backup backup) => backup.Manifest?.Kept is null
        ? RepositoryKeys.FolderOf(new BackupKey(backup.Source, backup.Name))
        : RepositoryKeys.FolderOfKept(backup.Manifest.Id);

    /// <summary>The key of the object whose presence makes a backup exist.</summary>
    public static string ManifestOf(Backup backup) => backup.Manifest?.Kept is null
        ? FolderOf(backup) + RepositoryKeys.Manifest
        : RepositoryKeys.EntryOf(backup.Manifest.Id);

    /// <summary>Reads all backups of a source, or of all sources, in no order.</summary>
    public async Task<IReadOnlyCollection<Backup>> ReadAsync(string? source, CancellationToken cancellationToken)
    {
        IReadOnlyList<StoredObject> objects = await store.ListAsync(source is null ? string.Empty : source + "/", cancellationToken).ConfigureAwait(false);
        if (source is not null and not "kept")
            objects = [.. objects, .. await store.ListAsync(RepositoryKeys.Kept, cancellationToken).ConfigureAwait(false)];
        return [.. (await ReadAsync(objects, cancellationToken).ConfigureAwait(false)).Where(backup => source is null || backup.Source == source)];
    }

    /// <summary>Reads one backup; null if there is none.</summary>
    public async Task<Backup?> FindAsync(BackupKey key, CancellationToken cancellationToken)
    {
        IReadOnlyList<StoredObject> objects = await store.ListAsync(RepositoryKeys.FolderOf(key), cancellationToken).ConfigureAwait(false);
        if (!objects.Any(each => each.Key == RepositoryKeys.FolderOf(key) + RepositoryKeys.Manifest))
            objects = await store.ListAsync(RepositoryKeys.Kept, cancellationToken).ConfigureAwait(false);
        return (await ReadAsync(objects, cancellationToken).ConfigureAwait(false)).FirstOrDefault(backup => backup.Source == key.Source && backup.Name == key.Name);
    }

    private async Task<IReadOnlyCollection<Backup>> ReadAsync(IReadOnlyList<StoredObject> objects, CancellationToken cancellationToken)
    {
        var manifests = new List<(string Key, string Folder)>();
        var tests = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (string key in objects.Select(each => each.Key).Where(key => key[0] != '.'))
        {
            if (key.EndsWith(ManifestEnd, StringComparison.Ordinal) && key.AsSpan().Count('/') == 2)
            {
                manifests.Add((key, key[..^RepositoryKeys.Manifest.Length]));
                continue;
            }

            if (!key.EndsWith(".json", StringComparison.Ordinal))
                continue;
            string[] names = key.Split('/');
            if (names is ["kept", var file] && Guid.TryParse(file[..^5], out _))
                manifests.Add((key, key[..^5] + "/"));
            else if (names is [var first, var second, "tests", _])
                (tests.TryGetValue($"{first}/{second}/", out List<string>? records) ? records : tests[$"{first}/{second}/"] = []).Add(key);
        }

        var backups = new Backup?[manifests.Count];
        var options = new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = store.LocalFolder is null ? ReadsAtOnce : Environment.ProcessorCount };
        await Parallel.ForAsync(0, manifests.Count, options, async (index, token) =>
        {
            (string key, string folder) = manifests[index];
            backups[index] = await ReadAsync(key, folder, tests.GetValueOrDefault(folder) ?? [], token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return [.. backups.OfType<Backup>()];
    }

    private async Task<Backup?> ReadAsync(string key, string folder, List<string> tests, CancellationToken cancellationToken)
    {
        byte[]? json;
        try
        {
            json = await store.ReadAsync(key, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // It may not be read, or its disk fails: it is listed as unreadable, and hides no other.
            json = [];
        }

        // Removed at this moment.
        if (json is null)
            return null;
        string? problem = "its manifest is empty or cannot be read";
        Manifest? manifest = json.Length == 0 ? null : ManifestJson.Read(json, out problem);
        string? hash = tests.Count > 0 ? HashOf(json) : null;
        var records = new List<TestRecord>();
        foreach (string test in tests)
        {
            if (await ReadTestAsync(test, cancellationToken).ConfigureAwait(false) is not { } record)
                continue;
            // A manifest is never changed: until a test of the present one says otherwise, it is damaged.
            records.Add(record.ManifestSha256 == hash
                ? record
                : record with { Passed = false, Reached = BackupStatus.Damaged, Failure = "its backup.json is not the one that was tested then" });
        }

        string[] names = folder.Split('/');
        bool isKept = key == folder[..^1] + ".json";
        // An entry that cannot be read has no other name.
        (string source, string name) = isKept && manifest is not null ? (manifest.Source.Name, manifest.Name) : (names[0], names[1]);
        return new Backup(manifest, source, name, store.Location, store.Locate(isKept ? key : folder), [.. records.OrderBy(record => record.Tested)], problem);
    }

    /// <summary>The SHA-256 of a manifest.</summary>
    public static string HashOf(byte[] manifest) => Convert.ToHexStringLower(SHA256.HashData(manifest));

    private async Task<TestRecord?> ReadTestAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAsync(key, cancellationToken).ConfigureAwait(false) is { } json ? ManifestJson.ReadTest(json) : null;
        }
        catch (BackupException)
        {
            return null;
        }
    }
}
