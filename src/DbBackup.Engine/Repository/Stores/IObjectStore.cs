namespace DbBackup.Engine.Repository.Stores;

/// <summary>What a store says about itself.</summary>
/// <param name="Exists">True if the place exists.</param>
/// <param name="AvailableBytes">The free bytes; null if there is no limit to know of.</param>
public sealed record StoreProperties(bool Exists, long? AvailableBytes);

/// <summary>
/// Bytes under keys, in one kind of place. It knows nothing of what they mean, and needs nothing that a share or a bucket lacks: no
/// rename, no append, no lock. Every implementation passes the same contract tests. Failures are <see cref="BackupException"/>s.
/// </summary>
public interface IObjectStore
{
    /// <summary>The place as a person writes it: an absolute path, a URL.</summary>
    string Location { get; }

    /// <summary>The folder on this machine in which the objects are files; null for a remote place.</summary>
    string? LocalFolder { get; }

    /// <summary>Where an object is, as a person writes it: a path, a URL.</summary>
    /// <param name="key">The object's key, or the part of it that several share.</param>
    string Locate(string key);

    /// <summary>Reads what the place says about itself.</summary>
    Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Lists all objects whose keys begin with a prefix, in no order. What is listed was put before the call. Keys with a name that
    /// begins with a dot may be left out unless the prefix has it.
    /// </summary>
    /// <param name="prefix">Empty, or whole names, each ended by <c>/</c>.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    /// <exception cref="BackupException">The place does not exist or cannot be read.</exception>
    Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// Finds keys by patterns, in which a name of <c>*</c> stands for any that does not begin with a dot. A store whose folders cost a call each
    /// looks into no more of them than the patterns ask for, and may give a key that ends in a literal name without an object, unless the pattern is rare: reading it tells.
    /// </summary>
    /// <param name="patterns">Keys, with <c>*</c> in place of whole names.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The keys, in no order.</returns>
    /// <exception cref="BackupException">The place does not exist or cannot be read.</exception>
    async Task<IReadOnlyList<StoredKey>> FindAsync(IReadOnlyList<KeyPattern> patterns, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        var found = new List<StoredKey>();
        foreach (string prefix in KeyPattern.PrefixesOf(patterns))
            found.AddRange((await ListAsync(prefix, cancellationToken).ConfigureAwait(false)).Where(each => patterns.Any(pattern => pattern.Fits(each.Key))).Select(each => new StoredKey(each.Key, each.Version)));
        return found;
    }

    /// <summary>Opens an object.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="offset">The first byte to read.</param>
    /// <param name="length">How many bytes to read; null for all up to the end.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>A forward-only stream; null if there is no such object.</returns>
    /// <exception cref="BackupException">It cannot be read.</exception>
    Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken);

    /// <summary>Reads a small object whole: of at most <see cref="StoredObject.LargestSmall"/> bytes.</summary>
    /// <returns>Its content; null if there is no such object.</returns>
    /// <exception cref="BackupException">It cannot be read, or is larger.</exception>
    Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken);

    /// <summary>Puts a small object, unless its key is taken: whole or not at all, and durable when this returns.</summary>
    /// <returns>False if the key is taken; its object was not touched.</returns>
    /// <exception cref="BackupException">It cannot be written.</exception>
    Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a large object under a key that only the caller uses. Durable after <see cref="FlushAsync"/>; a failure leaves nothing,
    /// the death of this process may leave a part.
    /// </summary>
    /// <param name="key">Its key.</param>
    /// <param name="write">Writes the content to a forward-only stream.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <exception cref="BackupException">It cannot be written.</exception>
    Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken);

    /// <summary>Makes all that was written and deleted under a prefix durable.</summary>
    Task FlushAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes an object; one that does not exist is no error.</summary>
    /// <exception cref="BackupException">It cannot be deleted.</exception>
    Task DeleteAsync(string key, CancellationToken cancellationToken);

    /// <summary>True if the store itself gives a key to one writer only; false if a protocol above it does.</summary>
    /// <exception cref="BackupException">It cannot be found out.</exception>
    Task<bool> HasConditionalPutAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    /// <summary>
    /// Discards what writers left that died while they wrote objects under a prefix, and that no listing shows: the parts of an upload. To be
    /// called when none writes there.
    /// </summary>
    /// <exception cref="BackupException">It cannot be discarded.</exception>
    Task DiscardUnfinishedAsync(string prefix, CancellationToken cancellationToken) => Task.CompletedTask;
}
