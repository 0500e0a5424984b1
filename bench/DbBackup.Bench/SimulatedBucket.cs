using System.Collections.Concurrent;
using System.Globalization;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Bench;

/// <summary>
/// A bucket of a great fleet: objects that are made when they are read, and those that are put. It counts requests and bytes, a listing by pages of a
/// thousand keys as S3 bills them, and each request takes its time.
/// </summary>
/// <param name="keys">The keys of the made objects, in order.</param>
/// <param name="make">Makes the content of one.</param>
/// <param name="latency">How long a request takes.</param>
internal sealed class SimulatedBucket(string[] keys, Func<string, byte[]> make, TimeSpan latency) : IObjectStore
{
    private const int PageSize = 1000;
    // What an S3 listing says of an object, beside its key.
    private const int ListedBytes = 300;
    private readonly ConcurrentDictionary<string, byte[]> _put = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _gone = new(StringComparer.Ordinal);
    private long _lists, _gets, _puts, _deletes, _bytes;

    public string Location => "memory://fleet";

    public string? LocalFolder => null;

    /// <summary>Hides the made objects of which it says so, until it is changed.</summary>
    public Func<string, bool> IsHidden { get; set; } = _ => false;

    /// <summary>Returns what was done since the last call.</summary>
    public Traffic Take() => new(Interlocked.Exchange(ref _lists, 0), Interlocked.Exchange(ref _gets, 0), Interlocked.Exchange(ref _puts, 0), Interlocked.Exchange(ref _deletes, 0), Interlocked.Exchange(ref _bytes, 0));

    public string Locate(string key) => $"{Location}/{key.TrimEnd('/')}";

    public Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken) => Task.FromResult(new StoreProperties(true, null));

    public async Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        int from = Array.BinarySearch(keys, prefix, StringComparer.Ordinal);
        var found = new List<StoredObject>();
        for (int at = from < 0 ? ~from : from; at < keys.Length && keys[at].StartsWith(prefix, StringComparison.Ordinal); at++)
        {
            if (!_gone.ContainsKey(keys[at]) && !IsHidden(keys[at]))
                found.Add(new StoredObject(keys[at], 3000, DateTimeOffset.UnixEpoch, "\"made\""));
        }

        foreach ((string key, byte[] content) in _put)
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal) && (prefix.Length > 0 || key[0] != '.'))
                found.Add(new StoredObject(key, content.Length, DateTimeOffset.UtcNow, "\"put\""));
        }

        Interlocked.Add(ref _bytes, found.Sum(each => (long)each.Key.Length + ListedBytes));
        // One page after the other: each needs the last one's token.
        for (int pages = Math.Max(1, (found.Count + PageSize - 1) / PageSize); pages > 0; pages--)
        {
            Interlocked.Increment(ref _lists);
            await Task.Delay(latency, cancellationToken);
        }

        return found;
    }

    public async Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken) =>
        await ReadAsync(key, cancellationToken) is { } content ? new MemoryStream(content, (int)offset, (int)(length ?? content.Length - offset)) : null;

    public async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _gets);
        await Task.Delay(latency, cancellationToken);
        byte[]? content = _put.TryGetValue(key, out byte[]? put) ? put
            : Array.BinarySearch(keys, key, StringComparer.Ordinal) >= 0 && !_gone.ContainsKey(key) && !IsHidden(key) ? make(key) : null;
        Interlocked.Add(ref _bytes, content?.Length ?? 0);
        return content;
    }

    public async Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _puts);
        await Task.Delay(latency, cancellationToken);
        return _put.TryAdd(key, content.ToArray());
    }

    public Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task FlushAsync(string prefix, CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _deletes);
        await Task.Delay(latency, cancellationToken);
        if (!_put.TryRemove(key, out _))
            _gone[key] = true;
    }
}

/// <summary>Requests and bytes.</summary>
internal readonly record struct Traffic(long Lists, long Gets, long Puts, long Deletes, long Bytes)
{
    /// <summary>The same for one of several.</summary>
    public string Per(int count) => string.Create(CultureInfo.InvariantCulture, $"{(double)Lists / count:#,0.##} | {(double)Gets / count:#,0.##} | {(double)Puts / count:#,0.##} | {(double)Deletes / count:#,0.##} | {Bytes / 1e6 / count:#,0.###} MB");

    /// <summary>The cells of a table's line.</summary>
    public override string ToString() => Per(1);
}
