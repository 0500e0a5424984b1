using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;

namespace DbBackup.Upgrades.Targets;

/// <summary>Folders and files of a container, including SQLite databases.</summary>
/// <param name="place">The container, service or volume.</param>
/// <param name="paths">The paths in it; null for a whole volume.</param>
/// <param name="databases">The paths of the SQLite databases in it.</param>
/// <param name="request">The upgrade.</param>
/// <param name="scratch">The volume of a copy; null for the real data.</param>
internal sealed class ContainerFilesUpgradeTarget(
    ContainerAddress place, IReadOnlyList<string?> paths, IReadOnlyList<string> databases, UpgradeRequest request, ScratchVolume? scratch = null) : IUpgradeTarget
{
    public IReadOnlyDictionary<string, string?> Environment => new Dictionary<string, string?>();

    public IReadOnlyDictionary<string, string> Mounts => scratch is null ? new Dictionary<string, string>() : new Dictionary<string, string> { [scratch.Path] = scratch.Name };

    public string? WhyNoCopy => paths.Count == 1 ? null : "the upgrade covers more than one folder";

    public async Task<SchemaRevision> RevisionAsync(CancellationToken cancellationToken)
    {
        SchemaRevision? first = null;
        foreach (string database in databases)
        {
            SchemaRevision revision = await WithSnapshotOfAsync(database, copy => copy.RevisionAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
            if (revision.Revision is not null)
                return revision with { Target = Location(database) };
            first ??= revision with { Target = Location(database) };
        }

        return first ?? new SchemaRevision { Target = Location(paths[0] ?? string.Empty), Engine = "Files" };
    }

    public BackupIntent Intent => new BackupIntent.OfContainerFiles { ContainerFiles = [.. paths.Select(path => Files(path, Consistency.Auto))] };

    // SQLite locks last for a transaction, and the containers that write are stopped first.
    public Task<string?> FindHolderAsync(CancellationToken cancellationToken) => Task.FromResult<string?>(null);

    public async Task<string?> FindDamageAsync(CancellationToken cancellationToken)
    {
        foreach (string database in databases)
        {
            if (await WithSnapshotOfAsync(database, copy => copy.FindDamageAsync(cancellationToken), cancellationToken).ConfigureAwait(false) is { } damage)
                return $"{database}: {damage}";
        }

        return null;
    }

    public async Task<IReadOnlySet<string>?> FilledTablesAsync(Payload payload, CancellationToken cancellationToken)
    {
        string? path = DockerLocation.TryParse(payload.OriginalPath)?.Path;
        return databases.FirstOrDefault(database => database == path) is { } found
            ? await WithSnapshotOfAsync(found, copy => copy.FilledTablesAsync(payload, cancellationToken), cancellationToken).ConfigureAwait(false)
            : null;
    }

    public Task<object?> QueryScalarAsync(string sql, CancellationToken cancellationToken) => databases switch
    {
        [var only] => WithSnapshotOfAsync(only, copy => copy.QueryScalarAsync(sql, cancellationToken), cancellationToken),
        _ => throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument,
            databases.Count == 0 ? "The query check has no SQLite database to run against." : $"The query check matches more than one SQLite database: {string.Join(", ", databases)}.", "Name one database with -ContainerPath, or use a command as the check.")
        { Target = sql },
    };

    public async Task<IUpgradeTarget> CopyAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ScratchVolume volume = await ScratchVolume.CreateAsync(place, paths[0]!, cancellationToken).ConfigureAwait(false);
        try
        {
            var there = new ContainerAddress.OfVolume(volume.Name) { DockerHost = place.DockerHost };
            PreparedRestore restore = await PreparedRestore.PrepareAsync(
                repository,
                new RestoreRequest { Backup = backup, Place = there, ContainerPath = volume.Below.Length == 0 ? null : volume.Below, NoSafetyBackup = true, Force = true, LockTimeout = request.LockTimeout },
                changeNothing: false, observer, cancellationToken).ConfigureAwait(false);
            await restore.RunAsync(observer, cancellationToken).ConfigureAwait(false);
            return new ContainerFilesUpgradeTarget(
                there, [volume.Below.Length == 0 ? null : volume.Below], [.. databases.Select(database => database[volume.Path.TrimEnd('/').Length..])], request, volume);
        }
        catch
        {
            await volume.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(place.DockerHost), cancellationToken).ConfigureAwait(false);
        await TemporaryContainer.SweepAsync(client, cancellationToken).ConfigureAwait(false);
    }

    public RestoreRequest RestoreOf(Backup backup, bool keepsPresent) => new() { Backup = backup, Place = new ContainerAddress.Unnamed { DockerHost = place.DockerHost }, Force = true, NoSafetyBackup = !keepsPresent, LockTimeout = request.LockTimeout };

    public ValueTask DisposeAsync() => scratch?.DisposeAsync() ?? ValueTask.CompletedTask;

    private ContainerFilesRequest Files(string? path, Consistency consistency) =>
        new() { Subject = place, Path = path, Consistency = consistency, LockTimeout = request.LockTimeout, AllowEmpty = true };

    private string Location(string path) => place.LocationOf(path).ToString();

    // A snapshot of one database, taken as backups take it, in which everything can be read.
    private async Task<T> WithSnapshotOfAsync<T>(string database, Func<SqliteUpgradeTarget, Task<T>> work, CancellationToken cancellationToken)
    {
        using LocalWorkspace folder = LocalWorkspace.Create(Path.GetTempPath());
        string copy = Path.Join(folder.Path, "snapshot", "database.db");
        PrivateFiles.CreateFolder(Path.GetDirectoryName(copy)!);
        ContainerFilesPlan plan = await ContainerFiles.ResolveAsync(Files(database, Consistency.Live), cancellationToken).ConfigureAwait(false);
        await using (plan.ConfigureAwait(false))
        {
            var context = new CaptureContext(folder.Path, SilentObserver.Instance, "Reading " + database, FingerprintLevel.None, ThoroughCheck: false, _ => false);
            Capture capture = await plan.Sources[0].CaptureAsync(context, cancellationToken).ConfigureAwait(false);
            if (capture.Finish is { } finish)
                capture = await finish(cancellationToken).ConfigureAwait(false);
            CapturedPayload payload = capture.Payloads.FirstOrDefault(each => each.Kind == PayloadKind.Database) ?? throw new BackupFailure(
                ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"'{database}' is no longer a SQLite database.", "Find out what replaced it, then try again.")
            { Target = Location(database) };
            using Stream snapshot = payload.OpenRead!();
            using FileStream file = PrivateFiles.CreateNew(copy);
            await snapshot.CopyToAsync(file, cancellationToken).ConfigureAwait(false);
        }

        return await work(new SqliteUpgradeTarget(new UpgradeSubject.SqliteFile(copy), request)).ConfigureAwait(false);
    }
}
