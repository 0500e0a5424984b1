using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>An object that is opened by its first read, so that only this has to wait for the store.</summary>
/// <param name="store">The store.</param>
/// <param name="key">The object's key.</param>
/// <param name="missing">The failure if there is no such object.</param>
internal sealed class ObjectStream(IObjectStore store, string key, Func<BackupException> missing) : ReadOnlyStream
{
    private Stream? _content;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        _content ??= OpenAsync(CancellationToken.None).GetAwaiter().GetResult();
        return _content.Read(buffer);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _content ??= await OpenAsync(cancellationToken).ConfigureAwait(false);
        return await _content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _content?.Dispose();
        base.Dispose(disposing);
    }

    private async Task<Stream> OpenAsync(CancellationToken cancellationToken) =>
        await store.OpenAsync(key, 0, null, cancellationToken).ConfigureAwait(false) ?? throw missing();
}
