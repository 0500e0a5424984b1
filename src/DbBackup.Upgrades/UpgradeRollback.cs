using System.Diagnostics;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Retention;

namespace DbBackup.Upgrades;

/// <summary>The way back: the old version stopped, its data, and then what ran before.</summary>
/// <param name="journal">The journal.</param>
/// <param name="setup">What was upgraded.</param>
/// <param name="repository">Where the backup is.</param>
/// <param name="observer">Hears of it.</param>
/// <param name="isLater">Whether time has passed since the upgrade came to its end, or was cut off.</param>
internal sealed class UpgradeRollback(UpgradeJournal journal, ResolvedUpgrade setup, BackupRepository repository, IOperationObserver observer, bool isLater)
{
    // What stands in the way of a way back is often gone a moment later: a program that still has the file open.
    private const int Attempts = 3;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);

    /// <summary>Goes it. Not stopped by anything but its own death: half a way back is none.</summary>
    /// <exception cref="BackupException">It failed as often as it is tried.</exception>
    public async Task RunAsync()
    {
        await SweepAsync().ConfigureAwait(false);
        if (!journal.Note.IsChanged)
        {
            journal.TryWrite(journal.Note with { State = UpgradeState.RolledBack }, observer);
            return;
        }

        var step = new UpgradeStep { Name = UpgradeSteps.Rollback, State = UpgradeStepState.Running, Started = DateTimeOffset.UtcNow };
        journal.TryWrite(journal.Note.With(step), observer);
        observer.Progress(new OperationProgress($"Upgrading {setup.Name}", UpgradeSteps.Rollback));
        var time = Stopwatch.StartNew();
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                string detail = await ReturnAsync().ConfigureAwait(false);
                journal.TryWrite(journal.Note.With(step with { State = UpgradeStepState.Done, Duration = time.Elapsed, Detail = detail }) with { State = UpgradeState.RolledBack, ToRevision = null }, observer);
                return;
            }
            catch (Exception exception) when (attempt < Attempts)
            {
                observer.Warning($"The old state could not be restored yet: {exception.Message}");
                await Task.Delay(s_pause).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                journal.TryWrite(journal.Note.With(step with { State = UpgradeStepState.Failed, Duration = time.Elapsed, Detail = exception.Message }) with { State = UpgradeState.Failed }, observer);
                var failure = exception as BackupException;
                string backup = journal.Note.BackupName is null ? string.Empty : $" The old state is in the backup {journal.Note.BackupSource}/{journal.Note.BackupName}.";
                throw new BackupFailure(
                    failure?.Code ?? ErrorCodes.UpgradeFailed, failure?.Category ?? FailureCategory.InvalidData,
                    $"The upgrade of '{setup.Name}' failed{(journal.Note.Failure is { } first ? $" ({first.Split('\n')[0].TrimEnd('\r', ':', '.')})" : string.Empty)}, and its old state could not be restored: {exception.Message}",
                    $"{failure?.Hint} Then: Undo-DbUpgrade {journal.Note.Id}.{backup}".TrimStart(), exception)
                { Target = setup.Name };
            }
        }
    }

    /// <summary>Gives the data back the state of the backup, with nobody at work on them.</summary>
    public async Task RestoreDataAsync(CancellationToken cancellationToken)
    {
        await EndMigrationAsync().ConfigureAwait(false);
        await setup.Deployment.StopAllAsync(journal.Note, cancellationToken).ConfigureAwait(false);
        Backup backup = await FindBackupAsync(journal.Note, repository, cancellationToken).ConfigureAwait(false);
        // What only a migration has touched is of no use to anybody; where the new version ran on it, or time has passed, it may hold what people did.
        bool keepsPresent = isLater || journal.Note.HasBegun(UpgradeSteps.Start);
        PreparedRestore restore = await PreparedRestore.PrepareAsync(repository, setup.Target.RestoreOf(backup, keepsPresent), changeNothing: false, observer, cancellationToken).ConfigureAwait(false);
        await restore.RunAsync(observer, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The backup that an upgrade has made.</summary>
    /// <exception cref="BackupFailure">It is not there any more.</exception>
    public static async Task<Backup> FindBackupAsync(UpgradeRecord note, BackupRepository repository, CancellationToken cancellationToken) =>
        (await repository.ListAsync(note.BackupSource, cancellationToken).ConfigureAwait(false)).FirstOrDefault(backup => backup.Name == note.BackupName)
        ?? throw new BackupFailure(
            ErrorCodes.BackupNotFound,
            FailureCategory.NotFound,
            $"The backup {note.BackupSource}/{note.BackupName}, which the upgrade {note.Id} made in '{repository.Location}', is not there.",
            "Find it, or restore another one: Get-DbBackup, Restore-DbBackup.")
        { Target = note.BackupName };

    private async Task<string> ReturnAsync()
    {
        await EndMigrationAsync().ConfigureAwait(false);
        await setup.Deployment.RestorePreviousAsync(journal.Note, observer, CancellationToken.None).ConfigureAwait(false);
        if (journal.Note.IsTouched)
            await RestoreDataAsync(CancellationToken.None).ConfigureAwait(false);
        await setup.Deployment.RestartAsync(journal.Note, observer, CancellationToken.None).ConfigureAwait(false);
        return journal.Note.IsTouched ? $"restored {journal.Note.BackupSource}/{journal.Note.BackupName}" : "the data had not been changed";
    }

    /// <summary>Removes what a run that was killed in its rehearsal has left. What fails here stands in no way.</summary>
    public async Task SweepAsync()
    {
        if (journal.Note.StateOf(UpgradeSteps.Rehearsal) != UpgradeStepState.Running)
            return;
        // What is still at work on the copy must not hold it.
        await EndMigrationAsync().ConfigureAwait(false);
        try
        {
            await setup.Target.SweepAsync(CancellationToken.None).ConfigureAwait(false);
            foreach (Backup backup in await repository.ListAsync(null, CancellationToken.None).ConfigureAwait(false))
            {
                if (backup.Manifest?.Tags.Contains(UpgradeRun.RehearsalTag(journal.Note.Id)) == true)
                    await new BackupRemoval(repository).RemoveTemporaryAsync(backup, observer).ConfigureAwait(false);
            }
        }
        catch (BackupException failure)
        {
            observer.Verbose(failure.Message);
        }
    }

    // The migration of a run that was killed may go on, and would write into what is restored.
    private async Task EndMigrationAsync()
    {
        if (journal.Note.Migration is not { } migration || migration.IsAlive() != Liveness.Alive)
            return;
        observer.Warning($"The migration of the upgrade {journal.Note.Id} still ran as process {migration.ProcessId}, and was ended.");
        try
        {
            using var process = Process.GetProcessById(migration.ProcessId);
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // It ended by itself in the meantime.
        }
    }
}
