using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores;

/// <summary>A restore that has been worked out: the plan that is shown is the plan that is run.</summary>
public abstract class PreparedRestore
{
    /// <summary>What it will do.</summary>
    public abstract RestorePlan Plan { get; }

    /// <summary>Runs it.</summary>
    /// <param name="observer">Hears of the progress.</param>
    /// <param name="cancellationToken">Stops it; until something is put in place, nothing is changed then.</param>
    /// <exception cref="BackupException">The present state was left as it was, unless the message says otherwise.</exception>
    public abstract Task<RestoreResult> RunAsync(IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Works out a restore.</summary>
    /// <param name="repository">Where the backup lies, and where the safety backup goes.</param>
    /// <param name="request">What, and where to.</param>
    /// <param name="changeNothing">Whether even the leftovers of killed restores stay as they are: for a plan that is only shown.</param>
    /// <param name="observer">Hears what was put right.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">It cannot be done; nothing was changed.</exception>
    public static async Task<PreparedRestore> PrepareAsync(
        BackupRepository repository, RestoreRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        Manifest manifest = BackupRepository.RequireManifest(request.Backup);
        if (!changeNothing)
            await ContainerPause.RecoverAsync(observer, cancellationToken).ConfigureAwait(false);
        if (manifest.Kept is not null)
            return await KeptRestore.PrepareAsync(repository, request, cancellationToken).ConfigureAwait(false);
        if (request.Only != PayloadKind.Files && manifest.Payloads.Any(payload => payload.IsOfServer))
            return await PostgreSqlRestore.PlanAsync(repository, request, changeNothing, observer, cancellationToken).ConfigureAwait(false);
        RequireNothingOfServers(request);
        if (ContainerFilesRestore.Applies(request))
            return await ContainerFilesRestore.PlanAsync(repository, request, cancellationToken).ConfigureAwait(false);
        RestorePlan plan = changeNothing
            ? RestorePlanner.Plan(request, cancellationToken)
            : RestoreService.Prepare(request, observer, cancellationToken);
        return new FileRestore(repository, request, plan);
    }

    private static void RequireNothingOfServers(RestoreRequest request)
    {
        if (request.NewName is null && !request.InPlace && request.Tables.Count + request.Schemas.Count + request.Databases.Count == 0)
            return;
        throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"What is restored of '{request.Backup}' is files, so -Database, -Table, -Schema and -InPlace mean nothing here.",
            "Say with -Destination where the files go.")
        { Target = request.Backup.ToString() };
    }

    /// <summary>A restore of files alone: SQLite databases and folders.</summary>
    private sealed class FileRestore(BackupRepository repository, RestoreRequest request, RestorePlan plan) : PreparedRestore
    {
        public override RestorePlan Plan => plan;

        public override Task<RestoreResult> RunAsync(IOperationObserver observer, CancellationToken cancellationToken) =>
            new RestoreService(repository).RunAsync(plan, request.LockTimeout, observer, cancellationToken);
    }
}
