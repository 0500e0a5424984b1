using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Restores.Files;

/// <summary>Works out what a restore to this machine's files will do, and fails where it cannot be done. Changes nothing.</summary>
internal static class FileRestorePlanner
{
    /// <summary>Plans it, once what killed restores left at its targets has been put right.</summary>
    /// <exception cref="BackupException">
    /// The backup cannot be used, its place is not known, the target is in use, or there is too little room.
    /// </exception>
    public static async Task<RestorePart> PlanAsync(
        BackupRepository repository, RestoreRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        (List<RestoreTarget> targets, List<string> warnings) = Plan(request);
        if (!changeNothing && await RestoreRecovery.RunAsync(targets.Select(target => target.Path), request.Connection, observer, cancellationToken).ConfigureAwait(false))
            (targets, warnings) = Plan(request);
        Manifest manifest = BackupRepository.RequireManifest(request.Backup);
        var key = new BackupKey(request.Backup.Source, request.Backup.Name);
        var content = repository.ContentOf(key, manifest);
        List<RestoreTarget> databases = targets.FindAll(target => target.Payload.Kind == PayloadKind.Database);
        return new RestorePart(Participants(targets, content, request.LockTimeout), targets)
        {
            Warnings = warnings,
            SafetyBackup = targets.Exists(target => target.Action != RestoreAction.Create),
            PresentRevision = databases.Find(target => target.PresentBytes > 0) is { } present ? TryReadRevision(present, cancellationToken) : null,
            Revision = databases.Count == 0 ? null : databases[0].Payload.SchemaRevision,
        };
    }

    /// <summary>Plans how a database gets back what was copied of it because it was too damaged to be backed up.</summary>
    /// <exception cref="BackupException">A copy is gone, or the database is in use.</exception>
    public static RestorePart PlanSetAside(RestoreRequest request, SetAsideState aside)
    {
        (string name, string path, IReadOnlyList<string> copies) = aside;
        IFileEngine engine = DatabaseEngines.FileNamed(name);
        if (copies.FirstOrDefault(copy => !Presence.IsFile(copy)) is { } gone)
        {
            throw new BackupFailure(
                ErrorCodes.BackupNotFound, FailureCategory.NotFound, $"The copy '{gone}' of the database that was replaced is gone. Nothing was changed.",
                "Put it back where it was, or restore another backup: Get-DbBackup lists them.")
            { Target = gone };
        }

        long size = new FileInfo(copies[0]).Length;
        var payload = new Payload
        {
            FileName = Path.GetFileName(copies[0]),
            Kind = PayloadKind.Database,
            Format = engine.Formats.First(),
            Compression = PayloadCompression.None,
            OriginalSize = size,
            StoredSize = size,
            OriginalSha256 = string.Empty,
            StoredSha256 = string.Empty,
            RestoreName = Path.GetFileName(path),
        };
        var warnings = new List<string>();
        // A damaged file cannot be written into one that is open.
        RestoreTarget target = PlanDatabase(payload, path, request with { Force = false }, warnings);
        var database = new StagedDatabase(engine, target, string.Empty, new SetAsideDatabase(copies), request.LockTimeout);
        return new RestorePart([new DatabaseFileParticipant(database)], [target]) { Warnings = warnings, SafetyBackup = target.Action != RestoreAction.Create };
    }

    private static (List<RestoreTarget> Targets, List<string> Warnings) Plan(RestoreRequest request)
    {
        Manifest manifest = BackupRepository.RequireManifest(request.Backup);
        List<Payload> payloads = BackupSelection.Payloads(request.Backup, request.Content).FindAll(payload => !DatabaseEngines.IsOfServer(payload));
        var warnings = new List<string>();
        List<RestoreTarget> targets = [.. payloads.Select(payload => PlanOne(payload, PathFor(request, payload, payloads), request, warnings))];
        RequireContainedDatabases(manifest, targets);
        RequireDistinct(targets);
        RequireSpace(targets);
        return (targets, warnings);
    }

    // A database in a folder of the same restore takes its place together with that.
    private static List<IRestoreParticipant> Participants(List<RestoreTarget> targets, BackupContent content, TimeSpan lockTimeout)
    {
        var database = new BackedUpDatabase(content);
        var participants = new List<IRestoreParticipant>();
        var inFolders = new HashSet<RestoreTarget>();
        foreach (RestoreTarget folder in targets.Where(target => target.Payload.Kind == PayloadKind.Files))
        {
            StagedDatabase[] inside =
            [
                .. targets.Where(target => PathWithin(folder.Payload, target.Payload) is not null && inFolders.Add(target))
                    .Select(target => new StagedDatabase(DatabaseEngines.FileOf(target.Payload), target, PathWithin(folder.Payload, target.Payload)!, database, lockTimeout)),
            ];
            participants.Add(new FolderParticipant(folder, inside, content));
        }

        participants.InsertRange(0, targets.Where(target => target.Payload.Kind == PayloadKind.Database && !inFolders.Contains(target))
            .Select(target => new DatabaseFileParticipant(new StagedDatabase(DatabaseEngines.FileOf(target.Payload), target, string.Empty, database, lockTimeout))));
        return participants;
    }

    /// <summary>Where a payload goes.</summary>
    internal static string PathFor(RestoreRequest request, Payload payload, List<Payload> all)
    {
        if (request.Destination is not { } destination)
        {
            return payload.OriginalPath ?? throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.InvalidArgument,
                $"Backup '{request.Backup}' was imported from elsewhere, so it is not known where '{payload.RestoreName}' belongs.",
                "Say where with -Destination.")
            { Target = request.Backup.ToString() };
        }

        if (all.Find(folder => PathWithin(folder, payload) is not null) is { } container)
            return Path.Combine(PathFor(request, container, all), PathWithin(container, payload)!);
        bool folder = Presence.IsFolder(destination) || Path.EndsInDirectorySeparator(destination) || all.Count > 1;
        if (!folder && payload.Kind == PayloadKind.Database)
            return destination;
        if (Presence.IsFile(destination))
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.InvalidArgument,
                $"'{destination}' is a file, but a database with its folders needs a folder.",
                "Name a folder, or restore the database alone: -Content Database.")
            { Target = destination };
        }

        return Path.Combine(Path.TrimEndingDirectorySeparator(destination), payload.RestoreName);
    }

    /// <summary>
    /// Where a database lies within a folder of the same backup, relative to that folder; null for one that lies elsewhere.
    /// Such a folder was archived without the database, and the two come back together.
    /// </summary>
    internal static string? PathWithin(Payload folder, Payload database)
    {
        return folder.Kind == PayloadKind.Files && database.Within is { } within && within.StartsWith(folder.RestoreName + "/", StringComparison.Ordinal)
            ? within[(folder.RestoreName.Length + 1)..].Replace('/', Path.DirectorySeparatorChar)
            : null;
    }

    // A folder is replaced as a whole. The database in it must come with it, and must not be open, or it would be lost.
    private static void RequireContainedDatabases(Manifest manifest, List<RestoreTarget> targets)
    {
        foreach (RestoreTarget folder in targets)
        {
            foreach (Payload database in manifest.Payloads)
            {
                if (PathWithin(folder.Payload, database) is not { } relative)
                    continue;
                string inside = Path.Combine(folder.Path, relative);
                RestoreTarget? together = targets.Find(target => target.Payload == database);
                if (together is null && Presence.IsFile(inside))
                {
                    throw new BackupFailure(
                        ErrorCodes.TargetInvalid,
                        FailureCategory.InvalidArgument,
                        $"The folder '{folder.Path}' contains the database '{inside}', which would be lost if the folder alone were replaced.",
                        "Restore both (without -Content), or the files into another folder with -Destination.")
                    { Target = folder.Path };
                }

                if (together is { Action: RestoreAction.WriteInto })
                {
                    throw new BackupFailure(
                        ErrorCodes.TargetInUse,
                        FailureCategory.Busy,
                        $"The folder '{folder.Path}' cannot be replaced while the database '{inside}' in it is open.",
                        "Stop the application first, or restore the database alone: -Content Database -Force.")
                    { Target = inside, CanRetry = true };
                }
            }
        }
    }

    private static RestoreTarget PlanOne(Payload payload, string path, RestoreRequest request, List<string> warnings)
    {
        string? parent = Path.GetDirectoryName(path);
        while (parent is not null && !Path.Exists(parent))
            parent = Path.GetDirectoryName(parent);
        if (parent is null || Presence.IsFile(parent))
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.InvalidArgument,
                $"Cannot restore to '{path}': it is not below a folder.",
                "Name another place with -Destination.")
            { Target = path };
        }

        return payload.Kind == PayloadKind.Database
            ? PlanDatabase(payload, path, request, warnings)
            : PlanFolder(payload, path);
    }

    private static RestoreTarget PlanDatabase(Payload payload, string path, RestoreRequest request, List<string> warnings)
    {
        if (Presence.IsFolder(path))
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.InvalidArgument,
                $"'{path}' is a folder, where the database file should go.",
                "Move it away, or name another place with -Destination.")
            { Target = path };
        }

        if (!Presence.IsFile(path))
            return new RestoreTarget(payload, path, RestoreAction.Create, 0);
        // A link to the real file stays a link: what it leads to is replaced.
        string real = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        IFileEngine engine = DatabaseEngines.FileOf(payload);
        FileHolders open = OpenFiles.HoldersOf(engine.Companions.Select(ending => real + ending).Prepend(real).Where(Presence.IsFile));
        if (open.Holders.Count > 0 && !(request.Force && engine.CanWriteInto))
            throw OpenDatabase.InUse(real, open.Holders, engine);
        if (open.Holders.Count > 0)
            warnings.Add($"it is open in {OpenDatabase.Describe(open.Holders)}, which will see the restored data at once");
        else if (open.Incomplete)
            warnings.Add("not all processes of this machine can be seen; run as root to be sure that no process has the database open");
        return new RestoreTarget(
            payload, real, open.Holders.Count > 0 ? RestoreAction.WriteInto : RestoreAction.Replace, Math.Max(1, new FileInfo(real).Length));
    }

    private static RestoreTarget PlanFolder(Payload payload, string path)
    {
        bool exists = Presence.IsFolder(path) || Presence.IsFile(path);
        // A link to the real folder stays a link: what it leads to is replaced.
        if (exists)
            path = Directory.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        return new RestoreTarget(
            payload, path, exists ? RestoreAction.Replace : RestoreAction.Create, exists ? Math.Max(1, new FolderArchiver().Measure(path).ArchiveBytes) : 0);
    }

    private static void RequireDistinct(List<RestoreTarget> targets)
    {
        if (targets.GroupBy(target => target.Path, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.InvalidArgument,
                $"Two parts of the backup would be restored to '{twice.Key}'.",
                "Leave -Destination out, so that each goes where it came from, or restore them one by one with -Content.")
            { Target = twice.Key };
        }
    }

    private static void RequireSpace(List<RestoreTarget> targets)
    {
        var rest = new List<RestoreTarget>(targets);
        while (rest.Count > 0)
        {
            // Folders of one volume take their room from the same free bytes.
            string place = VolumeSpace.NearestExisting(Path.GetDirectoryName(rest[0].Path)!);
            List<RestoreTarget> together = rest.FindAll(target => target == rest[0] || VolumeSpace.SameVolume(place, Path.GetDirectoryName(target.Path)!));
            rest.RemoveAll(together.Contains);
            // Beside the present state until the swap; written into an open one, also once more in its log, and the previous state beside others' swaps.
            long required = together.Sum(target => target.Payload.RestoredSize * (target.Action == RestoreAction.WriteInto ? targets.Count > 1 ? 3 : 2 : 1));
            if (VolumeSpace.Available(place) is { } free && free < required)
                throw new NotEnoughSpaceException(place, required, free, "the restored copy beside the present state");
        }
    }

    private static string? TryReadRevision(RestoreTarget database, CancellationToken cancellationToken)
    {
        try
        {
            return DatabaseEngines.FileOf(database.Payload).ReadSchemaRevision(database.Path, TimeSpan.FromSeconds(2), cancellationToken);
        }
        catch (BackupException)
        {
            // Damaged or locked: perhaps the very reason for the restore.
            return null;
        }
    }
}
