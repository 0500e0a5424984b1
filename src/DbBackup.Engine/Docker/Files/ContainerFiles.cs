using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Files;

/// <summary>What is asked for with the files of a container or volume.</summary>
public sealed record ContainerFilesRequest
{
    /// <summary>The container, service or volume.</summary>
    public required ContainerAddress Subject { get; init; }

    /// <summary>The absolute path of a folder or file in the container, or in the volume; null for the whole volume.</summary>
    public string? Path { get; init; }

    /// <summary>What is asked of the application meanwhile.</summary>
    public Consistency Consistency { get; init; }

    /// <summary>How long to wait for a database's lock.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>True if an empty folder, or a database without any table, is accepted.</summary>
    public bool AllowEmpty { get; init; }

    /// <summary>Patterns of what is left out.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>True if the bytes come through the engine though they could be read on this machine.</summary>
    internal bool ForceEngine { get; init; }
}

/// <summary>Finds out how the files of a container or volume can be backed up.</summary>
internal static class ContainerFiles
{
    /// <summary>Finds the files, those who use them, and the best way to their bytes.</summary>
    /// <exception cref="BackupException">There is no such container, volume or path, or it cannot be a source.</exception>
    public static async Task<ContainerFilesPlan> ResolveAsync(ContainerFilesRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        string? path = request.Path is null ? null : Normalize(request.Path, request.Subject is ContainerAddress.OfVolume);
        return request.Subject is ContainerAddress.OfVolume volume
            ? await ResolveVolumeAsync(request, volume, path, cancellationToken).ConfigureAwait(false)
            : await ResolveContainerAsync(request, path, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The pause that several plans need together; null if none needs one.</summary>
    public static IApplicationPause? PauseFor(IReadOnlyList<ContainerFilesPlan> plans)
    {
        ArgumentNullException.ThrowIfNull(plans);
        ContainerFilesPlan? first = plans.FirstOrDefault(plan => plan.Mode is not null);
        return first is null ? null : new ContainerPause(
            first.Client.Endpoint, [.. plans.SelectMany(plan => plan.Pausing).Select(container => container.Id).Distinct(StringComparer.Ordinal)], first.Mode!.Value);
    }

    /// <summary>A path with one slash between its parts and none at its end; null for a volume's own root.</summary>
    internal static string? Normalize(string path, bool isOfVolume)
    {
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path.Length > 0 && (isOfVolume || path[0] == '/') && !parts.Contains("..") && !path.Contains('\0', StringComparison.Ordinal) && (isOfVolume || parts.Length > 0))
        {
            parts = [.. parts.Where(part => part != ".")];
            if (parts.Length > 0)
                return "/" + string.Join('/', parts);
            if (isOfVolume)
                return null;
        }

        throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            path.Length > 0 && path.Trim('/', '.').Length == 0 ? "The whole file system of a container is no source." : $"'{path}' is no absolute path in a container.",
            "Name the folder or file in which the application keeps its data, as in -ContainerPath /app/data.")
        { Target = path };
    }

    private static async Task<ContainerFilesPlan> ResolveContainerAsync(ContainerFilesRequest request, string? path, CancellationToken cancellationToken)
    {
        DockerSubject subject = await DockerSubject.FindAsync(request.Subject, cancellationToken).ConfigureAwait(false);
        try
        {
            if (path is null)
            {
                throw new BackupFailure(
                    ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"No path in the {subject.Location.Subject} was named.",
                    "Name the folder or file in which the application keeps its data, as in -ContainerPath /app/data.")
                { Target = subject.Location.ToString() };
            }

            DockerLocation location = subject.Location with { Path = path };
            MountedPath place = await MountedPath.FindAsync(subject.Client, subject.Container, location, cancellationToken).ConfigureAwait(false);
            string name = path[(path.LastIndexOf('/') + 1)..];
            string? host = request.ForceEngine ? null : await HostPath.OfAsync(subject.Client, place, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<ContainerUse> users = await ContainerUsers.OfPathAsync(subject.Client, subject.Container.Id, place.Path, cancellationToken).ConfigureAwait(false);
            ContainerHost? running = subject.Container.State is { Running: true, Paused: false, Restarting: false } ? new ContainerHost(subject.Client, subject.Container) : null;
            return Plan(
                request,
                new FilesLayout(location, name, place.IsFolder, request.AllowEmpty) { Exclude = request.Exclude },
                $"{location.Service ?? location.Container}_{name}",
                place.Mount is { Type: "volume", Name: { } volume } ? AliasesOf(location, volume, place.Relative, users) : [],
                users, host, new ArchiveOrigin(subject.Client, subject.Container.Id, place.Path), running, null, subject.Client);
        }
        catch
        {
            subject.Dispose();
            throw;
        }
    }

    // With a compose project, the name may be the one of the project's own file.
    private static async Task<string> FullNameAsync(DockerClient client, string composeProject, string name, CancellationToken cancellationToken)
    {
        IReadOnlyList<VolumeModel> volumes = await client.VolumeListAsync(cancellationToken).ConfigureAwait(false);
        ComposeProject project = await ComposeProject.FindAsync(client, composeProject, cancellationToken).ConfigureAwait(false);
        return volumes.FirstOrDefault(volume =>
            volume.Labels?.GetValueOrDefault(ComposeLabels.Project) == project.Name && volume.Labels.GetValueOrDefault(ComposeLabels.Volume) == name)?.Name ?? name;
    }

    private static async Task<ContainerFilesPlan> ResolveVolumeAsync(ContainerFilesRequest request, ContainerAddress.OfVolume given, string? path, CancellationToken cancellationToken)
    {
        DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(request.Subject.DockerHost), cancellationToken).ConfigureAwait(false);
        TemporaryContainer? temporary = null;
        try
        {
            string name = given.Project is { } project ? await FullNameAsync(client, project, given.Name, cancellationToken).ConfigureAwait(false) : given.Name;
            VolumeModel volume = await client.VolumeInspectAsync(name, cancellationToken).ConfigureAwait(false);
            var location = new DockerLocation { Host = DockerLocation.HostOf(client.Endpoint), Volume = name, Path = path };
            IReadOnlyList<ContainerUse> users = await ContainerUsers.OfVolumeAsync(client, name, cancellationToken).ConfigureAwait(false);
            bool isMounted = volume.Options is not { Count: > 0 } || users.Any(user => user.Container.State is "running" or "paused");
            string? host = request.ForceEngine || !isMounted ? null : await HostPath.OfVolumeAsync(client, volume, path, cancellationToken).ConfigureAwait(false);
            string rootName = path is null ? name : path[(path.LastIndexOf('/') + 1)..];
            string defaultName = path is null ? name : $"{name}_{rootName}";
            if (host is not null)
                return Plan(request, new FilesLayout(location, rootName, Presence.IsFolder(host), request.AllowEmpty) { Exclude = request.Exclude }, defaultName, AliasesOf(location, name, path ?? string.Empty, users), users, host, null, null, null, client);

            // A container that mounts something within the volume's folder would show that in its place.
            ContainerSummary? user = users.Select(each => each.Container).OrderByDescending(each => each.State == "running").FirstOrDefault(each => MountedPath.ShowsWhole(each, name));
            if (user is null)
                temporary = await TemporaryContainer.CreateAsync(client, name, cancellationToken).ConfigureAwait(false);
            ContainerInspect via = await client.ContainerInspectAsync(temporary?.Id ?? user!.Id, cancellationToken).ConfigureAwait(false);
            string root = via.Mounts!.First(each => each.Name == name).Destination;
            MountedPath place = await MountedPath.FindAsync(client, via, location with { Path = root.TrimEnd('/') + path }, cancellationToken).ConfigureAwait(false);
            ContainerHost? running = user?.State == "running" ? new ContainerHost(client, via) : null;
            return Plan(
                request, new FilesLayout(location, rootName, place.IsFolder, request.AllowEmpty) { Exclude = request.Exclude }, defaultName, AliasesOf(location, name, path ?? string.Empty, users), users, null, new ArchiveOrigin(client, via.Id, place.Path), running, temporary, client);
        }
        catch
        {
            if (temporary is not null)
                await temporary.DisposeAsync().ConfigureAwait(false);
            client.Dispose();
            throw;
        }
    }

    // A volume, and the path at which a container mounts it, are the same files.
    private static IReadOnlyList<SourceAlias> AliasesOf(DockerLocation own, string volume, string relative, IReadOnlyList<ContainerUse> users)
    {
        var all = new List<(string Name, DockerLocation Location)>
        {
            (relative.Length == 0 ? volume : $"{volume}_{LastOf(relative)}", new DockerLocation { Host = own.Host, Volume = volume, Path = relative.Length == 0 ? null : relative }),
        };
        foreach (ContainerSummary user in users.Select(use => use.Container))
        {
            DockerLocation location = DockerSubject.LocationOf(user, own.Host);
            all.AddRange((user.Mounts ?? []).Where(mount => mount.Name == volume).Select(mount => mount.Destination.TrimEnd('/') + relative).Where(path => path.Length > 0)
                .Select(path => ($"{location.Service ?? location.Container}_{LastOf(path)}", location with { Path = path })));
        }

        return [.. all.Where(alias => alias.Location != own).Select(alias => new SourceAlias(alias.Name, alias.Location.ToString())).Distinct()];
    }

    private static string LastOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    private static ContainerFilesPlan Plan(
        ContainerFilesRequest request,
        FilesLayout layout,
        string defaultName,
        IReadOnlyList<SourceAlias> aliases,
        IReadOnlyList<ContainerUse> users,
        string? host,
        ArchiveOrigin? origin,
        ContainerHost? running,
        TemporaryContainer? temporary,
        DockerClient client)
    {
        bool live = request.Consistency == Consistency.Live;
        // A stopped container stays stopped, and a paused one needs no pause.
        PausedContainer[] pausing = live ? [] : [.. users.Where(user => user.Disturbs).Select(user => new PausedContainer(user.Container.Id, user.Container.Name))];
        bool runsOn = live && users.Any(user => user.Disturbs);
        bool isPaused = pausing.Length > 0 || (!runsOn && users.Any(user => user.Container.State == "paused"));
        return new ContainerFilesPlan(client, temporary)
        {
            Sources = [host is not null
                ? new HostFilesSource(host, layout, isPaused, pausing.Length > 0, request.LockTimeout) { DefaultName = defaultName, Aliases = aliases }
                : new DockerFilesSource(origin!, layout, runsOn, pausing.Length > 0, running, request.LockTimeout) { DefaultName = defaultName, Aliases = aliases }],
            Pausing = pausing,
            Mode = pausing.Length == 0 ? null : request.Consistency == Consistency.Stop ? PauseMode.Stopped : PauseMode.Paused,
            Location = layout.Location,
            IsThroughEngine = host is null,
        };
    }
}
