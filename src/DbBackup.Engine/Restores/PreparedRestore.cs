using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Restores.Files;

namespace DbBackup.Engine.Restores;

/// <summary>A restore that has been worked out: the plan that is shown is the plan that is run.</summary>
public sealed class PreparedRestore
{
    private readonly RestoreTransaction _transaction;

    internal PreparedRestore(RestorePlan plan, RestoreTransaction transaction)
    {
        Plan = plan;
        _transaction = transaction;
    }

    /// <summary>What it will do.</summary>
    public RestorePlan Plan { get; }

    /// <summary>Runs it, once.</summary>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops it; until something is put in place, nothing is changed then.</param>
    /// <exception cref="BackupException">The present state was left as it was, unless the message says otherwise.</exception>
    public Task<RestoreResult> RunAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return _transaction.RunAsync(observer, cancellationToken);
    }

    /// <summary>Works out a restore.</summary>
    /// <param name="repository">The repository of the backup, to which the safety backup goes.</param>
    /// <param name="request">What, and where to.</param>
    /// <param name="changeNothing">True if even the leftovers of killed restores stay as they are: for a plan that is only shown.</param>
    /// <param name="observer">Receives what was put right.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">It cannot be done; nothing was changed.</exception>
    public static Task<PreparedRestore> PrepareAsync(
        BackupRepository repository, RestoreRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        return DiskFailures.GuardAsync(repository.Location, $"planning the restore of '{request.Backup}'", async () =>
        {
            SignatureGate.Require(request.Backup, request.Force);
            if (!changeNothing)
                await ContainerPause.RecoverAsync(observer, cancellationToken).ConfigureAwait(false);
            if (request.Files.Count > 0)
                request = RestoreDestination.OfFiles(request);
            RestoreDestination.Require(request, BackupRepository.RequireManifest(request.Backup));
            IReadOnlyList<RestorePart> parts = await PlanPartsAsync(repository, request, undoes: false, changeNothing, observer, cancellationToken).ConfigureAwait(false);
            return Compose(repository, request, parts, null);
        });
    }

    /// <summary>Works out which participants a backup has.</summary>
    /// <param name="repository">The repository of the backup.</param>
    /// <param name="request">What, and where to.</param>
    /// <param name="undoes">True if all of the backup goes back to where it was taken, because a restore is undone.</param>
    /// <param name="changeNothing">True if even the leftovers of killed restores stay as they are.</param>
    /// <param name="observer">Receives what was put right.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    internal static async Task<IReadOnlyList<RestorePart>> PlanPartsAsync(
        BackupRepository repository, RestoreRequest request, bool undoes, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Manifest manifest = BackupRepository.RequireManifest(request.Backup);
        if (manifest.Kept is not null)
            return [await ServerRestores.Of(manifest.Source.Engine).PlanKeptAsync(repository, request, [request.Backup], cancellationToken).ConfigureAwait(false)];
        var parts = new List<RestorePart>();
        try
        {
            IServerRestore? server = request.Content == ContentKind.Files ? null : ServerRestores.Of(manifest);
            if (server is not null)
            {
                RestorePart databases = await server.PlanAsync(repository, request, changeNothing, observer, cancellationToken).ConfigureAwait(false);
                bool files = RestoreDestination.HasFilesBeside(request, manifest);
                bool leaves = files && !undoes && RestoreDestination.LeavesFiles(request, databases.Targets);
                parts.Add(leaves ? databases with { Warnings = [.. databases.Warnings, RestoreDestination.FilesAreLeft] } : databases);
                if (!files || leaves)
                    return parts;
            }

            parts.Add(FilePartsPlanner.Applies(request)
                ? await FilePartsPlanner.PlanAsync(repository, request, changeNothing, observer, cancellationToken).ConfigureAwait(false)
                : VolumeRestorePlanner.Applies(request)
                ? await VolumeRestorePlanner.PlanAsync(repository, request, cancellationToken).ConfigureAwait(false)
                : await FileRestorePlanner.PlanAsync(repository, request, changeNothing, observer, cancellationToken).ConfigureAwait(false));
            return parts;
        }
        catch
        {
            foreach (IDisposable owned in parts.SelectMany(part => part.Owned))
                owned.Dispose();
            throw;
        }
    }

    /// <summary>Makes one plan and one transaction of all parts.</summary>
    internal static PreparedRestore Compose(BackupRepository repository, RestoreRequest request, IReadOnlyList<RestorePart> parts, RestoreRecord? undoes)
    {
        var warnings = new List<string>();
        if (request.Backup.Status is BackupStatus.Damaged or BackupStatus.Mismatched)
            warnings.Add($"the last test of this backup failed: {request.Backup.Tests[^1].Failure}");
        if (request.Backup.Status == BackupStatus.Written && request.Backup.Manifest?.Kept is null)
            warnings.Add("this backup was never tested; it is checked while it is restored");
        if (SignatureGate.WarningOf(request.Backup) is { } signature)
            warnings.Add(signature);
        warnings.AddRange(parts.SelectMany(part => part.Warnings));
        string[] stopped = [.. parts.SelectMany(part => part.Services?.Containers ?? []).Select(container => container.Name).Distinct(StringComparer.Ordinal)];
        if (stopped.Length > 0)
            warnings.Add($"{string.Join(", ", stopped)} {(stopped.Length == 1 ? "is" : "are")} stopped for the swap and started again");
        var plan = new RestorePlan
        {
            Backup = request.Backup,
            Undoes = undoes is null ? null : $"the restore of '{undoes.Backup}' of {undoes.Restored.ToLocalTime():yyyy-MM-dd HH:mm}",
            Targets = [.. parts.SelectMany(part => part.Targets)],
            SafetyBackup = !request.NoSafetyBackup && parts.Any(part => part.SafetyBackup),
            PresentRevision = parts.Select(part => part.PresentRevision).FirstOrDefault(revision => revision is not null),
            NewRoles = [.. parts.SelectMany(part => part.NewRoles)],
            Warnings = [.. warnings.Distinct(StringComparer.Ordinal)],
        };
        return new PreparedRestore(plan, new RestoreTransaction(repository, request, plan, parts) { Undoes = undoes });
    }
}
