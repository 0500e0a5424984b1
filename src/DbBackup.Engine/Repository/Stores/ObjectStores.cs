namespace DbBackup.Engine.Repository.Stores;

/// <summary>What every store can do with the few operations that it has.</summary>
internal static class ObjectStores
{
    /// <summary>Reads a small object whole; null if there is none.</summary>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public static async Task<byte[]?> ReadAsync(this IObjectStore store, string key, CancellationToken cancellationToken)
    {
        Stream? stream = await store.OpenAsync(key, 0, null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
            return null;
        await using (stream.ConfigureAwait(false))
        {
            try
            {
                using var content = new MemoryStream();
                await stream.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
                return content.ToArray();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw DirectoryFailures.NotReadable(store.Locate(key), exception);
            }
        }
    }

    /// <summary>Deletes all objects under a prefix.</summary>
    public static async Task DeleteAllAsync(this IObjectStore store, string prefix, CancellationToken cancellationToken)
    {
        foreach (StoredObject each in await store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            await store.DeleteAsync(each.Key, cancellationToken).ConfigureAwait(false);
    }
}
