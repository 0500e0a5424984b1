using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>
/// Who works on what in a repository. A lease is a small object with its owner in it; that of a dead owner does not count, so nothing
/// has to be unlocked. A name is taken by putting the object of the next generation, which the store gives to one process only; a lease
/// that was left behind is deleted only by the one that took the name after it.
/// </summary>
internal sealed class Leases(IObjectStore store)
{
    // A lease is put whole: what cannot be read was not written by this module, or is damaged.
    private static readonly TimeSpan UnreadableTimeout = TimeSpan.FromMinutes(10);

    private readonly StoreClock _clock = new(store);

    private sealed record Found(string Key, string Hash, int? Generation, LeaseContent? Content, bool IsDead);

    /// <summary>Takes a name for this process alone.</summary>
    /// <returns>The lease; null if another process has it.</returns>
    /// <exception cref="BackupException">The repository cannot be written.</exception>
    public async Task<Lease?> TryTakeAsync(string name, LeasePurpose purpose, CancellationToken cancellationToken)
    {
        string hash = HashOf(name);
        for (int attempt = 0; ; attempt++)
        {
            List<Found> before = await FindAsync(hash, isShared: false, cancellationToken).ConfigureAwait(false);
            if (before.Exists(lease => !lease.IsDead) || attempt == 5)
                return null;
            int generation = before.Select(lease => lease.Generation!.Value).DefaultIfEmpty(0).Max() + 1;
            string key = string.Create(CultureInfo.InvariantCulture, $"{RepositoryKeys.Leases}{hash}.{generation}.json");
            if (!await store.PutAsync(key, ContentFor(name, purpose), cancellationToken).ConfigureAwait(false))
                continue;
            var lease = new Lease(store, key, tookOver: before.Count > 0);
            List<Found> others = [.. (await FindAsync(hash, isShared: false, cancellationToken).ConfigureAwait(false)).Where(other => other.Key != key)];
            if (others.TrueForAll(other => other.IsDead))
            {
                foreach (Found dead in others)
                    await store.DeleteAsync(dead.Key, cancellationToken).ConfigureAwait(false);
                return lease;
            }

            // Between the two looks another process cleaned up, and a third took the name: neither may keep it now.
            await lease.DisposeAsync().ConfigureAwait(false);
            await Task.Delay(Random.Shared.Next(20, 200), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Marks a name as used by this process and any others.</summary>
    /// <returns>The lease; in a repository that this user cannot write, one that does not protect.</returns>
    public async Task<Lease> ShareAsync(string name, CancellationToken cancellationToken)
    {
        string key = $"{RepositoryKeys.Leases}{HashOf(name)}.r-{Guid.NewGuid():N}.json";
        try
        {
            await store.PutAsync(key, ContentFor(name, LeasePurpose.Read), cancellationToken).ConfigureAwait(false);
            return new Lease(store, key, tookOver: false);
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.RepositoryNotWritable or ErrorCodes.NotEnoughSpace)
        {
            return new Lease(store, null, tookOver: false);
        }
    }

    /// <summary>True if a living process removes what has a name.</summary>
    public async Task<bool> IsBeingRemovedAsync(string name, CancellationToken cancellationToken) =>
        (await FindAsync(HashOf(name), isShared: false, cancellationToken).ConfigureAwait(false)).Exists(lease => !lease.IsDead && lease.Content?.Purpose != LeasePurpose.Write);

    /// <summary>True if a living process uses a name.</summary>
    public async Task<bool> IsSharedAsync(string name, CancellationToken cancellationToken) =>
        (await FindAsync(HashOf(name), isShared: true, cancellationToken).ConfigureAwait(false)).Exists(lease => !lease.IsDead);

    /// <summary>Deletes the shared leases of dead owners, and what these were writing beside a backup: records of tests, a hold.</summary>
    /// <returns>The names that dead owners had for themselves.</returns>
    public async Task<IReadOnlyList<string>> SweepAsync(CancellationToken cancellationToken)
    {
        List<Found> dead = [.. (await FindAsync(null, null, cancellationToken).ConfigureAwait(false)).Where(lease => lease.IsDead)];
        foreach (Found lease in dead.Where(lease => lease.Generation is null || lease.Content is null))
        {
            if (lease.Content is not { } content || await new UnfinishedWrites(store).TryRemoveAsync(content.Name + "/", cancellationToken).ConfigureAwait(false))
                await store.DeleteAsync(lease.Key, cancellationToken).ConfigureAwait(false);
        }

        return [.. dead.Where(lease => lease.Generation is not null).Select(lease => lease.Content?.Name).OfType<string>().Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Lists all leases, and deletes none.</summary>
    public async Task<IReadOnlyList<ListedLease>> ListAsync(CancellationToken cancellationToken) =>
        [.. (await FindAsync(null, null, cancellationToken).ConfigureAwait(false)).Select(lease => new ListedLease(lease.Key, lease.Content?.Name, lease.IsDead))];

    // The clear name stands in the content: two names of a hundred letters are longer than a file name may be.
    private static string HashOf(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..32];

    private static byte[] ContentFor(string name, LeasePurpose purpose) =>
        JsonSerializer.SerializeToUtf8Bytes(new LeaseContent(name, purpose, ProcessIdentity.Current, DateTimeOffset.UtcNow), RepositoryJsonContext.Default.LeaseContent);

    private async Task<List<Found>> FindAsync(string? hash, bool? isShared, CancellationToken cancellationToken)
    {
        var found = new List<Found>();
        foreach (StoredObject each in await store.ListAsync(RepositoryKeys.Leases, cancellationToken).ConfigureAwait(false))
        {
            string[] parts = each.Key[RepositoryKeys.Leases.Length..].Split('.');
            bool isLease = parts.Length == 3 && parts[2] == "json";
            int? generation = isLease && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
            if (!isLease ? hash is not null : (hash is not null && parts[0] != hash) || (isShared is { } wanted && wanted != (generation is null)))
                continue;
            LeaseContent? content = await ReadAsync(each.Key, cancellationToken).ConfigureAwait(false);
            found.Add(new Found(each.Key, parts[0], generation, content, await IsDeadAsync(each, content, cancellationToken).ConfigureAwait(false)));
        }

        return found;
    }

    private async Task<LeaseContent?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAsync(key, cancellationToken).ConfigureAwait(false) is { } json ? JsonSerializer.Deserialize(json, RepositoryJsonContext.Default.LeaseContent) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task<bool> IsDeadAsync(StoredObject lease, LeaseContent? content, CancellationToken cancellationToken)
    {
        if (content is null)
            return await _clock.IsOlderAsync(lease.Modified, UnreadableTimeout, cancellationToken).ConfigureAwait(false);
        switch (content.Owner.IsAlive())
        {
            case Liveness.Alive:
                return false;
            case Liveness.Dead:
                return true;
            default:
                // Another computer's processes cannot be seen, only what they write.
                DateTimeOffset newest = (await store.ListAsync(content.Name + "/", cancellationToken).ConfigureAwait(false))
                    .Select(each => each.Modified).Append(lease.Modified).Max();
                return await _clock.IsOlderAsync(newest, ProcessIdentity.SilenceOfOtherHosts, cancellationToken).ConfigureAwait(false);
        }
    }
}
