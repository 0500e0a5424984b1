using System.IO.Enumeration;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Addressing;

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
    /// <param name="address">A container or a service.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <param name="create">True to create a project that has no containers yet from its files.</param>
    /// <exception cref="BackupException">The engine does not answer, or there is no such container.</exception>
    public static async Task<DockerSubject> FindAsync(ContainerAddress address, CancellationToken cancellationToken, bool create = false)
    {
        DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(address.DockerHost), cancellationToken).ConfigureAwait(false);
        try
        {
            string? host = DockerLocation.HostOf(client.Endpoint);
            if (address is ContainerAddress.OfContainer named)
            {
                ContainerInspect container = await InspectAsync(client, named.Name, cancellationToken).ConfigureAwait(false);
                // A container of a service is that service's: it may be named otherwise tomorrow.
                return new DockerSubject(client, container, LocationOf(container, host));
            }

            if (address is not ContainerAddress.OfService service)
                throw new InvalidOperationException("The address names no container.");
            ComposeProject project = await FindProjectAsync(client, service.Project, create, cancellationToken).ConfigureAwait(false);
            ContainerSummary chosen = project.Choose(service.Service);
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

    /// <summary>Inspects a container, named by its name or ID, by a wildcard that fits one running container, or by its Swarm service.</summary>
    /// <exception cref="BackupException">There is none, or more than one.</exception>
    public static async Task<ContainerInspect> InspectAsync(DockerClient client, string name, CancellationToken cancellationToken)
    {
        bool isPattern = name.AsSpan().IndexOfAny('*', '?') >= 0;
        if (!isPattern && await client.ContainerFindAsync(name, cancellationToken).ConfigureAwait(false) is { } found)
            return found;
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(all: true, null, cancellationToken).ConfigureAwait(false);
        ContainerSummary[] fitting = [.. all.Where(container => isPattern ? FileSystemName.MatchesSimpleExpression(name, container.Name, ignoreCase: false) : container.Label(ComposeLabels.SwarmService) == name)];
        // Tasks that have ended stay for a while.
        ContainerSummary[] running = [.. fitting.Where(container => container.State == "running")];
        return (running.Length > 0 ? running : fitting) switch
        {
            [var only] => await client.ContainerInspectAsync(only.Id, cancellationToken).ConfigureAwait(false),
            // The engine's own words.
            [] => await client.ContainerInspectAsync(name, cancellationToken).ConfigureAwait(false),
            var several => throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{name}' is more than one container of the engine at '{client.Endpoint}'.", $"Name one with -Container: {string.Join(", ", several.Select(container => container.Name).Order(StringComparer.Ordinal).Take(10))}.")
            { Target = name },
        };
    }

    /// <summary>Finds a project; one that has nothing yet is created of the files in its folder, where that is wanted.</summary>
    public static async Task<ComposeProject> FindProjectAsync(DockerClient client, string nameOrFolder, bool create, CancellationToken cancellationToken)
    {
        try
        {
            return await ComposeProject.FindAsync(client, nameOrFolder, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure missing) when (create && missing.Code == ErrorCodes.ContainerNotFound && ComposeProject.FolderOf(nameOrFolder) is { } folder)
        {
            ComposeCommand compose = await ComposeCommand.FindAsync(folder, ComposeProject.FilesOf(nameOrFolder), null, client.Endpoint, cancellationToken, ComposeReference.Parse(nameOrFolder).Name).ConfigureAwait(false);
            await compose.CreateAsync(cancellationToken).ConfigureAwait(false);
            return await ComposeProject.FindAsync(client, nameOrFolder, cancellationToken).ConfigureAwait(false);
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
            : new DockerLocation { Host = host, Container = container.Label(ComposeLabels.SwarmService) ?? container.ShortName };

    /// <summary>The same, of a container in a list.</summary>
    public static DockerLocation LocationOf(ContainerSummary container, string? host) =>
        container.Label(ComposeLabels.Project) is { } project && container.Label(ComposeLabels.Service) is { } service && container.Label(ComposeLabels.OneOff) != "True"
            ? new DockerLocation { Host = host, Project = project, Service = service }
            : new DockerLocation { Host = host, Container = container.Label(ComposeLabels.SwarmService) ?? container.Name };

    /// <summary>Fails where the container does not run.</summary>
    public void RequireRunning()
    {
        if (Container.State is { Running: true, Paused: false, Restarting: false })
            return;
        throw DockerFailures.NotRunning(Container.ShortName, Container.State.Status);
    }

    public void Dispose() => Client.Dispose();
}
