using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Comparisons;

/// <summary>
/// Compares backups with another one, or with the live data. One object serves a whole pipeline: the live data are read once. Nothing is
/// changed; what is unpacked goes when the object is disposed.
/// </summary>
/// <param name="request">What they are compared with, and how.</param>
public sealed class BackupComparison(ComparisonRequest request) : IAsyncDisposable
{
    private readonly List<LocalWorkspace> _scratch = [];
    private readonly LiveServers _servers = new(request);
    private LiveFiles? _files;
    private ComparedSide? _other;

    /// <summary>Compares a backup.</summary>
    /// <param name="repository">The repository of the backup.</param>
    /// <param name="backup">The backup.</param>
    /// <param name="observer">Receives progress, and what was compared how deep.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">The two cannot be compared, or one of them cannot be read.</exception>
    public async Task<ComparisonResult> CompareAsync(BackupRepository repository, Backup backup, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(repository);
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(observer);
        return await DiskFailures.GuardAsync(repository.Location, $"comparing '{backup}'", async () =>
        {
            observer.Progress(new OperationProgress($"Comparing {backup}", "reading"));
            ComparedSide before = BackupSide.Of(repository, backup, request.Content, size => OpenScratchAsync(repository, size, cancellationToken));
            before = before with { Databases = [.. before.Databases.Where(database => before.Databases.Count == 1 || LiveServers.IsChosen(database.Name, request.Databases))] };
            IAsyncDisposable lease = await repository.ProtectAsync(new BackupKey(backup.Source, backup.Name), cancellationToken).ConfigureAwait(false);
            await using (lease.ConfigureAwait(false))
            {
                ComparedSide after = request.Other is null
                    ? await LiveAsync(repository, backup, observer, cancellationToken).ConfigureAwait(false)
                    : _other ??= BackupSide.Of(request.OtherRepository!, request.Other, request.Content, size => OpenScratchAsync(request.OtherRepository!, size, cancellationToken));
                RequireComparable(backup, before, after);
                var run = new ComparisonRun(new DifferenceList(backup, after.Name, request.IncludeEqual), request, observer);
                return await run.CompareAsync(backup, before, after, cancellationToken).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_files is not null)
            await _files.DisposeAsync().ConfigureAwait(false);
        foreach (LocalWorkspace workspace in _scratch)
            workspace.Dispose();
        _scratch.Clear();
    }

    private async Task<ComparedSide> LiveAsync(BackupRepository repository, Backup backup, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Manifest manifest = BackupRepository.RequireManifest(backup);
        List<Payload> payloads = BackupSelection.Payloads(backup, request.Content);
        Payload[] ofServers = [.. payloads.Where(DatabaseEngines.IsOfServer)];
        // Rows of tables are in no files.
        Payload[] files = [.. payloads.Where(payload => !DatabaseEngines.IsOfServer(payload) && (request.Tables.Count == 0 || payload.Kind == PayloadKind.Database))];
        bool namesServer = request.Connection.Server is ServerAddress.AtHost or ServerAddress.OfText || request.Databases.Count > 0;
        bool namesFiles = request.Path is not null || request.ContainerPath is not null || request.Place is ContainerAddress.OfVolume;
        bool namesContainer = request.Place is ContainerAddress.OfContainer or ContainerAddress.OfService;
        if (namesServer && ofServers.Length == 0)
            throw Misplaced(backup, "contains no database of a server", "-Path, -Container with -ContainerPath, or -Volume");
        if (namesFiles && files.Length == 0)
            throw Misplaced(backup, "contains nothing but databases of a server", "-ConnectionString, -HostName, -Container or -ComposeProject with -Service");
        ComparedSide? server = ofServers.Length == 0 || (namesFiles && !namesServer && !namesContainer) ? null
            : await _servers.FindAsync(backup, manifest, ofServers, cancellationToken).ConfigureAwait(false);
        _files ??= new LiveFiles(request, size => OpenScratchAsync(repository, size, cancellationToken), observer);
        // A container that was named for the database says nothing of files that are in none.
        bool elsewhere = !namesFiles && (namesServer || (namesContainer && ofServers.Length > 0 && !files.All(payload => DockerLocation.IsOne(payload.OriginalPath))));
        ComparedSide? others = files.Length == 0 || elsewhere ? null
            : await _files.FindAsync(backup, manifest, files, repository.LocalFolder, cancellationToken).ConfigureAwait(false);
        return new ComparedSide(
            string.Join(", ", new[] { server?.Databases is [{ Path: { } path }] ? path : server?.Name, others?.Name }.OfType<string>()),
            [.. server?.Databases ?? [], .. others?.Databases ?? []],
            others?.Files ?? [],
            server?.Globals)
        {
            LeftAside = [.. others?.LeftAside ?? [], .. server is null ? ofServers.Select(BackupSide.NameOf) : [], .. others is null ? files.Select(BackupSide.NameOf) : []],
        };
    }

    // One engine's tables are no other's.
    private static void RequireComparable(Backup backup, ComparedSide before, ComparedSide after)
    {
        string[] own = [.. before.Databases.Select(database => database.Engine.Name).Distinct(StringComparer.Ordinal)];
        string[] other = [.. after.Databases.Select(database => database.Engine.Name).Distinct(StringComparer.Ordinal)];
        bool haveDatabases = own.Intersect(other, StringComparer.Ordinal).Any();
        bool haveOthers = (before.Files.Count > 0 && after.Files.Count > 0) || (before.Globals is not null && after.Globals is not null);
        if (haveDatabases || (haveOthers && (own.Length == 0 || other.Length == 0)))
            return;
        throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"'{backup}' ({Words(own, before)}) and '{after.Name}' ({Words(other, after)}) have nothing in common that could be compared.",
            "Compare two backups of the same kind of source: Get-DbBackup shows the engine of each.")
        { Target = backup.ToString() };
    }

    private static string Words(string[] engines, ComparedSide side) => engines.Length > 0 ? string.Join(", ", engines) : side.Files.Count > 0 ? "files" : "nothing";

    private static BackupFailure Misplaced(Backup backup, string what, string right) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{backup}' {what}, so the live place that was named cannot be compared with it.", $"Name it with {right}, or omit it to compare with where the backup came from.")
    { Target = backup.ToString() };

    private async Task<string> OpenScratchAsync(BackupRepository repository, long bytes, CancellationToken cancellationToken)
    {
        LocalWorkspace workspace = await repository.OpenScratchAsync(request.StagingPath, bytes, cancellationToken).ConfigureAwait(false);
        _scratch.Add(workspace);
        return workspace.Path;
    }
}
