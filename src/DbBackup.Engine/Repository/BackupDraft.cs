using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>
/// A backup that is being written: its name is reserved by a lease, its payloads go to their final keys, and it is no backup until its
/// manifest is there. Unless it is published, nothing of it is left when it is disposed.
/// </summary>
internal sealed class BackupDraft : IAsyncDisposable
{
    private readonly IObjectStore _store;
    private readonly Lease _lease;
    private readonly string _folder;
    private readonly bool _isCopy;
    private readonly HashSet<string> _written = new(StringComparer.Ordinal);
    private bool _isPublished;
    private bool _isKept;

    private BackupDraft(IObjectStore store, BackupKey key, Lease lease, IReadOnlyList<StoredObject>? arrived = null)
    {
        _store = store;
        _lease = lease;
        _folder = RepositoryKeys.FolderOf(key);
        _isCopy = arrived is not null;
        Key = key;
        Arrived = (arrived ?? []).ToDictionary(each => each.Key[_folder.Length..], each => each.Size, StringComparer.Ordinal);
    }

    /// <summary>Its place.</summary>
    public BackupKey Key { get; }

    /// <summary>The files, with their bytes, that an earlier copy of the same backup left which was cut. What is in them is yet to be checked.</summary>
    public IReadOnlyDictionary<string, long> Arrived { get; }

    /// <summary>Reserves a name.</summary>
    /// <param name="store">The store.</param>
    /// <param name="key">The source, and the name that is wanted.</param>
    /// <param name="mayRename">True if a number may be added to a name that is taken.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The name is taken, or the repository cannot be written.</exception>
    public static async Task<BackupDraft> ReserveAsync(IObjectStore store, BackupKey key, bool mayRename, CancellationToken cancellationToken)
    {
        var copies = new UnfinishedCopies(store);
        for (int number = 1; ; number++)
        {
            BackupKey candidate = number == 1 ? key : key with { Name = $"{key.Name}-{number}" };
            if (await new Leases(store).TryTakeAsync(candidate.ToString(), LeasePurpose.Write, cancellationToken).ConfigureAwait(false) is { } lease)
            {
                try
                {
                    // What an unfinished copy left under this name gives way.
                    if (lease.TookOver || (!await IsFreeAsync(store, candidate, cancellationToken).ConfigureAwait(false) && await copies.FindAsync(candidate.ToString(), cancellationToken).ConfigureAwait(false) is not null))
                        await copies.DiscardAsync(candidate.ToString(), cancellationToken).ConfigureAwait(false);
                    if (await IsFreeAsync(store, candidate, cancellationToken).ConfigureAwait(false))
                        return new BackupDraft(store, candidate, lease);
                }
                catch
                {
                    await lease.DisposeAsync().ConfigureAwait(false);
                    throw;
                }

                await lease.DisposeAsync().ConfigureAwait(false);
            }

            if (!mayRename)
                throw NameExists(candidate);
        }
    }

    /// <summary>Reserves a name for a copy, which goes on with what an earlier one of the same backup left that was cut.</summary>
    /// <param name="store">The store.</param>
    /// <param name="key">The source and the name.</param>
    /// <param name="manifestSha256">The hash of the manifest that is copied.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The name is taken, or the repository cannot be written.</exception>
    public static async Task<BackupDraft> ReserveCopyAsync(IObjectStore store, BackupKey key, string manifestSha256, CancellationToken cancellationToken)
    {
        if (await new Leases(store).TryTakeAsync(key.ToString(), LeasePurpose.Write, cancellationToken).ConfigureAwait(false) is not { } lease)
            throw NameExists(key);
        try
        {
            var copies = new UnfinishedCopies(store);
            UnfinishedCopy? earlier = await copies.FindAsync(key.ToString(), cancellationToken).ConfigureAwait(false);
            // Of another content, or of a backup that was being written: not one byte of it is of use.
            if (earlier is null ? lease.TookOver : earlier.ManifestSha256 != manifestSha256)
                await copies.DiscardAsync(key.ToString(), cancellationToken).ConfigureAwait(false);
            string folder = RepositoryKeys.FolderOf(key);
            IReadOnlyList<StoredObject> there = await store.ListAsync(folder, cancellationToken).ConfigureAwait(false);
            if (there.Any(each => each.Key == folder + RepositoryKeys.Manifest) || (there.Count > 0 && earlier?.ManifestSha256 != manifestSha256))
                throw NameExists(key);
            await copies.NoteAsync(key.ToString(), manifestSha256, cancellationToken).ConfigureAwait(false);
            return new BackupDraft(store, key, lease, there);
        }
        catch
        {
            await lease.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // What another user made at the same moment cannot be looked into: its name is taken.
    private static async Task<bool> IsFreeAsync(IObjectStore store, BackupKey key, CancellationToken cancellationToken)
    {
        try
        {
            return (await store.ListAsync(RepositoryKeys.FolderOf(key), cancellationToken).ConfigureAwait(false)).Count == 0;
        }
        catch (BackupException failure) when (failure.InnerException is UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Removes what an owner left that died while it wrote or removed a backup; what a copy left stays for the next one. To be called with the name's lease.</summary>
    public static async Task RemoveLeftoverAsync(IObjectStore store, string name, CancellationToken cancellationToken)
    {
        if (await new UnfinishedCopies(store).FindAsync(name, cancellationToken).ConfigureAwait(false) is null)
            await RemoveFilesAsync(store, name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes the files under a name, unless they are a backup. To be called with the name's lease.</summary>
    public static async Task RemoveFilesAsync(IObjectStore store, string name, CancellationToken cancellationToken)
    {
        // Other leases are of no backup.
        if (name.Split('/') is not [var source, var backup] || !BackupName.IsValid(source) || !BackupName.IsValid(backup))
            return;
        await store.DiscardUnfinishedAsync(name + "/", cancellationToken).ConfigureAwait(false);
        IReadOnlyList<StoredObject> left = await store.ListAsync(name + "/", cancellationToken).ConfigureAwait(false);
        // With a manifest it is a backup: it was published and only the lease was left, or its removal had not begun.
        if (left.Any(each => each.Key == $"{name}/{RepositoryKeys.Manifest}"))
            return;
        foreach (StoredObject each in left)
            await store.DeleteAsync(each.Key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The failure for a name that another backup has.</summary>
    public static BackupFailure NameExists(BackupKey key) => new(
        ErrorCodes.BackupExists,
        FailureCategory.AlreadyExists,
        $"A backup '{key}' exists already; it was not touched.",
        $"Choose another name, or remove it first: Remove-DbBackup -Source '{key.Source}' -Name '{key.Name}'.")
    { Target = key.ToString() };

    /// <summary>Writes a file of the backup.</summary>
    public async Task WriteAsync(string fileName, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        if (Arrived.ContainsKey(fileName))
            await _store.DeleteAsync(_folder + fileName, cancellationToken).ConfigureAwait(false);
        Note(fileName);
        await _store.WriteAsync(_folder + fileName, write, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes a file of it, if it is there.</summary>
    public Task DeleteAsync(string fileName) => _store.DeleteAsync(_folder + fileName, CancellationToken.None);

    /// <summary>Writes a small file of the backup.</summary>
    public Task WriteAsync(string fileName, byte[] content) => WriteAsync(fileName, stream => stream.WriteAsync(content).AsTask(), CancellationToken.None);

    /// <summary>Writes a file of a copy: where the store can, what arrived before a cut is not sent again, and what arrives before the next one is kept.</summary>
    /// <param name="fileName">The file's name.</param>
    /// <param name="write">Writes the whole content. It is given how many bytes from its beginning have probably arrived.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    public Task WriteOnAsync(string fileName, Func<Stream, long, Task> write, CancellationToken cancellationToken)
    {
        if (_store is not IResumingStore resuming)
            return WriteAsync(fileName, stream => write(stream, 0), cancellationToken);
        Note(fileName);
        return resuming.WriteOnAsync(_folder + fileName, write, cancellationToken);
    }

    // Payloads are written beside each other.
    private void Note(string fileName)
    {
        lock (_written)
            _written.Add(fileName);
    }

    /// <summary>Leaves what has arrived of a copy, for a later one to go on with it.</summary>
    public void Keep() => _isKept = _isCopy;

    /// <summary>Opens a file that was written before.</summary>
    public Stream OpenRead(string fileName) =>
        new ObjectStream(_store, _folder + fileName, () => NotReadBack("it lacks its file '" + fileName + "'"));

    /// <summary>Makes everything durable, puts the manifest, and reads the backup back as another program would.</summary>
    /// <param name="manifest">What is in it.</param>
    /// <exception cref="BackupException">It cannot be read back; nothing of it is left.</exception>
    public Task PublishAsync(Manifest manifest) => PublishAsync(manifest, ManifestJson.Write(manifest));

    /// <summary>Publishes with a manifest that was written before: records of tests name its hash.</summary>
    /// <param name="manifest">What is in it.</param>
    /// <param name="json">The manifest's bytes.</param>
    public async Task PublishAsync(Manifest manifest, byte[] json)
    {
        // What the last copy was writing when it was killed, under a key that only that one knew.
        foreach (string name in Arrived.Keys.Except([.. manifest.Payloads.Select(payload => payload.FileName), .. RepositoryKeys.CompanionsOf(manifest), RepositoryKeys.Instructions]))
            await DeleteAsync(name).ConfigureAwait(false);
        await _store.FlushAsync(_folder, CancellationToken.None).ConfigureAwait(false);
        bool isNew;
        try
        {
            isNew = await _store.PutAsync(_folder + RepositoryKeys.Manifest, json, CancellationToken.None).ConfigureAwait(false);
            if (isNew)
                await ReadBackAsync(manifest, json).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            // It may be there: a store fails also after it has put it, when it makes it durable.
            await WithdrawAsync(failure).ConfigureAwait(false);
            throw;
        }

        if (!isNew)
            throw NameExists(Key);
        _isPublished = true;
    }

    // Its payloads stay as long as its manifest does: half a backup must not be listed.
    private async Task WithdrawAsync(BackupException reason)
    {
        try
        {
            await _store.DeleteAsync(_folder + RepositoryKeys.Manifest, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            _isPublished = true;
            throw new BackupFailure(
                ErrorCodes.WriteFailed,
                FailureCategory.WriteError,
                $"Backup '{Key}' was written to '{_store.Location}', but the repository failed before that was certain, and it could not be removed again: it may be listed. {reason.Message}",
                $"Check the repository's disk or share, then test it (Test-DbBackup -Source '{Key.Source}' -Name '{Key.Name}') or make another one.",
                reason)
            { Target = Key.ToString() };
        }
    }

    /// <summary>Gives the name up; what was not published is removed.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_isPublished && !_isKept)
            {
                if (_isCopy)
                    await _store.DiscardUnfinishedAsync(_folder, CancellationToken.None).ConfigureAwait(false);
                await _store.DeleteAllAsync(_folder, CancellationToken.None).ConfigureAwait(false);
                // By name as well: a store that lists late does not show them yet.
                foreach (string file in _store.LocalFolder is null ? _written : [])
                    await _store.DeleteAsync(_folder + file, CancellationToken.None).ConfigureAwait(false);
            }

            if (_isCopy && !_isKept)
                await new UnfinishedCopies(_store).ForgetAsync(Key.ToString(), CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // Not to hide why it was given up. The lease stays, and tells a later run what to remove.
            _lease.Keep();
        }

        await _lease.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ReadBackAsync(Manifest manifest, byte[] json)
    {
        byte[]? read = await _store.ReadAsync(_folder + RepositoryKeys.Manifest, CancellationToken.None).ConfigureAwait(false);
        if (read is null || !read.AsSpan().SequenceEqual(json))
            throw NotReadBack("its manifest is not what was written");
        Dictionary<string, long> sizes = (await _store.ListAsync(_folder, CancellationToken.None).ConfigureAwait(false)).ToDictionary(each => each.Key, each => each.Size, StringComparer.Ordinal);
        foreach (string companion in RepositoryKeys.CompanionsOf(manifest))
        {
            if (!sizes.ContainsKey(_folder + companion))
                throw NotReadBack($"'{companion}' is not there");
        }

        foreach (Payload payload in manifest.Payloads)
        {
            if (!sizes.TryGetValue(_folder + payload.FileName, out long size) || size != payload.StoredSize)
                throw NotReadBack($"'{payload.FileName}' is not there with its {payload.StoredSize} bytes");
            await ReadLastByteAsync(payload.FileName, size).ConfigureAwait(false);
        }
    }

    private async Task ReadLastByteAsync(string fileName, long size)
    {
        Stream last = await _store.OpenAsync(_folder + fileName, Math.Max(0, size - 1), 1, CancellationToken.None).ConfigureAwait(false)
            ?? throw NotReadBack($"'{fileName}' cannot be opened");
        await using (last.ConfigureAwait(false))
        {
            try
            {
                if (await last.ReadAsync(new byte[1]).ConfigureAwait(false) != Math.Min(1, size))
                    throw NotReadBack($"'{fileName}' ends early");
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw NotReadBack($"'{fileName}': {exception.Message}");
            }
        }
    }

    private BackupFailure NotReadBack(string reason) => new(
        ErrorCodes.BackupDamaged,
        FailureCategory.InvalidData,
        $"Backup '{Key}' was written to '{_store.Location}', but cannot be read back: {reason}. It was not kept.",
        "Check the repository's disk or share, then try again.")
    { Target = Key.ToString() };
}
