using System.Collections.Concurrent;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Testing;

/// <summary>
/// A store that can do no more than a bucket: put if absent, read ranges, list, delete. What is being written is not seen before it is
/// whole; streams go forward only; there is no folder and no file.
/// </summary>
internal sealed class MemoryBucket : IObjectStore
{
    private readonly ConcurrentDictionary<string, (byte[] Content, DateTimeOffset Modified, int Version)> _objects = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _reads = new();
    private int _versions;

    /// <summary>True if listings tell a version of each object, as most stores do.</summary>
    public bool HasVersions { get; init; }

    public string Location => "memory://bucket";

    public string? LocalFolder => null;

    public IReadOnlyCollection<string> Keys => [.. _objects.Keys.Order(StringComparer.Ordinal)];

    /// <summary>By how much the store's clock is ahead of this machine's.</summary>
    public TimeSpan IsAhead { get; set; }

    /// <summary>Dates an object, by the store's clock.</summary>
    public void Age(string key, TimeSpan age) => _objects[key] = _objects[key] with { Modified = DateTimeOffset.UtcNow + IsAhead - age };

    /// <summary>Changes an object behind the repository's back, as bit rot does.</summary>
    public void Spoil(string key, Func<byte[], byte[]> change) => _objects[key] = _objects[key] with { Content = change(_objects[key].Content) };

    /// <summary>Puts another object in an object's place, as someone does who may write.</summary>
    public void Replace(string key, byte[] content) => _objects[key] = New(content);

    /// <summary>What all objects under a prefix hold.</summary>
    public byte[] Content(string key) => _objects[key].Content;

    public string Locate(string key) => $"{Location}/{key.TrimEnd('/')}";

    public Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken) => Task.FromResult(new StoreProperties(true, null));

    public Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<StoredObject>>(
        [.. _objects.Where(each => each.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(each => new StoredObject(each.Key, each.Value.Content.Length, each.Value.Modified, HasVersions ? $"v{each.Value.Version}" : null))]);

    public Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken)
    {
        if (!_objects.TryGetValue(key, out (byte[] Content, DateTimeOffset, int) found))
            return Task.FromResult<Stream?>(null);
        int start = (int)Math.Min(offset, found.Content.Length);
        int count = (int)Math.Min(length ?? long.MaxValue, found.Content.Length - start);
        return Task.FromResult<Stream?>(new ForwardStream(new MemoryStream(found.Content, start, count, writable: false)));
    }

    /// <summary>How many small objects were read whose keys end so.</summary>
    public int Reads(string end) => _reads.Count(key => key.EndsWith(end, StringComparison.Ordinal));

    public Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        _reads.Enqueue(key);
        return Task.FromResult(_objects.TryGetValue(key, out (byte[] Content, DateTimeOffset, int) found) ? [.. found.Content] : (byte[]?)null);
    }

    public Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        Task.FromResult(_objects.TryAdd(key, New(content.ToArray())));

    public async Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        await using (var stream = new ForwardStream(content))
            await write(stream);
        Assert.True(_objects.TryAdd(key, New(content.ToArray())), $"'{key}' was written twice.");
    }

    private (byte[] Content, DateTimeOffset Modified, int Version) New(byte[] content) => (content, DateTimeOffset.UtcNow + IsAhead, Interlocked.Increment(ref _versions));

    public Task FlushAsync(string prefix, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        _objects.TryRemove(key, out _);
        return Task.CompletedTask;
    }

    // Neither seeks nor tells its length, as a connection does not.
    private sealed class ForwardStream(MemoryStream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => inner.CanWrite;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => inner.Flush();

        // In pieces, as they come.
        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, Math.Min(count, 50_000));

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
    }
}
