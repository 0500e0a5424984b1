using System.Diagnostics.CodeAnalysis;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Restores.Files;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>Works out where files and SQLite databases go in containers and volumes.</summary>
internal static class VolumeRestorePlanner
{
    /// <summary>True if what a backup holds of files belongs into containers or volumes.</summary>
    public static bool Applies(RestoreRequest request) =>
        FilesOf(request).Any(payload => BelongsInContainer(request, payload));

    /// <summary>Plans it.</summary>
    /// <exception cref="BackupException">A container, volume or path is not there, or cannot be restored to.</exception>
    public static async Task<RestorePart> PlanAsync(BackupRepository repository, RestoreRequest request, CancellationToken cancellationToken)
    {
        List<Payload> payloads = [.. FilesOf(request)];
        ContainerAddress? elsewhere = request.Place;
        DockerClient client = await ConnectAsync(request, payloads[0], cancellationToken).ConfigureAwait(false);
        try
        {
            List<VolumePlace> places = await FindPlacesAsync(client, request, payloads, cancellationToken).ConfigureAwait(false);
            Manifest manifest = BackupRepository.RequireManifest(request.Backup);
            var key = new BackupKey(request.Backup.Source, request.Backup.Name);
            var content = repository.ContentOf(key, manifest);
            Payload? database = places.SelectMany(place => place.Databases).Select(each => each.Payload).FirstOrDefault();
            ContainerSummary[] users = await ApplicationStop.WithDependentsAsync(client, places.SelectMany(place => place.Users), cancellationToken).ConfigureAwait(false);
            return new RestorePart(
                [.. places.Select(place => new VolumeParticipant(client, elsewhere?.DockerHost, place, content, request.LockTimeout))],
                [
                    .. places.SelectMany(place => place.Databases.Select(inside => Target(place, inside.Payload, inside.Relative))
                        .Concat(place.Files is null ? [] : [Target(place, place.Files, string.Empty)])),
                ])
            {
                SafetyBackup = places.Exists(place => place.Exists),
                Revision = database is null ? null : database.SchemaRevision,
                Services = new RestoreServices(client, users),
                Owned = [client],
            };
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Connects to the engine in whose containers or volumes a payload belongs.</summary>
    /// <exception cref="BackupException">It is another engine than this machine's, and this user has not named it before; or there is no connection.</exception>
    public static async Task<DockerClient> ConnectAsync(RestoreRequest request, Payload payload, CancellationToken cancellationToken)
    {
        string? named = request.Place?.DockerHost;
        DockerLocation location = LocationOf(payload, request.Place, request.ContainerPath);
        if (named is null && DockerContexts.IsOther(location.Host) && KnownServers.ServerOf(location.ToString()) is { } engine && !KnownServers.OfUser.Knows(engine))
            throw KnownServers.Unconfirmed(engine, $"If you know it and trust it, name it: -DockerHost {location.Host}.");
        return await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(named ?? location.Host), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>True if a payload belongs into a container or volume.</summary>
    public static bool BelongsInContainer(RestoreRequest request, Payload payload) =>
        request.Destination is null && !DatabaseEngines.IsOfServer(payload) && (Names(request.Place) || DockerLocation.IsOne(payload.OriginalPath));

    /// <summary>Where a payload goes: to its origin, or to the container, volume or path that was named.</summary>
    /// <exception cref="BackupException">The path in the container is not known.</exception>
    public static DockerLocation LocationOf(Payload payload, ContainerAddress? elsewhere, string? path)
    {
        DockerLocation? origin = DockerLocation.IsOne(payload.OriginalPath) ? DockerLocation.Parse(payload.OriginalPath!) : null;
        // A path that was named is the folder's: the databases of a folder, restored without it, keep their places below.
        string below = payload.Within is { } within ? within[(within.IndexOf('/', StringComparison.Ordinal) + 1)..] : payload.RestoreName;
        if (path is not null && payload is { Kind: PayloadKind.Database, Within: not null })
            path = $"{path.TrimEnd('/')}/{below}";
        if (!Names(elsewhere))
            return origin! with { Path = path ?? origin.Path };
        bool isVolume = elsewhere is ContainerAddress.OfVolume;
        string? target = path ?? (isVolume && origin?.Volume is null ? null : origin?.Path);
        if (isVolume && payload.Kind == PayloadKind.Database)
            target ??= "/" + below;
        if (target is null && !isVolume)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"It is not known where '{payload.RestoreName}' goes in the container.", "Name the folder or file: -ContainerPath /app/data.");
        }

        return elsewhere.LocationOf(target, origin);
    }

    private static async Task<List<VolumePlace>> FindPlacesAsync(DockerClient client, RestoreRequest request, List<Payload> payloads, CancellationToken cancellationToken)
    {
        ContainerAddress? elsewhere = request.Place;
        var places = new List<VolumePlace>();
        foreach (Payload files in payloads.Where(payload => payload.Kind == PayloadKind.Files))
        {
            (Payload, string)[] inside = [.. payloads.Where(payload => FileRestorePlanner.PathWithin(files, payload) is not null).Select(payload => (payload, payload.Within![(files.RestoreName.Length + 1)..]))];
            if (inside.Length == 0 && request.Backup.Manifest!.Payloads.FirstOrDefault(payload => FileRestorePlanner.PathWithin(files, payload) is not null) is { } lost)
            {
                throw new BackupFailure(
                    ErrorCodes.TargetInvalid, FailureCategory.InvalidArgument, $"The folder '{files.OriginalPath}' contains the database '{lost.Within}', which would be lost if the folder alone were replaced.",
                    "Restore both (without -Content), or the files into another folder with -Destination.")
                { Target = files.OriginalPath };
            }

            places.Add(await VolumePlace.FindAsync(client, LocationOf(files, elsewhere, request.ContainerPath), request.StartsContainers, files, inside, cancellationToken).ConfigureAwait(false));
        }

        foreach (Payload database in payloads.Where(payload => payload.Kind == PayloadKind.Database && !places.Exists(place => place.Databases.Any(inside => inside.Payload == payload))))
            places.Add(await VolumePlace.FindAsync(client, LocationOf(database, elsewhere, request.ContainerPath), request.StartsContainers, null, [(database, string.Empty)], cancellationToken).ConfigureAwait(false));
        return places;
    }

    private static IEnumerable<Payload> FilesOf(RestoreRequest request) =>
        BackupSelection.Payloads(request.Backup, request.Content).Where(payload => !DatabaseEngines.IsOfServer(payload));

    private static bool Names([NotNullWhen(true)] ContainerAddress? place) => place is not (null or ContainerAddress.Unnamed);

    private static RestoreTarget Target(VolumePlace place, Payload payload, string relative) => new(
        payload,
        relative.Length == 0 ? place.Location.ToString() : (place.Location with { Path = $"{place.Location.Path?.TrimEnd('/')}/{relative}" }).ToString(),
        place.Exists ? RestoreAction.Replace : RestoreAction.Create,
        0);
}
