namespace DbBackup.Engine.Repository.Stores;

/// <summary>What every store can do with the few operations that it has.</summary>
internal static class ObjectStores
{
    /// <summary>Deletes all objects under a prefix.</summary>
    public static async Task DeleteAllAsync(this IObjectStore store, string prefix, CancellationToken cancellationToken)
    {
        // The manifest first: without it the rest is no backup, wherever the deletion ends.
        IEnumerable<StoredObject> all = await store.ListAsync(prefix, cancellationToken).ConfigureAwait(false);
        foreach (StoredObject each in all.OrderByDescending(each => each.Key == prefix + RepositoryKeys.Manifest))
            await store.DeleteAsync(each.Key, cancellationToken).ConfigureAwait(false);
    }
}
