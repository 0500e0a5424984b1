using System.Diagnostics;
using System.Runtime.CompilerServices;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>Restores files and SQLite databases into containers and volumes: beside, read back, and swapped while the application is stopped.</summary>
internal sealed class ContainerFilesRestore : PreparedRestore, IDisposable
{
    private readonly BackupRepository _repository;
    private readonly RestoreRequest _request;
    private readonly DockerClient _client;
    private readonly IReadOnlyList<VolumePlace> _places;

    private ContainerFilesRestore(BackupRepository repository, RestoreRequest request, DockerClient client, IReadOnlyList<VolumePlace> places, RestorePlan plan)
    {
        _repository = repository;
        _request = request;
        _client = client;
        _places = places;
        Plan = plan;
    }

    public override RestorePlan Plan { get; }

    /// <summary>The names of the containers that are stopped for it.</summary>
    public IReadOnlyList<string> Stopped { get; private init; } = [];

    /// <summary>Whether what a backup holds of files belongs into containers or volumes.</summary>
    public static bool Applies(RestoreRequest request) =>
        request.Destination is null && FilesOf(request).Any(payload => request.Docker?.NamesSubject == true || DockerLocation.IsOne(payload.OriginalPath));

    /// <summary>Works it out.</summary>
    /// <exception cref="BackupException">A container, volume or path is not there, or cannot be restored to.</exception>
    public static async Task<ContainerFilesRestore> PlanAsync(BackupRepository repository, RestoreRequest request, CancellationToken cancellationToken)
    {
        List<Payload> payloads = [.. FilesOf(request)];
        DockerRequest? elsewhere = request.Docker;
        DockerLocation first = LocationOf(payloads[0], elsewhere, request.ContainerPath);
        DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(elsewhere?.DockerHost ?? first.Host), cancellationToken).ConfigureAwait(false);
        try
        {
            var places = new List<VolumePlace>();
            foreach (Payload files in payloads.Where(payload => payload.Kind == PayloadKind.Files))
            {
                (Payload, string)[] inside = [.. payloads.Where(payload => RestorePlanner.PathWithin(files, payload) is not null).Select(payload => (payload, payload.Within![(files.RestoreName.Length + 1)..]))];
                if (inside.Length == 0 && request.Backup.Manifest!.Payloads.FirstOrDefault(payload => RestorePlanner.PathWithin(files, payload) is not null) is { } lost)
                {
                    throw new BackupFailure(
                        ErrorCodes.TargetInvalid, FailureCategory.InvalidArgument, $"The folder '{files.OriginalPath}' contains the database '{lost.Within}', which would be lost if the folder alone were replaced.",
                        "Restore both (without -Content), or the files into another folder with -Destination.")
                    { Target = files.OriginalPath };
                }

                places.Add(await VolumePlace.FindAsync(client, LocationOf(files, elsewhere, request.ContainerPath), elsewhere?.Start == true, files, inside, cancellationToken).ConfigureAwait(false));
            }

            foreach (Payload database in payloads.Where(payload => payload.Kind == PayloadKind.Database && !places.Exists(place => place.Databases.Any(inside => inside.Payload == payload))))
                places.Add(await VolumePlace.FindAsync(client, LocationOf(database, elsewhere, request.ContainerPath), elsewhere?.Start == true, null, [(database, string.Empty)], cancellationToken).ConfigureAwait(false));
            (RestorePlan plan, string[] stopped) = await DescribeAsync(client, request, places, cancellationToken).ConfigureAwait(false);
            return new ContainerFilesRestore(repository, request, client, places, plan) { Stopped = stopped };
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public override Task<RestoreResult> RunAsync(IOperationObserver observer, CancellationToken cancellationToken) => RunAsync(null, [], false, observer, cancellationToken);

    /// <summary>Runs it, with something else that takes its place at the same moment.</summary>
    /// <param name="last">
    /// Puts that in place, all or nothing, when the application is stopped and the files are replaced; where it fails, they get their old state back.
    /// </param>
    /// <param name="alsoStopped">Containers that are stopped too.</param>
    /// <param name="leaveStopped">Whether the application is left stopped, because its code belongs to another schema revision.</param>
    /// <param name="observer">Hears of the progress.</param>
    /// <param name="cancellationToken">Stops it; until the swap begins, nothing is changed then.</param>
    public async Task<RestoreResult> RunAsync(
        Func<CancellationToken, Task>? last, IReadOnlyList<ContainerSummary> alsoStopped, bool leaveStopped, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var duration = Stopwatch.StartNew();
        Manifest manifest = BackupRepository.RequireManifest(_request.Backup);
        var key = new BackupKey(_request.Backup.Source, _request.Backup.Name);
        await using ConfiguredAsyncDisposable claim = (await _repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var content = new BackupContent(manifest, file => _repository.OpenRead(key, file));
        string activity = $"Restoring {_request.Backup}";
        var swaps = new List<VolumeSwap>();
        try
        {
            using (LocalWorkspace scratch = await _repository.OpenScratchAsync(
                _request.StagingPath, _places.SelectMany(place => place.Databases).Sum(database => database.Payload.OriginalSize), cancellationToken).ConfigureAwait(false))
            {
                foreach (VolumePlace place in _places)
                    swaps.Add(await StageAsync(place, content, scratch.Path, activity, observer, cancellationToken).ConfigureAwait(false));
            }

            ApplicationStop stop = await ApplicationStop.BeginAsync(
                _client, _places.SelectMany(place => place.Users).Concat(alsoStopped).DistinctBy(container => container.Id), observer, cancellationToken).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable stopped = stop.ConfigureAwait(false);
            Backup? safety = _request.NoSafetyBackup ? null : await KeepPresentAsync(observer, cancellationToken).ConfigureAwait(false);
            observer.Progress(new OperationProgress(activity, "putting it in place"));
            await SwapAllAsync(swaps, last, cancellationToken).ConfigureAwait(false);
            Payload? database = _places.SelectMany(place => place.Databases).Select(each => each.Payload).FirstOrDefault();
            string? revision = database is null ? null : manifest.SchemaRevisionOf(database);
            string? before = safety?.SchemaRevision;
            leaveStopped |= revision is not null && before is not null && revision != before && !_request.Force;
            IReadOnlyList<string> left = await stop.EndAsync(leaveStopped, observer, cancellationToken).ConfigureAwait(false);
            foreach (VolumeSwap swap in swaps)
                await swap.CleanAsync().ConfigureAwait(false);
            return new RestoreResult
            {
                Name = _request.Backup.Name,
                Source = _request.Backup.Source,
                Restored = [.. Plan.Targets.Select(target => target.Path)],
                Status = database is null || manifest.FingerprintOf(database) is null ? BackupStatus.Restored : BackupStatus.Matched,
                SafetyBackup = safety,
                SchemaRevision = revision,
                PreviousSchemaRevision = before,
                NextCommands = MigrationCommands.For(revision, before),
                Downtime = stop.Downtime,
                LeftStopped = left,
                Duration = duration.Elapsed,
            };
        }
        catch
        {
            foreach (VolumeSwap swap in swaps.Where(each => !each.IsSwapped))
                await TryCleanAsync(swap, observer).ConfigureAwait(false);
            throw;
        }
        finally
        {
            foreach (VolumeSwap swap in swaps)
                await swap.DisposeAsync().ConfigureAwait(false);
            Dispose();
        }
    }

    public void Dispose() => _client.Dispose();

    private static IEnumerable<Payload> FilesOf(RestoreRequest request) =>
        BackupSelection.Payloads(request.Backup, request.Only).Where(payload => !payload.IsOfServer);

    private static DockerLocation LocationOf(Payload payload, DockerRequest? elsewhere, string? path)
    {
        DockerLocation? origin = DockerLocation.IsOne(payload.OriginalPath) ? DockerLocation.Parse(payload.OriginalPath!) : null;
        // A path that was named is the folder's: the databases of a folder, restored without it, keep their places below.
        string below = payload.Within is { } within ? within[(within.IndexOf('/', StringComparison.Ordinal) + 1)..] : payload.RestoreName;
        if (path is not null && payload is { Kind: PayloadKind.Database, Within: not null })
            path = $"{path.TrimEnd('/')}/{below}";
        if (elsewhere?.NamesSubject != true)
            return origin! with { Path = path ?? origin.Path };
        string? target = path ?? (elsewhere.Volume is not null && origin?.Volume is null ? null : origin?.Path);
        if (elsewhere.Volume is not null && payload.Kind == PayloadKind.Database)
            target ??= "/" + below;
        if (target is null && elsewhere.Volume is null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"It is not known where '{payload.RestoreName}' goes in the container.", "Name the folder or file: -ContainerPath /app/data.");
        }

        return new DockerLocation { Container = elsewhere.Container, Project = elsewhere.ComposeProject, Service = elsewhere.Service ?? origin?.Service, Volume = elsewhere.Volume, Path = target };
    }

    private static async Task<(RestorePlan Plan, string[] Stopped)> DescribeAsync(DockerClient client, RestoreRequest request, IReadOnlyList<VolumePlace> places, CancellationToken cancellationToken)
    {
        var warnings = new List<string>();
        if (request.Backup.Status == BackupStatus.Damaged)
            warnings.Add($"the last test of this backup failed: {request.Backup.Tests[^1].Failure}");
        if (request.Backup.Status == BackupStatus.Written)
            warnings.Add("this backup was never tested; it is checked while it is restored");
        string[] stopped = [.. (await ApplicationStop.WithDependentsAsync(client, places.SelectMany(place => place.Users), cancellationToken).ConfigureAwait(false)).Select(container => container.Name)];
        if (stopped.Length > 0)
            warnings.Add(StopWarning(stopped));
        var plan = new RestorePlan
        {
            Backup = request.Backup,
            Targets =
            [
                .. places.SelectMany(place => place.Databases.Select(database => Target(place, database.Payload, database.Relative))
                    .Concat(place.Files is null ? [] : [Target(place, place.Files, string.Empty)])),
            ],
            SafetyBackup = !request.NoSafetyBackup && places.Any(place => place.Exists),
            Warnings = warnings,
        };
        return (plan, stopped);
    }

    /// <summary>What a plan says of containers that are stopped.</summary>
    public static string StopWarning(IReadOnlyCollection<string> names) =>
        $"{string.Join(", ", names)} {(names.Count == 1 ? "is" : "are")} stopped for the swap and started again";

    private static RestoreTarget Target(VolumePlace place, Payload payload, string relative) => new(
        payload,
        relative.Length == 0 ? place.Location.ToString() : (place.Location with { Path = $"{place.Location.Path?.TrimEnd('/')}/{relative}" }).ToString(),
        place.Exists ? RestoreAction.Replace : RestoreAction.Create,
        0);

    private async Task<VolumeSwap> StageAsync(
        VolumePlace place, BackupContent content, string scratch, string activity, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var databases = new List<(Payload, string, string)>();
        foreach ((Payload payload, string relative) in place.Databases)
        {
            string file = Path.Combine(scratch, $"{Guid.NewGuid():N}.db");
            var progress = new PayloadProgress(observer, activity, $"restoring {payload.RestoreName} beside", payload.OriginalSize);
            await DatabaseRestorer.RestoreAsync(content, payload, file, progress, cancellationToken).ConfigureAwait(false);
            await Task.Run(() => DatabaseRestorer.RequireEqual(content.Manifest, payload, file, cancellationToken), cancellationToken).ConfigureAwait(false);
            databases.Add((payload, file, relative));
        }

        bool isSingleFile = place.Files is not null && databases.Count == 0 && await UploadArchive.IsSingleFileAsync(content, place.Files, cancellationToken).ConfigureAwait(false);
        VolumeSwap swap = await VolumeSwap.CreateAsync(_client, place, isSingleFile, cancellationToken).ConfigureAwait(false);
        try
        {
            observer.Progress(new OperationProgress(activity, $"unpacking beside {place.Location}"));
            await swap.StageAsync(content, databases, cancellationToken).ConfigureAwait(false);
            foreach ((_, string file, _) in databases)
                File.Delete(file);
            return swap;
        }
        catch
        {
            await TryCleanAsync(swap, observer).ConfigureAwait(false);
            await swap.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // The application is stopped, so nothing else is needed for a consistent state.
    private async Task<Backup?> KeepPresentAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        var plans = new List<ContainerFilesPlan>();
        try
        {
            foreach (VolumePlace place in _places.Where(place => place.Exists))
            {
                plans.Add(await ContainerFiles.ResolveAsync(
                    new ContainerFilesRequest { Subject = DockerRequest.For(place.Location), Path = place.Location.Path, Consistency = Consistency.Live, LockTimeout = _request.LockTimeout, AllowEmpty = true },
                    cancellationToken).ConfigureAwait(false));
            }

            if (plans.Count == 0)
                return null;
            IBackupSource[] sources = [.. plans.SelectMany(plan => plan.Sources)];
            return await new BackupService(_repository).CreateAsync(
                new BackupRequest { Sources = sources, SourceName = _request.Backup.Source, Type = BackupType.Safety, StagingPath = _request.StagingPath }, observer, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            throw new BackupFailure(
                failure.Code, failure.Category, $"The safety backup of the present state failed, so nothing was restored: {failure.Message}", $"{failure.Hint} To restore without one, pass -NoSafetyBackup.", failure)
            { Target = failure.Target };
        }
        finally
        {
            foreach (ContainerFilesPlan plan in plans)
                await plan.DisposeAsync().ConfigureAwait(false);
        }
    }

    // Half of a restore point is none: where one place fails, those before it get their old state back.
    private static async Task SwapAllAsync(List<VolumeSwap> swaps, Func<CancellationToken, Task>? last, CancellationToken cancellationToken)
    {
        try
        {
            foreach (VolumeSwap swap in swaps)
                await swap.SwapAsync(CancellationToken.None).ConfigureAwait(false);
            if (last is not null)
                await last(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            foreach (VolumeSwap swap in swaps.Where(each => each.IsSwapped))
                await swap.UndoAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task TryCleanAsync(VolumeSwap swap, IOperationObserver observer)
    {
        try
        {
            await swap.CleanAsync().ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            observer.Warning($"What was unpacked beside '{swap.Place.Location}' could not be removed: {failure.Message}");
        }
    }
}
