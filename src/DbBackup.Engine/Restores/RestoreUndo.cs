using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores.Files;

namespace DbBackup.Engine.Restores;

/// <summary>Which restore is undone, and how its places are reached.</summary>
public sealed record UndoRequest
{
    /// <summary>The restore.</summary>
    public required RestoreRecord Record { get; init; }

    /// <summary>The server and role; what is null in it comes from the record.</summary>
    public PostgreSqlConnectionRequest Connection { get; init; } = new();

    /// <summary>The Docker Engine, for files in containers; what is null in it comes from the record.</summary>
    public ContainerAddress? Place { get; init; }

    /// <summary>True to start a stopped container that the restore needs, and to create the containers of a project that has none.</summary>
    public bool StartsContainers { get; init; }

    /// <summary>True if the state that is there now is not kept: then the undo cannot be undone.</summary>
    public bool NoSafetyBackup { get; init; }

    /// <summary>True if a database that is open elsewhere is written into.</summary>
    public bool Force { get; init; }

    /// <summary>Where archives are unpacked; null for the repository's work folder.</summary>
    public string? StagingPath { get; init; }

    /// <summary>How long to wait for a locked database.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Undoes restores: everything that one replaced gets its previous state back, in one transaction.</summary>
public static class RestoreUndo
{
    /// <summary>The restores of a source, or of all sources, that can be undone; newest first.</summary>
    public static async Task<IReadOnlyList<RestoreRecord>> ListAsync(BackupRepository repository, string? source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        IReadOnlyList<Backup> backups = await repository.ListAsync(source, cancellationToken).ConfigureAwait(false);
        HashSet<string> names = [.. backups.Select(backup => backup.ToString())];
        IReadOnlyList<RestoreRecord> records = await new RestoreRecords(repository).ListAsync(source, cancellationToken).ConfigureAwait(false);
        // What was kept of a restore may have been removed since: then there is nothing to go back to.
        List<RestoreRecord> known = [.. records.Where(record =>
            record.SetAside.Count > 0 || record.Retained.Append(record.SafetyBackup).Any(name => name is not null && names.Contains($"{record.Source}/{name}")))];
        HashSet<string> recorded = [.. records.SelectMany(record => record.Retained.Select(name => $"{record.Source}/{name}"))];
        known.AddRange(backups.Where(backup => backup.Manifest?.Kept is not null && !recorded.Contains(backup.ToString()))
            .GroupBy(backup => (backup.Source, backup.Manifest!.Kept!.ReplacedBy, backup.Manifest.Created)).Select(Unrecorded));
        return [.. known.OrderByDescending(record => record.Restored).ThenByDescending(record => record.Id, StringComparer.Ordinal)];
    }

    /// <summary>Works out an undo.</summary>
    /// <param name="repository">The repository of the restored backup.</param>
    /// <param name="request">Which restore.</param>
    /// <param name="changeNothing">True if even the leftovers of killed restores stay as they are: for a plan that is only shown.</param>
    /// <param name="observer">Receives what was put right.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">It cannot be done as a whole; nothing was changed.</exception>
    public static Task<PreparedRestore> PrepareAsync(
        BackupRepository repository, UndoRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        return DiskFailures.GuardAsync(repository.Location, $"planning the undo of '{request.Record}'", () => PlanAsync(repository, request, changeNothing, observer, cancellationToken));
    }

    private static async Task<PreparedRestore> PlanAsync(
        BackupRepository repository, UndoRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        RestoreRecord record = request.Record;
        RequireThisMachine(record);
        if (!changeNothing)
            await ContainerPause.RecoverAsync(observer, cancellationToken).ConfigureAwait(false);
        var retained = new List<Backup>();
        foreach (string name in record.Retained)
            retained.Add(await FindAsync(repository, record, name, cancellationToken).ConfigureAwait(false));
        Backup? safety = record.SafetyBackup is { } safetyName ? await FindAsync(repository, record, safetyName, cancellationToken).ConfigureAwait(false) : null;
        foreach (Backup backup in retained.Append(safety).OfType<Backup>())
            SignatureGate.Require(backup, request.Force);
        var restore = new RestoreRequest
        {
            // Of a database that was only set aside there is no backup.
            Backup = safety ?? retained.FirstOrDefault() ?? new Backup(null, record.Source, record.Id, repository.Location, repository.Location, []),
            Connection = request.Connection,
            Place = request.Place,
            StartsContainers = request.StartsContainers,
            NoSafetyBackup = request.NoSafetyBackup,
            Force = request.Force,
            StagingPath = request.StagingPath,
            LockTimeout = request.LockTimeout,
            Replaced = record.Replaced,
            InPlace = record.InPlace && safety?.Manifest?.Payloads.Any(DatabaseEngines.IsOfServer) == true,
        };
        var parts = new List<RestorePart>();
        if (retained.Count > 0)
            parts.Add(await ServerRestores.Of(retained[0].Manifest!.Source.Engine).PlanKeptAsync(repository, restore, retained, cancellationToken).ConfigureAwait(false));
        if (safety is not null)
            parts.AddRange(await PreparedRestore.PlanPartsAsync(repository, restore, undoes: true, changeNothing, observer, cancellationToken).ConfigureAwait(false));
        string[] folders = [.. parts.SelectMany(part => part.Targets).Select(target => target.Path + Path.DirectorySeparatorChar)];
        // In a folder that comes back too, the damaged file comes back with it.
        foreach (SetAsideState aside in record.SetAside.Where(aside => !Array.Exists(folders, folder => aside.Target.StartsWith(folder, StringComparison.Ordinal))))
            parts.Add(FileRestorePlanner.PlanSetAside(restore, aside));
        if (record.Created.Count > 0)
            parts[^1] = parts[^1] with { Warnings = [.. parts[^1].Warnings, $"the restore created {string.Join(", ", record.Created)}, which stays"] };
        return PreparedRestore.Compose(repository, restore, parts, record);
    }

    // Retained databases name the restore themselves: one that was killed between its swap and its record can still be undone.
    private static RestoreRecord Unrecorded(IEnumerable<Backup> entries)
    {
        Backup[] all = [.. entries];
        return new RestoreRecord
        {
            Id = all[0].Name,
            Source = all[0].Source,
            Backup = all[0].Manifest!.Kept!.ReplacedBy,
            Restored = all[0].Manifest!.Created,
            Host = all[0].Manifest!.Host ?? Environment.MachineName,
            Replaced = [.. all.Select(entry => entry.Manifest!.Kept!.Replaced)],
            Retained = [.. all.Select(entry => entry.Name)],
        };
    }

    private static async Task<Backup> FindAsync(BackupRepository repository, RestoreRecord record, string name, CancellationToken cancellationToken) =>
        await repository.FindAsync(new BackupKey(record.Source, name), cancellationToken).ConfigureAwait(false) is { } found
        ? await new EncryptedBackups(repository).OpenAsync(found, cancellationToken).ConfigureAwait(false)
        : throw new BackupFailure(
            ErrorCodes.BackupNotFound,
            FailureCategory.NotFound,
            $"The restore of '{record.Backup}' cannot be undone as a whole: '{record.Source}/{name}', which kept a part of the previous state, is no longer in the repository. Nothing was changed.",
            $"Restore what is left of it with Restore-DbBackup: {string.Join(", ", record.Retained.Append(record.SafetyBackup).Where(other => other is not null && other != name).DefaultIfEmpty("nothing"))}.")
        { Target = record.ToString() };

    private static void RequireThisMachine(RestoreRecord record)
    {
        if (record.Host == Environment.MachineName || record.Replaced.All(path => DockerLocation.IsOne(path) || path.Contains("://", StringComparison.Ordinal) || !Path.IsPathRooted(path)))
            return;
        throw new BackupFailure(
            ErrorCodes.TargetInvalid,
            FailureCategory.InvalidArgument,
            $"The restore of '{record.Backup}' replaced files of the machine '{record.Host}', not of this one ('{Environment.MachineName}').",
            $"Run Undo-DbRestore on '{record.Host}', or restore the safety backup here: Restore-DbBackup {record.SafetyBackup} -Source {record.Source} -Destination …")
        { Target = record.ToString() };
    }
}
