using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Testing;

/// <summary>A store that does at each operation what a test says: fail, wait, refuse to be written, or die (all that follows fails).</summary>
internal sealed class FaultyStore(IObjectStore inner) : IObjectStore
{
    private int _writes;

    public string Location => inner.Location;

    public string? LocalFolder => inner.LocalFolder;

    /// <summary>Whether nothing can be written.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>Takes so long for each operation.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>After so many writes and deletions nothing works any more; as for a process that is killed.</summary>
    public int DiesAfter { get; set; } = int.MaxValue;

    /// <summary>How many writes and deletions there were.</summary>
    public int Writes => _writes;

    /// <summary>Called before each operation with its name and key.</summary>
    public Action<string, string>? Before { get; set; }

    public string Locate(string key) => inner.Locate(key);

    public Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken) => inner.ReadPropertiesAsync(cancellationToken);

    public async Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        await BeginAsync("list", prefix, cancellationToken);
        return await inner.ListAsync(prefix, cancellationToken);
    }

    public async Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken)
    {
        await BeginAsync("open", key, cancellationToken);
        return await inner.OpenAsync(key, offset, length, cancellationToken);
    }

    public async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        await BeginAsync("open", key, cancellationToken);
        return await inner.ReadAsync(key, cancellationToken);
    }

    public async Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        await BeginAsync("put", key, cancellationToken, writes: true);
        return await inner.PutAsync(key, content, cancellationToken);
    }

    public async Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        await BeginAsync("write", key, cancellationToken, writes: true);
        await inner.WriteAsync(key, write, cancellationToken);
    }

    public async Task FlushAsync(string prefix, CancellationToken cancellationToken)
    {
        await BeginAsync("flush", prefix, cancellationToken);
        await inner.FlushAsync(prefix, cancellationToken);
    }

    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        await BeginAsync("delete", key, cancellationToken, writes: true);
        await inner.DeleteAsync(key, cancellationToken);
    }

    public Task<bool> HasConditionalPutAsync(CancellationToken cancellationToken) => inner.HasConditionalPutAsync(cancellationToken);

    public Task DiscardUnfinishedAsync(string prefix, CancellationToken cancellationToken) => inner.DiscardUnfinishedAsync(prefix, cancellationToken);

    private async Task BeginAsync(string operation, string key, CancellationToken cancellationToken, bool writes = false)
    {
        await Task.Delay(Delay, cancellationToken);
        Before?.Invoke(operation, key);
        if (writes && IsReadOnly)
            throw new BackupFailure(ErrorCodes.RepositoryNotWritable, FailureCategory.PermissionDenied, "Access denied.", "None.");
        if (_writes >= DiesAfter || (writes && Interlocked.Increment(ref _writes) > DiesAfter))
            throw new BackupFailure(ErrorCodes.WriteFailed, FailureCategory.WriteError, "The connection was lost.", "None.");
    }
}
