using System.Diagnostics;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Retention;

/// <summary>Deletes the objects of a backup: the manifest first, so that it is listed at one moment and not at the next.</summary>
internal sealed class BackupDeletion(BackupRepository repository)
{
    private const string RemovalName = "removal";
    private static readonly TimeSpan RemovalTimeout = TimeSpan.FromSeconds(5);
    private readonly Leases _leases = new(repository.Store);
    // Per source the full backup of each of its backups: they are read once, however many are removed.
    private readonly Dictionary<string, Dictionary<string, Guid?>> _parents = new(StringComparer.Ordinal);

    /// <summary>Lets one process at a time decide what is removed.</summary>
    /// <exception cref="BackupException">Another process is removing.</exception>
    public async Task<IAsyncDisposable> BeAloneAsync(CancellationToken cancellationToken)
    {
        var waiting = Stopwatch.StartNew();
        while (true)
        {
            if (await _leases.TryTakeAsync(RemovalName, LeasePurpose.Remove, cancellationToken).ConfigureAwait(false) is { } lease)
                return lease;
            if (waiting.Elapsed > RemovalTimeout)
            {
                throw new BackupFailure(
                    ErrorCodes.RepositoryBusy,
                    FailureCategory.Busy,
                    $"Another process has been removing backups from '{repository.Location}' for more than five seconds.",
                    "Wait for it, then try again. The lease of a process that died ends with it.")
                { Target = repository.Location, CanRetry = true };
            }

            await Task.Delay(100, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Deletes a backup, or the entry of a kept database.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="despiteHold">True if it is deleted though it is locked.</param>
    /// <exception cref="BackupException">It is missing, it is locked, or a process reads it.</exception>
    public async Task RunAsync(Backup backup, IOperationObserver observer, bool despiteHold = false)
    {
        IObjectStore store = repository.Store;
        string manifest = BackupListing.ManifestOf(backup);
        string folder = BackupListing.FolderOf(backup);
        Lease lease = await _leases.TryTakeAsync(backup.ToString(), LeasePurpose.Remove, CancellationToken.None).ConfigureAwait(false) ?? throw InUse(backup);
        await using (lease.ConfigureAwait(false))
        {
            if (await _leases.IsSharedAsync(backup.ToString(), CancellationToken.None).ConfigureAwait(false))
                throw InUse(backup);
            // Who locks it reads it meanwhile, so that its hold is there by now.
            if (!despiteHold && await HoldFile.ReadAsync(store, HoldFile.KeyOf(backup), CancellationToken.None).ConfigureAwait(false) is { } hold && hold.HoldsAt(DateTimeOffset.UtcNow))
                throw BackupRemoval.Held(backup, hold);
            // Who makes a difference to it reads it until that is published.
            if (await FindChildAsync(backup).ConfigureAwait(false) is { } child)
                throw BackupRemoval.Needed(backup, child);
            IReadOnlyList<StoredObject> present = await store.ListAsync(manifest[..(manifest.LastIndexOf('/') + 1)], CancellationToken.None).ConfigureAwait(false);
            if (!present.Any(each => each.Key == manifest))
                throw BackupSelection.NotFound(backup.ToString(), repository.Location);
            await store.DeleteAsync(manifest, CancellationToken.None).ConfigureAwait(false);
            // A power cut must not bring back the manifest of payloads that are gone.
            await store.FlushAsync(folder, CancellationToken.None).ConfigureAwait(false);
            await SignerTrustList.ForgetAsync(repository, backup, CancellationToken.None).ConfigureAwait(false);
            try
            {
                await store.DeleteAllAsync(folder, CancellationToken.None).ConfigureAwait(false);
            }
            catch (BackupException failure)
            {
                lease.Keep();
                observer.Warning($"'{backup}' is removed, but not yet all of its files, which a later run deletes: {failure.Message}");
            }
        }
    }

    /// <summary>Takes a listing of all backups of its sources that was read since this process decides alone: they are not read again.</summary>
    public void Know(IEnumerable<Backup> backups)
    {
        foreach (Backup backup in backups)
            (_parents.TryGetValue(backup.Source, out Dictionary<string, Guid?>? known) ? known : _parents[backup.Source] = new(StringComparer.Ordinal))[backup.Name] = backup.Manifest?.Parent?.Id;
    }

    private async Task<string?> FindChildAsync(Backup backup)
    {
        if (backup.Manifest is not { Kept: null, Parent: null } manifest)
            return null;
        if (!_parents.ContainsKey(backup.Source))
            Know(await repository.ListAsync(backup.Source, CancellationToken.None).ConfigureAwait(false));
        if (!_parents.TryGetValue(backup.Source, out Dictionary<string, Guid?>? known))
            return null;
        foreach ((string key, _) in await repository.Store.FindAsync([new KeyPattern(backup.Source, KeyPattern.AnyName, RepositoryKeys.Manifest)], CancellationToken.None).ConfigureAwait(false))
        {
            string name = key.Split('/')[1];
            if (!known.TryGetValue(name, out Guid? parent))
                parent = known[name] = (await repository.FindAsync(new BackupKey(backup.Source, name), CancellationToken.None).ConfigureAwait(false))?.Manifest?.Parent?.Id;
            if (parent == manifest.Id)
                return name;
        }

        return null;
    }

    private static BackupFailure InUse(Backup backup) => new(
        ErrorCodes.BackupInUse,
        FailureCategory.Busy,
        $"Backup '{backup}' is being read by a restore, a test or an export, or removed by another process.",
        "Wait until that has ended, then remove it.")
    { Target = backup.ToString(), CanRetry = true };
}
