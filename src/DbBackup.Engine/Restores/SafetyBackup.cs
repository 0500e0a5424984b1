using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores;

/// <summary>Keeps what a restore is about to replace: one safety backup of all that is there.</summary>
internal sealed class SafetyBackup(BackupRepository repository, RestoreRequest request, IOperationObserver observer)
{
    private static readonly string[] DamageCodes = [ErrorCodes.SourceCorrupt, ErrorCodes.SourceNotSqlite, ErrorCodes.SourceEmpty];
    private readonly List<SetAsideState> _aside = [];

    /// <summary>What was too damaged to be backed up, and was copied as it is.</summary>
    public IReadOnlyList<SetAsideState> Aside => _aside;

    /// <summary>Takes it.</summary>
    /// <param name="present">What each participant replaces.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>Null if there is nothing that can be backed up.</returns>
    public async Task<Backup?> TakeAsync(IReadOnlyList<(IRestoreParticipant Participant, PresentState State)> present, CancellationToken cancellationToken)
    {
        // Who can read the one can read the other, and no other user.
        BackupSealing? sealing = await new EncryptedBackups(repository).SealingOfAsync(request.Backup, cancellationToken).ConfigureAwait(false);
        var sources = new List<(IRestoreParticipant Participant, IBackupSource Source)>();
        foreach ((IRestoreParticipant participant, PresentState state) in present)
        {
            if (state.IsDamaged)
                SetAside(participant, null);
            sources.AddRange(state.Sources.Select(source => (participant, source)));
        }

        while (sources.Count > 0)
        {
            try
            {
                Backup safety = await new BackupService(repository).CreateAsync(
                    new BackupRequest { Sources = [.. sources.Select(each => each.Source)], SourceName = request.Backup.Source, Reason = BackupReason.Safety, StagingPath = request.StagingPath, Sealing = sealing },
                    observer,
                    cancellationToken).ConfigureAwait(false);
                observer.Verbose($"The present state is kept as '{safety}'.");
                return safety;
            }
            catch (BackupException failure) when (DamageCodes.Contains(failure.Code) && sources.Exists(each => SetAside(each.Participant, failure)))
            {
                int count = sources.RemoveAll(each => _aside.Exists(state => state.Target == each.Source.Location));
                if (count == 0)
                    throw;
            }
            catch (BackupException failure)
            {
                throw new BackupFailure(
                    failure.Code,
                    failure.Category,
                    $"The safety backup of the present state failed, so nothing was restored: {failure.Message}",
                    $"{failure.Hint} To restore without one, pass -NoSafetyBackup.",
                    failure)
                { Target = failure.Target };
            }
        }

        return null;
    }

    private bool SetAside(IRestoreParticipant participant, BackupException? damage)
    {
        IReadOnlyList<SetAsideState> states = participant.SetAside(damage);
        foreach (SetAsideState state in states)
            observer.Warning($"The present database is damaged and cannot be backed up; it was copied as it is to '{state.Copies[0]}'.");
        _aside.AddRange(states);
        return states.Count > 0;
    }
}
