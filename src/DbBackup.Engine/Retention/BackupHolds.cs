using System.Runtime.CompilerServices;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Retention;

/// <summary>Locks backups, so that no policy removes them and no Remove-DbBackup without -Force, and unlocks them.</summary>
public sealed class BackupHolds(BackupRepository repository)
{
    /// <summary>Locks a backup; a hold that it has is replaced.</summary>
    /// <returns>The backup with its hold.</returns>
    /// <exception cref="BackupException">It is gone, is a rehearsal's, or the repository cannot be written.</exception>
    public async Task<Backup> LockAsync(Backup backup, BackupHold hold, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(hold);
        if (LastGood.IsTemporary(backup))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"'{backup}' was made for a rehearsal, which removes it.", "Lock a backup that was made for another reason: Get-DbBackup.")
            { Target = backup.ToString() };
        }

        return await ChangeAsync(backup, async (store, key) =>
        {
            byte[] json = ManifestJson.WriteHold(hold with { Host = hold.Host ?? Environment.MachineName });
            for (int attempt = 0; !await store.PutAsync(key, json, cancellationToken).ConfigureAwait(false); attempt++)
            {
                if (attempt == 5)
                {
                    throw new BackupFailure(
                        ErrorCodes.RepositoryBusy, FailureCategory.Busy, $"Another process locks '{backup}' at the same time.", "Try again.")
                    { Target = backup.ToString(), CanRetry = true };
                }

                await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Unlocks a backup; one without a hold is left as it is.</summary>
    /// <returns>The backup without its hold.</returns>
    /// <exception cref="BackupException">It is gone, or the repository cannot be written.</exception>
    public Task<Backup> UnlockAsync(Backup backup, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        return ChangeAsync(backup, (store, key) => store.DeleteAsync(key, cancellationToken), cancellationToken);
    }

    private Task<Backup> ChangeAsync(Backup backup, Func<IObjectStore, string, Task> change, CancellationToken cancellationToken) =>
        DiskFailures.GuardAsync(repository.Location, $"locking '{backup}'", async () =>
        {
            await repository.PrepareAsync(allowNew: false, cancellationToken).ConfigureAwait(false);
            var key = new BackupKey(backup.Source, backup.Name);
            // As one who reads it: while this lasts nobody removes it, so that a hold that is replaced leaves no gap.
            await using ConfiguredAsyncDisposable reading = (await repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            await change(repository.Store, HoldFile.KeyOf(backup)).ConfigureAwait(false);
            return await repository.FindAsync(key, cancellationToken).ConfigureAwait(false) ?? throw BackupSelection.NotFound(backup.ToString(), repository.Location);
        });
}
