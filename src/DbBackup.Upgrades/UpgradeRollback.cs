using System.Diagnostics;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Retention;

namespace DbBackup.Upgrades;

/// <summary>Rolls an upgrade back: restores the previous version and its data, and starts what ran before.</summary>
/// <param name="journal">The journal.</param>
/// <param name="upgrade">The upgrade.</param>
/// <param name="repository">The repository that holds the backup.</param>
/// <param name="observer">Receives progress.</param>
/// <param name="isLater">True if the upgrade ended or was interrupted earlier, so that users may have changed the data since.</param>
internal sealed class UpgradeRollback(UpgradeJournal journal, ResolvedUpgrade upgrade, BackupRepository repository, IOperationObserver observer, bool isLater)
{
    // What blocks a rollback is often gone a moment later: a program that still has the file open.
    private const int Attempts = 3;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);

    /// <summary>Runs the rollback. Ignores cancellation: a half-finished rollback is worse than none.</summary>
    /// <exception cref="BackupException">All attempts failed.</exception>
    public async Task RunAsync()
    {
        await SweepAsync().ConfigureAwait(false);
        if (!journal.Record.IsChanged)
        {
            journal.TryWrite(journal.Record.Ended(UpgradeState.RolledBack), observer);
            return;
        }

        var step = new UpgradeStep { Name = UpgradeSteps.Rollback, State = UpgradeStepState.Running, Started = DateTimeOffset.UtcNow };
        journal.TryWrite(journal.Record.With(step), observer);
        observer.Progress(new OperationProgress($"Upgrading {upgrade.Name}", UpgradeSteps.Rollback));
        var time = Stopwatch.StartNew();
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                string detail = await ReturnAsync().ConfigureAwait(false);
                journal.TryWrite(journal.Record.With(step with { State = UpgradeStepState.Done, Duration = time.Elapsed, Detail = detail }).Ended(UpgradeState.RolledBack) with { ToRevision = null }, observer);
                return;
            }
            catch (Exception exception) when (attempt < Attempts)
            {
                observer.Warning($"The rollback failed and is retried: {exception.Message}");
                await Task.Delay(s_pause).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                journal.TryWrite(journal.Record.With(step with { State = UpgradeStepState.Failed, Duration = time.Elapsed, Detail = exception.Message }) with { State = UpgradeState.Failed }, observer);
                var failure = exception as BackupException;
                string backup = journal.Record.BackupName is null ? string.Empty : $" The previous data are in backup {journal.Record.BackupSource}/{journal.Record.BackupName}.";
                throw new BackupFailure(
                    failure?.Code ?? ErrorCodes.UpgradeFailed, failure?.Category ?? FailureCategory.InvalidData,
                    $"Upgrading '{upgrade.Name}' failed{(journal.Record.Failure is { } first ? $" ({first.Split('\n')[0].TrimEnd('\r', ':', '.')})" : string.Empty)}, and the rollback failed: {exception.Message}",
                    $"{failure?.Hint} Then run Undo-DbUpgrade {journal.Record.Id}.{backup}".TrimStart(), exception)
                { Target = upgrade.Name };
            }
        }
    }

    /// <summary>Stops the application and restores the data from the backup.</summary>
    public async Task RestoreDataAsync(CancellationToken cancellationToken)
    {
        await EndMigrationAsync().ConfigureAwait(false);
        await upgrade.Deployment.StopAllAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        Backup backup = await UpgradeBackup.FindAsync(journal.Record, repository, cancellationToken).ConfigureAwait(false);
        // Data that only a migration has touched are worthless; once the new version ran on them, they may hold the work of users.
        bool keepsPresent = isLater || journal.Record.HasBegun(UpgradeSteps.Start);
        PreparedRestore restore = await PreparedRestore.PrepareAsync(repository, upgrade.Target.RestoreOf(backup, keepsPresent), changeNothing: false, observer, cancellationToken).ConfigureAwait(false);
        await restore.RunAsync(observer, cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> ReturnAsync()
    {
        await EndMigrationAsync().ConfigureAwait(false);
        await upgrade.Deployment.RestorePreviousAsync(journal.Record, observer, CancellationToken.None).ConfigureAwait(false);
        if (journal.Record.IsTouched)
            await RestoreDataAsync(CancellationToken.None).ConfigureAwait(false);
        await upgrade.Deployment.RestartAsync(journal.Record, observer, CancellationToken.None).ConfigureAwait(false);
        if (journal.Record.HasBegun(UpgradeSteps.Maintenance))
        {
            switch (upgrade.Request.Subject)
            {
                case UpgradeSubject.MajorVersion server:
                    return $"PostgreSQL {server.From} runs on its volume '{server.Old.Name}' again";
                case UpgradeSubject.ServerMove:
                    return $"'{upgrade.Name}' accepts writes again";
            }
        }

        return journal.Record.IsTouched ? $"restored {journal.Record.BackupSource}/{journal.Record.BackupName}" : "the data were not changed";
    }

    /// <summary>Removes the leftovers of a rehearsal that was killed. A failure here stops nothing.</summary>
    public async Task SweepAsync()
    {
        if (journal.Record.StateOf(UpgradeSteps.Rehearsal) != UpgradeStepState.Running)
            return;
        // A migration that still runs would hold the copy.
        await EndMigrationAsync().ConfigureAwait(false);
        try
        {
            await upgrade.Target.SweepAsync(CancellationToken.None).ConfigureAwait(false);
            await upgrade.Deployment.SweepAsync(journal.Record, CancellationToken.None).ConfigureAwait(false);
            foreach (Backup backup in await repository.ListAsync(null, CancellationToken.None).ConfigureAwait(false))
            {
                if (backup.Manifest?.Tags.Contains(UpgradeRun.RehearsalTag(journal.Record.Id)) == true)
                    await new BackupRemoval(repository).RemoveTemporaryAsync(backup, observer).ConfigureAwait(false);
            }
        }
        catch (BackupException failure)
        {
            observer.Verbose(failure.Message);
        }
    }

    // The migration of a killed run may still be running, and would write into the restored data.
    private async Task EndMigrationAsync()
    {
        if (journal.Record.Migration is not { } migration || migration.IsAlive() != Liveness.Alive)
            return;
        observer.Warning($"Terminated process {migration.ProcessId}: the migration of upgrade {journal.Record.Id} was still running.");
        try
        {
            using var process = Process.GetProcessById(migration.ProcessId);
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // It has ended meanwhile.
        }
    }
}
