using System.Collections.Concurrent;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository.Listing;

/// <summary>Reads the small objects of one listing: from the cache what it has, from the store the rest.</summary>
internal sealed class CachedReads
{
    private readonly IObjectStore _store;
    private readonly RepositoryCache? _cache;
    private readonly ConcurrentDictionary<string, Lazy<SourceCache>> _sources = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _left = new(StringComparer.Ordinal);

    /// <param name="store">The store.</param>
    /// <param name="cache">The cache; null to read all from the store.</param>
    /// <param name="listed">All objects of each source that a listing reads.</param>
    public CachedReads(IObjectStore store, RepositoryCache? cache, IReadOnlyList<StoredKey> listed)
    {
        _store = store;
        _cache = cache;
        if (cache is null)
            return;
        foreach (StoredKey each in listed)
            _left[SourceOf(each.Key)] = _left.GetValueOrDefault(SourceOf(each.Key)) + 1;
        foreach (string source in _left.Keys)
            _sources[source] = new Lazy<SourceCache>(() => cache.OpenSource(source));
    }

    /// <summary>Reads an object; null if there is none.</summary>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public async Task<byte[]?> ReadAsync(StoredKey key, CancellationToken cancellationToken)
    {
        // Without a version nothing tells whether it is still what it was.
        if (_cache is null || key.Version is null)
            return await _store.ReadAsync(key.Key, cancellationToken).ConfigureAwait(false);
        SourceCache source = _sources[SourceOf(key.Key)].Value;
        byte[]? content = source.Find(key);
        if (content is not null)
            return content;
        content = await _store.ReadAsync(key.Key, cancellationToken).ConfigureAwait(false);
        if (content is not null)
            source.Add(key, content);
        return content;
    }

    /// <summary>Tells that one more object of a source was read, or needs not be: with the last one its file is written, and its memory is free.</summary>
    public void Done(StoredKey key)
    {
        if (_cache is null)
            return;
        string name = SourceOf(key.Key);
        Lazy<SourceCache> source;
        lock (_left)
        {
            if (--_left[name] > 0)
                return;
            source = _sources[name];
            _sources[name] = new Lazy<SourceCache>(() => _cache.OpenSource(name));
        }

        if (source.IsValueCreated)
            source.Value.Save();
    }

    /// <summary>Cleans up after a listing of all sources.</summary>
    public void Sweep() => _cache?.Sweep(_left.Keys);

    private static string SourceOf(string key) => key[..key.IndexOf('/', StringComparison.Ordinal)];
}
