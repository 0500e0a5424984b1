using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Discovery;

/// <summary>Looks for sources on an engine: into its containers, and into what they mount.</summary>
internal sealed class DockerSearch(DockerClient client, SourceSearchRequest request, IOperationObserver observer)
{
    private const string ServerData = "data of PostgreSQL; back up its databases instead";
    private readonly string? _host = DockerLocation.HostOf(client.Endpoint);
    private readonly HashSet<string> _serverData = new(StringComparer.Ordinal);
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <summary>The words for a database's journal.</summary>
    public static string JournalOf(FoundDatabaseFile file) => file.UsesWriteAheadLog ? "wal" : "rollback";

    /// <summary>The words for a search that ended early.</summary>
    public static string TooMuch(string place) =>
        $"'{place}' has more than {SearchLimits.Files} files or {SearchLimits.Depth} levels of folders; the rest was not looked at. A database there can be backed up by its path.";

    /// <summary>The databases of the PostgreSQL server in a container, if it has one.</summary>
    public async Task<IReadOnlyList<BackupSource>> ServersAsync(ContainerSummary container, CancellationToken cancellationToken)
    {
        FoundServer? server;
        try
        {
            server = await FoundServer.FindAsync(client, container, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Code is ErrorCodes.ContainerNotFound or ErrorCodes.DockerFailed)
        {
            observer.Verbose($"The container '{container.Name}' was skipped: {failure.Message}");
            return [];
        }

        if (server is null)
            return [];
        // Whatever kinds are asked for: that a volume is a server's is to be known.
        if (server.DataMount is { } data)
            _serverData.Add(data.Name ?? data.Source ?? string.Empty);
        if (!request.Wants(BackupSourceKind.PostgreSql) || (request.Volumes.Count > 0 && !SearchScope.Fits(request.Volumes, server.DataMount?.Name)))
            return [];
        DockerLocation location = DockerSubject.LocationOf(container, _host) with { Server = TunnelledServer.LocationKind };
        BackupSource found = Of(BackupSourceKind.PostgreSql, container.Label(ComposeLabels.Service) ?? container.Name, location, container) with
        {
            Volume = server.DataMount?.Name,
            UsedBy = [container.Name],
        };
        if (!server.Runs)
            return [found];
        try
        {
            (string version, IReadOnlyList<FoundDatabase> databases) = await server.DatabasesAsync(request.DockerHost, cancellationToken).ConfigureAwait(false);
            return [.. databases.Select(database => found with { Database = database.Name, Location = database.Location, Size = database.Size, Detail = version })];
        }
        catch (BackupException failure)
        {
            observer.Warning($"The databases of the container '{container.Name}' cannot be listed: {failure.Message} {failure.Hint}");
            return [found];
        }
    }

    /// <summary>The SQLite databases of a place, and the place itself.</summary>
    public async Task<IReadOnlyList<BackupSource>> PlaceAsync(SearchedPlace place, CancellationToken cancellationToken)
    {
        if (place.IsOfSystem)
            return [];
        try
        {
            string? here = await place.FindHereAsync(client, cancellationToken).ConfigureAwait(false);
            (IReadOnlyList<BackupSource> databases, bool holdsServer) = await DatabasesAsync(place, here, cancellationToken).ConfigureAwait(false);
            var found = new List<BackupSource>(databases);
            if (place.Volume is { } volume)
            {
                if (request.Wants(BackupSourceKind.Volume))
                    found.Add(VolumeOf(place, volume, here, holdsServer));
            }
            else if (request.Wants(BackupSourceKind.Folder) && await IsFolderAsync(place, here, cancellationToken).ConfigureAwait(false))
            {
                found.Add(FolderOf(place, here, holdsServer));
            }

            return found;
        }
        catch (BackupFailure failure) when (failure.Code is ErrorCodes.ContainerNotFound or ErrorCodes.ContainerNotRunning or ErrorCodes.DockerFailed)
        {
            observer.Verbose($"'{NameOf(place)}' was skipped: {failure.Message}");
            return [];
        }
    }

    private async Task<(IReadOnlyList<BackupSource> Databases, bool HoldsServer)> DatabasesAsync(SearchedPlace place, string? here, CancellationToken cancellationToken)
    {
        bool holdsServer = _serverData.Contains(place.Volume?.Name ?? place.Source);
        if (holdsServer || !request.Wants(BackupSourceKind.Sqlite))
            return ([], holdsServer || (here is not null && File.Exists(Path.Join(here, SearchLimits.PostgreSqlMark))));
        var files = new Dictionary<string, (FoundDatabaseFile File, string? Here, PlaceUser? User)>(StringComparer.Ordinal);
        bool tooMuch = false;
        bool complete = false;
        if (here is not null)
        {
            var search = new HostFileSearch(here);
            foreach (FoundDatabaseFile file in search.Find(cancellationToken))
                files[file.Relative] = (file, here + file.Relative, place.Users.Count > 0 ? place.Users[0] : null);
            (complete, tooMuch, holdsServer) = (search.IsComplete, search.ReachedLimit, search.HoldsPostgreSql);
        }

        if (!complete)
        {
            ContainerFileSearch.Result? inside = null;
            PlaceUser? user = null;
            foreach (PlaceUser candidate in place.Users.Where(each => each.Container.State == "running"))
            {
                user = candidate;
                var host = new ContainerHost(client, await client.ContainerInspectAsync(user.Container.Id, cancellationToken).ConfigureAwait(false));
                if ((inside = await ContainerFileSearch.FindAsync(host, user.Mount.Destination, cancellationToken).ConfigureAwait(false)) is not null)
                    break;
            }

            if (inside is null)
                observer.Verbose($"{NameOf(place)} was not searched for SQLite databases: this user cannot read it here, and no running container that uses it has a shell.");
            foreach (FoundDatabaseFile file in inside?.Files ?? [])
                files.TryAdd(file.Relative, (file, null, user));
            tooMuch |= inside?.ReachedLimit == true;
            holdsServer |= inside?.HoldsPostgreSql == true;
        }

        if (tooMuch)
            observer.Warning(TooMuch(NameOf(place)));
        return ([.. files.Values.Where(each => each.User?.IsCovered(each.File.Relative) != true)
            .OrderBy(each => each.File.Relative, StringComparer.Ordinal).Select(each => SqliteOf(place, each.File, each.Here, each.User)).OfType<BackupSource>()], holdsServer);
    }

    // A folder may be mounted twice, once within another: the file is one all the same.
    private BackupSource? SqliteOf(SearchedPlace place, FoundDatabaseFile file, string? here, PlaceUser? user)
    {
        string path = user is null ? file.Relative : user.Mount.Destination.TrimEnd('/') + file.Relative;
        if (!_seen.Add(place.Source.TrimEnd('/') + file.Relative))
            return null;
        DockerLocation location = user is null ? new DockerLocation { Host = _host, Volume = place.Volume!.Name } : DockerSubject.LocationOf(user.Container, _host);
        return Of(BackupSourceKind.Sqlite, LastName(path), location with { Path = path }, user?.Container) with
        {
            Volume = place.Volume?.Name,
            ContainerPath = path,
            Path = here,
            Detail = JournalOf(file),
            Size = file.Size,
            UsedBy = place.UsedBy,
        };
    }

    private BackupSource VolumeOf(SearchedPlace place, VolumeModel volume, string? here, bool holdsServer) =>
        Of(BackupSourceKind.Volume, volume.Name, new DockerLocation { Host = _host, Volume = volume.Name }, place.Users.Count > 0 ? place.Users[0].Container : null) with
        {
            ComposeProject = volume.Labels?.GetValueOrDefault(ComposeLabels.Project) ?? place.Users.Select(user => user.Container.Label(ComposeLabels.Project)).FirstOrDefault(),
            Volume = volume.Name,
            ContainerPath = place.Users.Count > 0 ? place.Users[0].Mount.Destination : null,
            Path = here,
            Detail = holdsServer ? $"{volume.Driver}; {ServerData}" : volume.Driver,
            UsedBy = place.UsedBy,
        };

    private BackupSource FolderOf(SearchedPlace place, string? here, bool holdsServer)
    {
        PlaceUser user = place.Users[0];
        return Of(BackupSourceKind.Folder, LastName(place.Source), DockerSubject.LocationOf(user.Container, _host) with { Path = user.Mount.Destination }, user.Container) with
        {
            ContainerPath = user.Mount.Destination,
            Path = here,
            Detail = holdsServer ? ServerData : null,
            UsedBy = place.UsedBy,
        };
    }

    private BackupSource Of(BackupSourceKind kind, string name, DockerLocation location, ContainerSummary? container) => new()
    {
        Kind = kind,
        Name = name,
        Location = location.ToString(),
        DockerHost = request.DockerHost,
        Container = container?.Name,
        State = container?.State,
        ComposeProject = container?.Label(ComposeLabels.Project),
        Service = container?.Label(ComposeLabels.Service),
    };

    private async Task<bool> IsFolderAsync(SearchedPlace place, string? here, CancellationToken cancellationToken) => here is not null
        ? Directory.Exists(here)
        : await client.ContainerArchiveInfoAsync(place.Users[0].Container.Id, place.Users[0].Mount.Destination, cancellationToken).ConfigureAwait(false) is { IsDirectory: true };

    private static string NameOf(SearchedPlace place) => place.Volume?.Name ?? place.Source;

    // A folder of a Windows host is written as it is there.
    private static string LastName(string path) => path.TrimEnd('/', '\\') is { Length: > 0 } trimmed ? trimmed[(trimmed.LastIndexOfAny(['/', '\\']) + 1)..] : path;
}
