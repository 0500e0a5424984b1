using System.Security.Cryptography;
using DbBackup.Engine.Repository.Listing;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Reads backups, and the entries of kept databases, from the objects of a store.</summary>
/// <param name="store">The store.</param>
/// <param name="signatures">Judges signatures; null to leave them unread.</param>
/// <param name="cache">What was read before; null to read all from the store. One backup alone is always read from the store.</param>
internal sealed class BackupListing(IObjectStore store, SignatureReading? signatures = null, RepositoryCache? cache = null)
{
    // Enough to hide the way to a remote place, few enough for it.
    private const int ReadsAtOnce = 32;
    private const string ManifestEnd = "/" + RepositoryKeys.Manifest;
    private static readonly string s_testsFolder = RepositoryKeys.Tests.TrimEnd('/');
    private static readonly KeyPattern s_entries = new(RepositoryKeys.Kept.TrimEnd('/'), KeyPattern.AnyName);
    private static readonly KeyPattern[] s_kept =
    [
        s_entries,
        new(RepositoryKeys.Kept.TrimEnd('/'), KeyPattern.AnyName, s_testsFolder, KeyPattern.AnyName),
        new(RepositoryKeys.Kept.TrimEnd('/'), KeyPattern.AnyName, RepositoryKeys.Hold) { IsRare = true },
    ];

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
        IReadOnlyCollection<ListedBackup> backups = await ReadAsync([.. PatternsOf(source ?? KeyPattern.AnyName, KeyPattern.AnyName), .. source is null ? [s_entries] : s_kept], cache, isAll: source is null, cancellationToken).ConfigureAwait(false);
        if (source is not null)
            backups = [.. backups.Where(backup => backup.Source == source)];
        return signatures is null ? [.. backups.Select(backup => backup.ToBackup(store.Location, null))] : signatures.Judge(backups, store.Location, isAll: source is null);
    }

    /// <summary>Reads one backup; null if there is none.</summary>
    public async Task<Backup?> FindAsync(BackupKey key, CancellationToken cancellationToken)
    {
        ListedBackup? found = (await ReadAsync(PatternsOf(key.Source, key.Name), null, isAll: false, cancellationToken).ConfigureAwait(false)).FirstOrDefault()
            ?? (await ReadAsync(s_kept, null, isAll: false, cancellationToken).ConfigureAwait(false)).FirstOrDefault(backup => backup.Source == key.Source && backup.Name == key.Name);
        return found is null ? null : signatures is null ? found.ToBackup(store.Location, null) : signatures.Judge(found, store.Location);
    }

    private static KeyPattern[] PatternsOf(string source, string name) =>
    [
        new(source, name, RepositoryKeys.Manifest),
        new(source, name, s_testsFolder, KeyPattern.AnyName),
        new(source, name, RepositoryKeys.Hold) { IsRare = true },
    ];

    private async Task<IReadOnlyCollection<ListedBackup>> ReadAsync(IReadOnlyList<KeyPattern> patterns, RepositoryCache? from, bool isAll, CancellationToken cancellationToken)
    {
        IReadOnlyList<StoredKey> keys = await store.FindAsync(patterns, cancellationToken).ConfigureAwait(false);
        ListedFiles[] listed = GroupByBackup(keys);
        var reads = new CachedReads(store, from, [.. listed.SelectMany(each => each.All)]);
        var backups = new ListedBackup?[listed.Length];
        var options = new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = store.LocalFolder is null ? ReadsAtOnce : Environment.ProcessorCount };
        await Parallel.ForAsync(0, listed.Length, options, async (index, token) =>
        {
            ListedFiles files = listed[index];
            backups[index] = await ReadAsync(files, reads, token).ConfigureAwait(false);
            foreach (StoredKey each in files.All)
                reads.Done(each);
        }).ConfigureAwait(false);
        if (isAll)
            reads.Sweep();
        return [.. backups.OfType<ListedBackup>()];
    }

    private static ListedFiles[] GroupByBackup(IReadOnlyList<StoredKey> keys)
    {
        var manifests = new List<(StoredKey Key, string Folder)>();
        var tests = new Dictionary<string, List<StoredKey>>(StringComparer.Ordinal);
        var holds = new Dictionary<string, StoredKey>(StringComparer.Ordinal);
        foreach (StoredKey key in keys)
        {
            if (key.Key.EndsWith(ManifestEnd, StringComparison.Ordinal))
            {
                manifests.Add((key, key.Key[..^RepositoryKeys.Manifest.Length]));
            }
            else if (key.Key.EndsWith(".json", StringComparison.Ordinal))
            {
                string[] names = key.Key.Split('/');
                if (names is [var above, var folder, RepositoryKeys.Hold])
                    holds[$"{above}/{folder}/"] = key;
                else if (names is [_, var file] && Guid.TryParse(file[..^5], out _))
                    manifests.Add((key, key.Key[..^5] + "/"));
                else if (names is [var first, var second, _, _])
                    (tests.TryGetValue($"{first}/{second}/", out List<StoredKey>? records) ? records : tests[$"{first}/{second}/"] = []).Add(key);
            }
        }

        // Source after source: of the cache no more than a few files are in memory at once.
        return [.. manifests.OrderBy(each => each.Folder, StringComparer.Ordinal)
            .Select(each => new ListedFiles(each.Key, each.Folder, tests.GetValueOrDefault(each.Folder) ?? [], holds.TryGetValue(each.Folder, out StoredKey hold) ? hold : null))];
    }

    // Null if it was removed at this moment.
    private async Task<ListedBackup?> ReadAsync(ListedFiles files, CachedReads reads, CancellationToken cancellationToken)
    {
        (byte[]? json, string? problem) = await ReadManifestAsync(reads, files.Manifest, cancellationToken).ConfigureAwait(false);
        if (json is null)
            return null;
        IReadOnlyList<TestRecord> tests = files.Tests.Count > 0 ? await ReadTestsAsync(reads, files.Tests, HashOf(json), cancellationToken).ConfigureAwait(false) : [];
        BackupHold? hold = files.Hold is { } held ? await HoldFile.ReadAsync(token => reads.ReadAsync(held, token), cancellationToken).ConfigureAwait(false) : null;
        return ToListed(files.Manifest.Key, files.Folder, json, problem, tests, hold);
    }

    private static async ValueTask<(byte[]? Json, string? Problem)> ReadManifestAsync(CachedReads reads, StoredKey key, CancellationToken cancellationToken)
    {
        try
        {
            return (await reads.ReadAsync(key, cancellationToken).ConfigureAwait(false), null);
        }
        catch (BackupException failure)
        {
            // It may not be read, or its disk fails: it is listed as unreadable, and hides no other.
            return ([], $"its manifest cannot be read: {failure.Message.TrimEnd('.')}");
        }
    }

    private ListedBackup ToListed(string key, string folder, byte[] json, string? problem, IReadOnlyList<TestRecord> tests, BackupHold? hold)
    {
        Manifest? manifest = null;
        if (json.Length > 0)
            manifest = ManifestJson.Read(json, out problem);
        else
            problem ??= "its manifest is empty";
        bool isKept = !key.EndsWith(ManifestEnd, StringComparison.Ordinal);
        if (manifest is not null && isKept != manifest.Kept is not null)
        {
            // An entry's objects lie elsewhere than a backup's: what says that it is the other would be removed in another's place.
            problem = isKept ? "it is not the entry of a kept database" : "it is the entry of a kept database, in the place of a backup";
            manifest = null;
        }

        bool isAltered = problem is null && !Seal.IsWhole(json);
        if (isAltered)
            problem = "its backup.json is not what was written: its SHA-256 differs";
        int slash = folder.IndexOf('/', StringComparison.Ordinal);
        // An entry that cannot be read has no other name.
        (string source, string name) = isKept && manifest is not null ? (manifest.Source.Name, manifest.Name) : (folder[..slash], folder[(slash + 1)..^1]);
        ManifestSignature? signed = signatures is null ? null : ManifestSignature.Read(json, signatures.Verified);
        bool isMisplaced = manifest is not null && (isKept ? key != RepositoryKeys.EntryOf(manifest.Id) : manifest.Source.Name != source || manifest.Name != name);
        string hash = signatures is null || signed is not null ? string.Empty : HashOf(json);
        return new ListedBackup(source, name, store.Locate(isKept ? key : folder), manifest, isMisplaced, hash, signed, problem, isAltered, tests, hold);
    }

    /// <summary>The SHA-256 of a manifest.</summary>
    public static string HashOf(byte[] manifest) => Convert.ToHexStringLower(SHA256.HashData(manifest));

    private static async Task<IReadOnlyList<TestRecord>> ReadTestsAsync(CachedReads reads, IReadOnlyList<StoredKey> keys, string manifestHash, CancellationToken cancellationToken)
    {
        var records = new List<TestRecord>();
        foreach (StoredKey key in keys)
        {
            if (await ReadTestAsync(reads, key, cancellationToken).ConfigureAwait(false) is not { } record)
                continue;
            // A manifest is never changed: until a test of the present one says otherwise, it is damaged.
            records.Add(record.ManifestSha256 == manifestHash
                ? record
                : record with { Passed = false, Reached = BackupStatus.Damaged, Failure = "its backup.json is not the one that was tested then" });
        }

        return [.. records.OrderBy(record => record.Tested)];
    }

    private static async Task<TestRecord?> ReadTestAsync(CachedReads reads, StoredKey key, CancellationToken cancellationToken)
    {
        try
        {
            return await reads.ReadAsync(key, cancellationToken).ConfigureAwait(false) is { } json ? ManifestJson.ReadTest(json) : null;
        }
        catch (BackupException)
        {
            return null;
        }
    }

    // The files of a backup that a listing reads.
    private sealed record ListedFiles(StoredKey Manifest, string Folder, IReadOnlyList<StoredKey> Tests, StoredKey? Hold)
    {
        public IEnumerable<StoredKey> All => Hold is { } hold ? [Manifest, .. Tests, hold] : [Manifest, .. Tests];
    }
}
