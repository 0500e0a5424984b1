namespace DbBackup.Engine.Repository.Stores;

/// <summary>A store that goes on with a large object whose writing was cut, in this process or an earlier one.</summary>
internal interface IResumingStore : IObjectStore
{
    /// <summary>
    /// Writes a large object under a key that only the caller uses, and sends only those parts that are not there from an earlier writing. Each part is
    /// compared before it is left out; an object that is there whole is replaced. A failure leaves what has arrived, which <see cref="IObjectStore.DiscardUnfinishedAsync"/> and a deletion discard.
    /// </summary>
    /// <param name="key">Its key.</param>
    /// <param name="write">Writes the whole content, from its first byte. It is given how many bytes from there have probably arrived.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <exception cref="BackupException">It cannot be written.</exception>
    Task WriteOnAsync(string key, Func<Stream, long, Task> write, CancellationToken cancellationToken);
}
