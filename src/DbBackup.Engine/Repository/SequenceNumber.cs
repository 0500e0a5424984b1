using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>The place of a backup in the order in which those of its source are taken. No other backup gets it while this one is made.</summary>
internal sealed class SequenceNumber : IAsyncDisposable
{
    private readonly Lease? _lease;

    private SequenceNumber(long value, Lease? lease)
    {
        Value = value;
        _lease = lease;
    }

    /// <summary>The number of an imported backup, which has no place in the order.</summary>
    public static SequenceNumber None { get; } = new(0, null);

    /// <summary>The number, from 1; 0 for none.</summary>
    public long Value { get; }

    /// <summary>Takes the next number. To be called before anything is captured, and to be disposed when the backup is published.</summary>
    /// <param name="store">The store.</param>
    /// <param name="source">The source.</param>
    /// <param name="history">The source's backups, as they were listed before.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The repository cannot be read or written.</exception>
    public static async Task<SequenceNumber> TakeAsync(IObjectStore store, string source, IReadOnlyList<Backup> history, CancellationToken cancellationToken)
    {
        var leases = new Leases(store);
        Dictionary<string, long> known = history.GroupBy(backup => backup.Name, StringComparer.Ordinal)
            .ToDictionary(named => named.Key, named => named.Max(backup => backup.Manifest?.Sequence ?? 0), StringComparer.Ordinal);
        for (long next = Highest(known) + 1; ; next++)
        {
            // Only a manifest that was made up has such a number; then the clock orders what follows.
            if (next >= ManifestJson.LargestSequence)
                return new SequenceNumber(ManifestJson.LargestSequence, null);
            if (await leases.TryTakeAsync(FormattableString.Invariant($"sequence/{source}/{next}"), LeasePurpose.Write, cancellationToken).ConfigureAwait(false) is not { } lease)
                continue;
            try
            {
                // Who had the number may have published, and given it up, since the listing.
                await AddNewAsync(store, source, known, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                await lease.DisposeAsync().ConfigureAwait(false);
                throw;
            }

            if (Highest(known) < next)
                return new SequenceNumber(next, lease);
            await lease.DisposeAsync().ConfigureAwait(false);
            next = Highest(known);
        }
    }

    /// <summary>Gives the number up: it belongs to the backup that was published with it.</summary>
    public ValueTask DisposeAsync() => _lease?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static long Highest(Dictionary<string, long> known) => known.Values.DefaultIfEmpty(0).Max();

    private static async Task AddNewAsync(IObjectStore store, string source, Dictionary<string, long> known, CancellationToken cancellationToken)
    {
        foreach ((string key, _) in await store.FindAsync([new KeyPattern(source, KeyPattern.AnyName, RepositoryKeys.Manifest)], cancellationToken).ConfigureAwait(false))
        {
            string name = key.Split('/')[1];
            if (!known.ContainsKey(name))
                known[name] = await ReadAsync(store, key, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<long> ReadAsync(IObjectStore store, string key, CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAsync(key, cancellationToken).ConfigureAwait(false) is { } json ? ManifestJson.Read(json, out _)?.Sequence ?? 0 : 0;
        }
        catch (BackupException)
        {
            // What cannot be read has no number in the listing either.
            return 0;
        }
    }
}
