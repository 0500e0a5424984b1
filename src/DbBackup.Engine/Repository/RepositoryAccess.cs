using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Tries what a login may do at a repository's place.</summary>
public static class RepositoryAccess
{
    /// <summary>Lists, writes, reads back and deletes a small object; creates no repository.</summary>
    /// <param name="location">The place.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The place does not exist, cannot be reached, or refuses the login.</exception>
    public static Task<RepositoryInfo> CheckAsync(RepositoryLocation location, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(location);
        return CheckAsync(location.OpenStore(), location.Kind, cancellationToken);
    }

    /// <inheritdoc cref="CheckAsync(RepositoryLocation, CancellationToken)"/>
    internal static async Task<RepositoryInfo> CheckAsync(IObjectStore store, string kind, CancellationToken cancellationToken)
    {
        StoreProperties properties = await store.ReadPropertiesAsync(cancellationToken).ConfigureAwait(false);
        // Says in the store's own words what is missing.
        await store.ListAsync(RepositoryKeys.Leases, cancellationToken).ConfigureAwait(false);
        RepositoryFile? file = await new RepositoryIdentity(store, null).ReadAsync(cancellationToken).ConfigureAwait(false);
        string key = $"{RepositoryKeys.Checks}{Guid.NewGuid():N}";
        bool canWrite = await TryWriteAsync(store, key, cancellationToken).ConfigureAwait(false);
        return new RepositoryInfo
        {
            Repository = store.Location,
            Kind = kind,
            Id = file?.Id,
            Created = file?.Created.ToLocalTime(),
            CanWrite = canWrite,
            CanDelete = canWrite && await TryDeleteAsync(store, key, cancellationToken).ConfigureAwait(false),
            HasConditionalWrites = canWrite ? await store.HasConditionalPutAsync(cancellationToken).ConfigureAwait(false) : null,
            AvailableBytes = properties.AvailableBytes,
        };
    }

    private static async Task<bool> TryWriteAsync(IObjectStore store, string key, CancellationToken cancellationToken)
    {
        byte[] content = Guid.NewGuid().ToByteArray();
        try
        {
            await store.PutAsync(key, content, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.RepositoryNotWritable)
        {
            return false;
        }

        byte[]? read = await store.ReadAsync(key, cancellationToken).ConfigureAwait(false);
        return read is not null && read.AsSpan().SequenceEqual(content) ? true : throw new BackupFailure(
            ErrorCodes.ReadFailed, FailureCategory.InvalidData, $"'{store.Location}' does not give back what was just written to it.",
            "Use another place: backups need a store that lists and reads what was written before.")
        { Target = store.Location };
    }

    private static async Task<bool> TryDeleteAsync(IObjectStore store, string key, CancellationToken cancellationToken)
    {
        try
        {
            await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.RepositoryNotWritable or ErrorCodes.ObjectLocked)
        {
            return false;
        }
    }
}
