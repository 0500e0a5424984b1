using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>What a person said of a container, a compose service or a volume.</summary>
public sealed record DockerRequest
{
    /// <summary>The engine: an address or the name of a docker context; null for what the environment says.</summary>
    public string? DockerHost { get; init; }

    /// <summary>A container's name or id.</summary>
    public string? Container { get; init; }

    /// <summary>A compose project's name, or the folder of its files.</summary>
    public string? ComposeProject { get; init; }

    /// <summary>A service of it.</summary>
    public string? Service { get; init; }

    /// <summary>A volume's name.</summary>
    public string? Volume { get; init; }

    /// <summary>
    /// Whether what is there but off is started, and what compose's files describe is created: for a restore, which needs it.
    /// </summary>
    public bool Start { get; init; }

    /// <summary>Whether it names a container, service or volume.</summary>
    public bool NamesSubject => Container is not null || ComposeProject is not null || Volume is not null;

    /// <summary>What a person said, completed by where something came from.</summary>
    /// <param name="said">What was said; null for nothing.</param>
    /// <param name="origin">Where it came from.</param>
    public static DockerRequest Complete(DockerRequest? said, DockerLocation origin)
    {
        ArgumentNullException.ThrowIfNull(origin);
        if (said is null)
            return For(origin);
        if (said.NamesSubject)
            return said with { Service = said.Service ?? (said.ComposeProject is null ? null : origin.Service) };
        return For(origin, said.DockerHost) with { Service = said.Service ?? origin.Service, Start = said.Start };
    }

    /// <summary>The request that finds a location again.</summary>
    /// <param name="location">The location.</param>
    /// <param name="dockerHost">Another engine than the location's; null for its own.</param>
    public static DockerRequest For(DockerLocation location, string? dockerHost = null)
    {
        ArgumentNullException.ThrowIfNull(location);
        return new DockerRequest { DockerHost = dockerHost ?? location.Host, Container = location.Container, ComposeProject = location.Project, Service = location.Service, Volume = location.Volume };
    }
}

/// <summary>A container that was found on an engine, and the name under which it is found again.</summary>
internal sealed class DockerSubject : IDisposable
{
    private DockerSubject(DockerClient client, ContainerInspect container, DockerLocation location)
    {
        Client = client;
        Container = container;
        Location = location;
    }

    /// <summary>The engine; closed with this object.</summary>
    public DockerClient Client { get; }

    /// <summary>The container as it was when it was found.</summary>
    public ContainerInspect Container { get; private set; }

    /// <summary>Where it is found again, without a path or database.</summary>
    public DockerLocation Location { get; }

    /// <summary>Finds a container.</summary>
    /// <exception cref="BackupException">The engine does not answer, or there is no such container.</exception>
    public static async Task<DockerSubject> FindAsync(DockerRequest request, CancellationToken cancellationToken)
    {
        DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(request.DockerHost), cancellationToken).ConfigureAwait(false);
        try
        {
            string? host = DockerLocation.HostOf(client.Endpoint);
            if (request.Container is { } named)
            {
                ContainerInspect container = await client.ContainerInspectAsync(named, cancellationToken).ConfigureAwait(false);
                // A container of a service is that service's: it may be named otherwise tomorrow.
                return new DockerSubject(client, container, LocationOf(container, host));
            }

            ComposeProject project = await FindProjectAsync(client, request, cancellationToken).ConfigureAwait(false);
            ContainerSummary chosen = project.Choose(request.Service);
            return new DockerSubject(
                client,
                await client.ContainerInspectAsync(chosen.Id, cancellationToken).ConfigureAwait(false),
                new DockerLocation { Host = host, Project = project.Name, Service = chosen.Label(ComposeLabels.Service) });
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Finds a project; one that has nothing yet is created of the files in its folder, where that is wanted.</summary>
    public static async Task<ComposeProject> FindProjectAsync(DockerClient client, DockerRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await ComposeProject.FindAsync(client, request.ComposeProject!, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure missing) when (request.Start && missing.Code == ErrorCodes.ContainerNotFound && ComposeProject.FolderOf(request.ComposeProject!) is { } folder)
        {
            ComposeCommand compose = await ComposeCommand.FindAsync(folder, null, client.Endpoint, cancellationToken).ConfigureAwait(false);
            await compose.CreateAsync(cancellationToken).ConfigureAwait(false);
            return await ComposeProject.FindAsync(client, request.ComposeProject!, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The same container, running.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (Container.State.Running)
            return;
        await Client.ContainerStartAsync(Container.Id, cancellationToken).ConfigureAwait(false);
        Container = await Client.ContainerInspectAsync(Container.Id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Where a container is found again.</summary>
    public static DockerLocation LocationOf(ContainerInspect container, string? host) =>
        container.Label(ComposeLabels.Project) is { } project && container.Label(ComposeLabels.Service) is { } service && container.Label(ComposeLabels.OneOff) != "True"
            ? new DockerLocation { Host = host, Project = project, Service = service }
            : new DockerLocation { Host = host, Container = container.ShortName };

    /// <summary>The same, of a container in a list.</summary>
    public static DockerLocation LocationOf(ContainerSummary container, string? host) =>
        container.Label(ComposeLabels.Project) is { } project && container.Label(ComposeLabels.Service) is { } service && container.Label(ComposeLabels.OneOff) != "True"
            ? new DockerLocation { Host = host, Project = project, Service = service }
            : new DockerLocation { Host = host, Container = container.Name };

    /// <summary>Fails where the container does not run.</summary>
    public void RequireRunning()
    {
        if (Container.State is { Running: true, Paused: false, Restarting: false })
            return;
        throw DockerFailures.NotRunning(Container.ShortName, Container.State.Status);
    }

    public void Dispose() => Client.Dispose();
}
