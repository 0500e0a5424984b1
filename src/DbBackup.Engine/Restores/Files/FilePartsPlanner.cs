using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Restores.Files;

/// <summary>
/// Works out the restore of single files and folders out of a folder's backup, and fails where it cannot be done. What is not named is not
/// touched. A backup that holds only a part of a folder, as the safety backup of such a restore, is restored in the same way.
/// </summary>
internal static class FilePartsPlanner
{
    private const int FilesLookedAt = 100_000;

    /// <summary>True if single files are restored.</summary>
    public static bool Applies(RestoreRequest request) => request.Files.Count > 0
        || BackupRepository.RequireManifest(request.Backup).Payloads.Any(payload => payload.Kind == PayloadKind.Files && payload.Scope != BackupScope.Whole);

    /// <summary>Plans it, once what killed restores left there has been put right.</summary>
    /// <exception cref="BackupException">Nothing has a name that was given, or it cannot be put in place.</exception>
    public static async Task<RestorePart> PlanAsync(
        BackupRepository repository, RestoreRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Manifest manifest = BackupRepository.RequireManifest(request.Backup);
        List<Payload> payloads = BackupSelection.Payloads(request.Backup, ContentKind.Files);
        var folders = new Dictionary<Payload, string>();
        foreach (Payload payload in payloads)
            folders.Add(payload, await FolderForAsync(request, payload, payloads, cancellationToken).ConfigureAwait(false));
        if (!changeNothing)
            await RestoreRecovery.RunAsync(folders.Values, request.Connection, observer, cancellationToken).ConfigureAwait(false);
        var key = new BackupKey(request.Backup.Source, request.Backup.Name);
        var content = repository.ContentOf(key, manifest);
        (string Text, FolderPatterns Pattern)[] patterns = [.. request.Files.Select(text => (text, new FolderPatterns([text], "-File")))];
        var unused = patterns.Select(pattern => pattern.Text).ToHashSet(StringComparer.Ordinal);
        var participants = new List<IRestoreParticipant>();
        var targets = new List<RestoreTarget>();
        foreach (Payload payload in payloads)
        {
            Func<string, bool>? wanted = patterns.Length > 0 ? path => IsNamed(path, payload.RestoreName, patterns, unused) : Replaced(request, folders[payload]);
            IReadOnlyList<ArchivePart> parts;
            using (PayloadReader tar = content.OpenOriginal(payload, cancellationToken))
                parts = await ArchiveParts.FindAsync(tar, payload.RestoreName, wanted, cancellationToken).ConfigureAwait(false);
            if (parts.Count == 0)
                continue;
            RestoreTarget[] own = [.. parts.Select(part => Target(payload, folders[payload], part))];
            RequireNoDatabases(manifest, payload, folders[payload], parts);
            participants.Add(new FilePartsParticipant(folders[payload], payload, [.. parts.Zip(own)], content));
            targets.AddRange(own);
        }

        if (unused.Count > 0)
            throw NotFound(request, [.. unused]);
        RequireSpace(targets);
        return new RestorePart(participants, targets) { SafetyBackup = targets.Exists(target => target.Action != RestoreAction.Create) };
    }

    private static async Task<string> FolderForAsync(RestoreRequest request, Payload payload, List<Payload> all, CancellationToken cancellationToken)
    {
        if (VolumeRestorePlanner.BelongsInContainer(request, payload))
            return await VolumeFolder.FindAsync(request, payload, cancellationToken).ConfigureAwait(false);
        string path = FileRestorePlanner.PathFor(request, payload, all);
        return Path.Exists(path) ? Directory.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
    }

    // Also with the folder's own name before it, as a listing shows it. Each pattern is asked: one that fits nothing is an error.
    private static bool IsNamed(string path, string root, (string Text, FolderPatterns Pattern)[] patterns, HashSet<string> unused)
    {
        string full = path.Length == 0 ? root : $"{root}/{path}";
        bool any = false;
        foreach ((string text, FolderPatterns pattern) in patterns)
        {
            if (!(path.Length > 0 && pattern.Matches(path)) && !pattern.Matches(full))
                continue;
            unused.Remove(text);
            any = true;
        }

        return any;
    }

    // An undo gives back what was replaced, a folder as a whole. Otherwise each file is restored by itself, and others beside it stay.
    private static Func<string, bool>? Replaced(RestoreRequest request, string folder)
    {
        if (request.Replaced is null)
            return null;
        string[] own = [.. request.Replaced.Where(path => path.StartsWith(folder, StringComparison.Ordinal)).Select(path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'))];
        var paths = new HashSet<string>(own.Select(path => path == "." ? string.Empty : path), StringComparer.Ordinal);
        return paths.Contains;
    }

    private static RestoreTarget Target(Payload payload, string folder, ArchivePart part)
    {
        string path = part.Path.Length == 0 ? folder : Path.Combine(folder, part.Path.Replace('/', Path.DirectorySeparatorChar));
        RequireInside(payload, folder, part, path);
        bool exists = Presence.IsThere(path);
        return new RestoreTarget(payload, path, exists ? RestoreAction.Replace : RestoreAction.Create, !exists ? 0 : Presence.IsFolder(path) ? Math.Max(1, new FolderArchiver().Measure(path).ArchiveBytes) : Math.Max(1, new FileInfo(path).Length))
        {
            PartBytes = part.Bytes,
        };
    }

    // Neither a name in the archive nor a link in the present folder leads elsewhere.
    private static void RequireInside(Payload payload, string folder, ArchivePart part, string path)
    {
        bool leaves = part.Path.Split('/').Any(name => name is ".." or ".") || Path.IsPathRooted(part.Path) || (OperatingSystem.IsWindows() && part.Path.Contains(':', StringComparison.Ordinal));
        if (!leaves)
        {
            foreach (string above in ChosenPaths.Above(part.Path).Where(above => above.Length > 0))
                leaves |= new FileInfo(Path.Combine(folder, above)).LinkTarget is not null;
        }

        if (leaves)
        {
            throw new BackupFailure(
                ErrorCodes.UnsafeContent, FailureCategory.InvalidData, $"'{WarningLog.Shown(part.Path)}' of '{payload.RestoreName}' would be restored outside of '{folder}': a part of its path is a link, or leads elsewhere. Nothing was changed.",
                "Restore it into another folder: -Destination.")
            { Target = path };
        }

        string? parent = Path.GetDirectoryName(path);
        while (parent is not null && !Presence.IsThere(parent))
            parent = Path.GetDirectoryName(parent);
        if (parent is null || Presence.IsFile(parent))
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.InvalidArgument, $"Cannot restore to '{path}': '{parent}' is a file.", "Move it away, or name another place with -Destination.")
            { Target = path };
        }
    }

    // A database is restored by its engine, with its log, and never as a file among others.
    private static void RequireNoDatabases(Manifest manifest, Payload payload, string folder, IReadOnlyList<ArchivePart> parts)
    {
        var chosen = new ChosenPaths(parts.Select(part => part.Path));
        foreach (Payload database in manifest.Payloads)
        {
            if (FileRestorePlanner.PathWithin(payload, database) is { } relative && chosen.RootOf(relative.Replace(Path.DirectorySeparatorChar, '/')) is not null && Presence.IsFile(Path.Combine(folder, relative)))
                throw Database(Path.Combine(folder, relative));
        }

        foreach (ArchivePart part in parts)
        {
            string path = part.Path.Length == 0 ? folder : Path.Combine(folder, part.Path);
            IEnumerable<string> files = !Presence.IsThere(path) ? [] : Presence.IsFolder(path)
                ? Directory.EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true }).Take(FilesLookedAt) : [path];
            if (files.FirstOrDefault(file => DatabaseEngines.TryOfFile(file) is not null) is { } found)
                throw Database(found);
        }
    }

    private static void RequireSpace(List<RestoreTarget> targets)
    {
        if (targets.Count == 0)
            return;
        string place = VolumeSpace.NearestExisting(Path.GetDirectoryName(targets[0].Path)!);
        long required = targets.Sum(target => target.PartBytes ?? 0);
        if (VolumeSpace.Available(place) is { } free && free < required)
            throw new NotEnoughSpaceException(place, required, free, "the restored files beside the present ones");
    }

    private static BackupFailure Database(string path) => new(
        ErrorCodes.TargetInvalid,
        FailureCategory.InvalidArgument,
        $"'{path}' is a database, which would be lost if the files around it were replaced. Nothing was changed.",
        "Name files and folders without the database, or restore all of it (without -File).")
    { Target = path };

    private static BackupFailure NotFound(RestoreRequest request, string[] patterns) => new(
        ErrorCodes.BackupNotFound,
        FailureCategory.NotFound,
        $"Backup '{request.Backup}' has no file or folder '{string.Join("', '", patterns)}'. Nothing was changed.",
        $"See what it has: Compare-DbBackup {request.Backup} -Content Files -IncludeEqual lists its files. A name without a slash is looked for in all folders.")
    { Target = patterns[0] };
}
