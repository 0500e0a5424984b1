using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Comparisons;

/// <summary>
/// The live files and the databases among them, captured as a backup would capture them, without a pause of their application. Each place is
/// captured once for each depth that is wanted, however many backups are compared with it.
/// </summary>
/// <param name="request">What is compared.</param>
/// <param name="openScratch">Makes room for copies.</param>
/// <param name="observer">The progress observer.</param>
internal sealed class LiveFiles(ComparisonRequest request, Func<long, Task<string>> openScratch, IOperationObserver observer) : IAsyncDisposable
{
    private readonly Dictionary<string, Task<ComparedSide>> _captured = new(StringComparer.Ordinal);
    private readonly List<ContainerFilesPlan> _plans = [];

    /// <summary>What belongs to a backup's payloads that are no server's.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="manifest">Its manifest.</param>
    /// <param name="payloads">The payloads.</param>
    /// <param name="excluded">A folder that is not looked into: a repository in it.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public async Task<ComparedSide> FindAsync(Backup backup, Manifest manifest, IReadOnlyList<Payload> payloads, string? excluded, CancellationToken cancellationToken)
    {
        FingerprintLevel level = payloads.Any(payload => payload.Fingerprint?.Level == FingerprintLevel.Content) ? FingerprintLevel.Content : FingerprintLevel.Rows;
        Payload[] own = Own(backup, payloads);
        (string Location, string[] Exclude)[] places = [.. Places(backup, manifest, own).DistinctBy(place => place.Location)];
        var excludes = new FolderExcludes();
        if (excluded is not null)
            excludes.Add(excluded);
        // A database is captured by its engine, and the folder around it without it.
        foreach (Payload database in payloads.Where(payload => payload.Kind == PayloadKind.Database && places.Any(place => place.Location == payload.OriginalPath) && !DockerLocation.IsOne(payload.OriginalPath)))
            excludes.AddDatabase(database.OriginalPath!, DatabaseEngines.FileOf(database).Companions);
        var sides = new List<ComparedSide>();
        foreach ((string location, string[] exclude) in places)
        {
            string key = string.Join('\0', [location, level.ToString(), .. exclude]);
            if (!_captured.TryGetValue(key, out Task<ComparedSide>? captured))
                _captured[key] = captured = CaptureAsync(location, exclude, level, excludes.IsExcluded, cancellationToken);
            sides.Add(await captured.ConfigureAwait(false));
        }

        return new ComparedSide(string.Join(", ", places.Select(place => place.Location)), [.. sides.SelectMany(side => side.Databases)], [.. sides.SelectMany(side => side.Files)], null)
        {
            LeftAside = [.. payloads.Where(payload => !own.Contains(payload) && !own.Any(folder => IsWithin(payload, folder))).Select(BackupSide.NameOf)],
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (ContainerFilesPlan plan in _plans)
            await plan.DisposeAsync().ConfigureAwait(false);
    }

    private bool IsSingle => request.Path is not null || request.ContainerPath is not null || request.Place is ContainerAddress.OfVolume;

    // One place that was named takes the place of the one thing that it can mean.
    private Payload[] Own(Backup backup, IReadOnlyList<Payload> payloads)
    {
        Payload[] own = [.. payloads.Where(payload => !payloads.Any(folder => folder != payload && IsWithin(payload, folder)))];
        if (!IsSingle || own.Length == 1)
            return own;
        own = [.. own.Where(payload => request.Path is null || (payload.Kind == PayloadKind.Files) == Presence.IsFolder(request.Path))];
        return own.Length == 1 ? own : throw Several(backup);
    }

    private IEnumerable<(string Location, string[] Exclude)> Places(Backup backup, Manifest manifest, Payload[] own)
    {
        bool named = IsSingle || request.Place is ContainerAddress.OfContainer or ContainerAddress.OfService;
        foreach (Payload payload in own)
        {
            string[] exclude = payload.Kind == PayloadKind.Files ? [.. ExclusionNotes.PatternsIn(manifest.Notes, payload.RestoreName)] : [];
            yield return (named ? Named(payload) : payload.OriginalPath ?? throw Placeless(backup, payload), exclude);
        }
    }

    // A database of which the folder around it was captured comes with that folder, unless that is another place.
    private static bool IsWithin(Payload payload, Payload folder) =>
        folder.Kind == PayloadKind.Files && payload.Within?.StartsWith(folder.RestoreName + "/", StringComparison.Ordinal) == true && DockerLocation.IsOne(payload.OriginalPath) == DockerLocation.IsOne(folder.OriginalPath);

    private string Named(Payload payload)
    {
        if (request.Path is not null)
            return request.Path;
        DockerLocation? origin = DockerLocation.IsOne(payload.OriginalPath) ? DockerLocation.Parse(payload.OriginalPath!) : null;
        if (request.Place is null or ContainerAddress.Unnamed)
            return ((origin ?? throw NoContainer(payload)) with { Path = request.ContainerPath }).ToString();
        bool isVolume = request.Place is ContainerAddress.OfVolume;
        string? path = request.ContainerPath ?? (isVolume && origin?.Volume is null ? null : origin?.Path);
        return path is null && !isVolume ? throw NoContainer(payload) : request.Place.LocationOf(path, origin).ToString();
    }

    private async Task<ComparedSide> CaptureAsync(string location, string[] exclude, FingerprintLevel level, Func<string, bool> excluded, CancellationToken cancellationToken)
    {
        IReadOnlyList<IBackupSource> sources = await SourcesOfAsync(location, exclude, cancellationToken).ConfigureAwait(false);
        var databases = new List<ComparedDatabase>();
        var files = new List<ComparedFiles>();
        foreach (IBackupSource source in sources)
        {
            SourcePreview preview = await source.InspectAsync(cancellationToken).ConfigureAwait(false);
            string staging = await openScratch(preview.StagingBytes).ConfigureAwait(false);
            var context = new CaptureContext(staging, observer, "Comparing", level, ThoroughCheck: false, excluded);
            Capture capture = await source.CaptureAsync(context, cancellationToken).ConfigureAwait(false);
            if (capture.Finish is { } finish)
                capture = await finish(cancellationToken).ConfigureAwait(false);
            databases.AddRange(capture.Payloads.Where(payload => payload.Kind == PayloadKind.Database).Select(Database));
            files.AddRange(capture.Payloads.Where(payload => payload.Kind == PayloadKind.Files).Select(Files));
        }

        return new ComparedSide(location, databases, files, null);
    }

    private async Task<IReadOnlyList<IBackupSource>> SourcesOfAsync(string location, string[] exclude, CancellationToken cancellationToken)
    {
        if (!DockerLocation.IsOne(location))
            return [Presence.IsFile(location) && DatabaseEngines.TryOfFile(location) is { } engine ? engine.PresentState(location, request.LockTimeout) : new FolderSource(location) { Exclude = exclude, LockTimeout = request.LockTimeout }];
        DockerLocation place = DockerLocation.Parse(location);
        if (request.Place?.DockerHost is null && DockerContexts.IsOther(place.Host) && KnownServers.ServerOf(location) is { } host && !KnownServers.OfUser.Knows(host))
            throw KnownServers.Unconfirmed(host, $"If you know it and trust it, name it: -DockerHost {place.Host}.");
        ContainerFilesPlan plan = await ContainerFiles.ResolveAsync(
            new ContainerFilesRequest
            {
                Subject = ContainerAddress.At(place, request.Place?.DockerHost),
                Path = place.Path,
                // Only to look, an application is not paused.
                Consistency = Consistency.Live,
                LockTimeout = request.LockTimeout,
                AllowEmpty = true,
                Exclude = exclude,
            },
            cancellationToken).ConfigureAwait(false);
        _plans.Add(plan);
        return plan.Sources;
    }

    private ComparedDatabase Database(CapturedPayload payload)
    {
        IDatabaseEngine engine = DatabaseEngines.OfFormat(payload.Format, payload.FileName);
        Task<CaptureFacts>? facts = null;
        return new ComparedDatabase(engine, payload.Within ?? payload.RestoreName, payload.OriginalPath)
        {
            Summary = payload.OriginalPath,
            TakeFacts = async (_, _, token) => await (facts ??= payload.CollectFacts!(token)).ConfigureAwait(false),
            ReadDefinitions = async token =>
            {
                string file = Path.Combine(await openScratch(payload.Length ?? 0).ConfigureAwait(false), $"{Guid.NewGuid():N}.db");
                using (FileStream copy = PrivateFiles.CreateNew(file))
                    await WriteAsync(payload, copy, token).ConfigureAwait(false);
                return (engine as IFileEngine)?.ReadDefinitions(file, token);
            },
        };
    }

    private static ComparedFiles Files(CapturedPayload payload) => new(payload.RestoreName, payload.OriginalPath)
    {
        Read = async (read, token) =>
        {
            // The archive is written on one side of a pipe and read on the other; none of it is kept.
            var pipe = new System.IO.Pipelines.Pipe();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(token);
            Task writing = Task.Run(
                async () =>
                {
                    Exception? failure = null;
                    try
                    {
                        using Stream target = pipe.Writer.AsStream(leaveOpen: true);
                        await WriteAsync(payload, target, stop.Token).ConfigureAwait(false);
                    }
                    catch (Exception exception)
                    {
                        failure = exception;
                        throw;
                    }
                    finally
                    {
                        await pipe.Writer.CompleteAsync(failure).ConfigureAwait(false);
                    }
                },
                CancellationToken.None);
            try
            {
                using Stream archive = pipe.Reader.AsStream();
                await read(archive).ConfigureAwait(false);
            }
            catch
            {
                await stop.CancelAsync().ConfigureAwait(false);
                throw;
            }

            await writing.ConfigureAwait(false);
        },
    };

    private static async Task WriteAsync(CapturedPayload payload, Stream target, CancellationToken cancellationToken)
    {
        if (payload.OpenRead is null)
        {
            await payload.WriteTo!(target, new Progress<long>(), cancellationToken).ConfigureAwait(false);
            return;
        }

        using Stream content = payload.OpenRead();
        await content.CopyToAsync(target, cancellationToken).ConfigureAwait(false);
    }

    private static BackupFailure Several(Backup backup) => new(
        ErrorCodes.InvalidArgument,
        FailureCategory.InvalidArgument,
        $"'{backup}' contains several databases or folders, and one live place was named.",
        "Omit the place to compare all with where they came from, or choose a part with -Content Database or -Content Files.")
    { Target = backup.ToString() };

    private static BackupFailure Placeless(Backup backup, Payload payload) => new(
        ErrorCodes.SourceNotFound,
        FailureCategory.NotFound,
        $"'{backup}' does not say where '{payload.RestoreName}' came from.",
        "Name the live file or folder with -Path, or another backup with -Difference.")
    { Target = backup.ToString() };

    private static BackupFailure NoContainer(Payload payload) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"It is not known where '{payload.RestoreName}' is in the container, because it came from none.", "Name the container and the path in it (-Container, -ContainerPath), or the folder on this machine with -Path.");
}
