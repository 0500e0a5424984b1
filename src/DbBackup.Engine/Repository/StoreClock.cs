using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>The moment by the clock that dates a store's objects. That of this machine may be off by hours or years, and so may that of any other host.</summary>
internal sealed class StoreClock(IObjectStore store)
{
    // More than clocks differ that are set by a server of time.
    private static readonly TimeSpan s_difference = TimeSpan.FromHours(1);
    private DateTimeOffset? _now;

    /// <summary>
    /// Returns whether a date that the store gave is longer ago than a limit. The store is asked only if this machine's clock says so, or says
    /// that the date is in the future: what it calls recent is left alone, which waits longer if it is behind.
    /// </summary>
    /// <exception cref="BackupException">The store fails.</exception>
    public async Task<bool> IsOlderAsync(DateTimeOffset date, TimeSpan limit, CancellationToken cancellationToken)
    {
        TimeSpan age = DateTimeOffset.UtcNow - date;
        if (age > -s_difference && age <= limit)
            return false;
        try
        {
            _now ??= await ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.RepositoryNotWritable)
        {
            // Who cannot write takes nothing from anyone.
            _now = DateTimeOffset.UtcNow;
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.NotEnoughSpace)
        {
            return false;
        }

        return _now - date > limit;
    }

    // No store tells its time but by the date of what was just put.
    private async Task<DateTimeOffset?> ReadAsync(CancellationToken cancellationToken)
    {
        string key = $"{RepositoryKeys.Checks}{Guid.NewGuid():N}";
        await store.PutAsync(key, "clock"u8.ToArray(), cancellationToken).ConfigureAwait(false);
        try
        {
            return (await store.ListAsync(RepositoryKeys.Checks, cancellationToken).ConfigureAwait(false)).FirstOrDefault(each => each.Key == key)?.Modified;
        }
        finally
        {
            await store.DeleteAsync(key, CancellationToken.None).ConfigureAwait(false);
        }
    }
}
