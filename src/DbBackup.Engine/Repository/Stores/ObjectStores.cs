namespace DbBackup.Engine.Repository.Stores;

/// <summary>What every store can do with the few operations that it has.</summary>
internal static class ObjectStores
{
    /// <summary>Deletes all objects under a prefix.</summary>
    public static async Task DeleteAllAsync(this IObjectStore store, string prefix, CancellationToken cancellationToken)
    {
        foreach (StoredObject each in await store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
            await store.DeleteAsync(each.Key, cancellationToken).ConfigureAwait(false);
    }
}
