using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Small objects whose writers died before they had their keys.</summary>
internal sealed class UnfinishedWrites(IObjectStore store)
{
    /// <summary>Removes those below a prefix, unless a process is at work in the repository: one of them may be its own.</summary>
    /// <param name="prefix">The prefix: who writes there has a lease.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>False if some are left for a later run.</returns>
    public async Task<bool> TryRemoveAsync(string prefix, CancellationToken cancellationToken)
    {
        string[] found = [.. (await store.ListAsync(prefix, cancellationToken).ConfigureAwait(false)).Select(each => each.Key).Where(UnfinishedKey.IsOne)];
        // Leases come before what is written under them: looked for afterwards, that of a living writer is seen.
        if (found.Length > 0 && (await new Leases(store).ListAsync(cancellationToken).ConfigureAwait(false)).Any(lease => !lease.IsDead))
            return false;
        foreach (string key in found)
            await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
        return true;
    }
}
