using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Tests.Unit.Encryption;

/// <summary>A store whose process dies before a certain change: neither that one nor any later one is made, not even to clean up.</summary>
internal sealed class DyingStore(IObjectStore inner, int diesAt) : IObjectStore
{
    private int _changes;

    public string Location => inner.Location;

    public string? LocalFolder => inner.LocalFolder;

    public string Locate(string key) => inner.Locate(key);

    public Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken) => inner.ReadPropertiesAsync(cancellationToken);

    public Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    public Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken) => inner.OpenAsync(key, offset, length, cancellationToken);

    public Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken) => inner.ReadAsync(key, cancellationToken);

    public Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => Alive(() => inner.PutAsync(key, content, cancellationToken));

    public Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken) => Alive(() => inner.WriteAsync(key, write, cancellationToken));

    public Task FlushAsync(string prefix, CancellationToken cancellationToken) => inner.FlushAsync(prefix, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => Alive(() => inner.DeleteAsync(key, cancellationToken));

    private T Alive<T>(Func<T> change) => ++_changes < diesAt
        ? change()
        : throw new BackupFailure(ErrorCodes.WriteFailed, FailureCategory.WriteError, "The process is dead.", "None.");
}
