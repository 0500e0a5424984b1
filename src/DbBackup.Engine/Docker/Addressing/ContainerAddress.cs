using System.Text.Json.Serialization;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>Names a container, a compose service or a volume of a Docker Engine: exactly one of the ways to say it.</summary>
[JsonDerivedType(typeof(Unnamed), "unnamed")]
[JsonDerivedType(typeof(OfContainer), "container")]
[JsonDerivedType(typeof(OfService), "service")]
[JsonDerivedType(typeof(OfVolume), "volume")]
public abstract record ContainerAddress
{
    private ContainerAddress()
    {
    }

    /// <summary>The Docker Engine: an address or the name of a docker context; null for the one from which something came, or else the environment's.</summary>
    public string? DockerHost { get; init; }

    /// <summary>Returns the address of what was named.</summary>
    /// <param name="dockerHost">The Docker Engine.</param>
    /// <param name="container">A container's name or id.</param>
    /// <param name="project">A compose project's name, or the folder of its files.</param>
    /// <param name="service">A service of it.</param>
    /// <param name="volume">A volume's name; with a project also the name in the project's file.</param>
    /// <exception cref="BackupFailure">A container and a project are named (<see cref="ErrorCodes.InvalidArgument"/>).</exception>
    public static ContainerAddress Of(string? dockerHost, string? container = null, string? project = null, string? service = null, string? volume = null) => (container, project, volume) switch
    {
        ({ } one, { } other, _) => throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The container '{one}' and the compose project '{other}' cannot both be named.", "Omit -Container or -ComposeProject."),
        (_, _, not null) => new OfVolume(volume, project) { DockerHost = dockerHost },
        (not null, _, _) => new OfContainer(container) { DockerHost = dockerHost },
        (_, not null, _) => new OfService(project, service) { DockerHost = dockerHost },
        _ => new Unnamed(service) { DockerHost = dockerHost },
    };

    /// <summary>True if a compose project is named by its folder or file: a project's name has neither separators nor dots.</summary>
    public static bool IsProjectPath(string nameOrPath) => ComposeProject.IsPath(nameOrPath);

    /// <summary>Returns the address that finds a location again.</summary>
    /// <param name="location">The location.</param>
    /// <param name="dockerHost">Another engine than the location's; null for its own.</param>
    public static ContainerAddress At(DockerLocation location, string? dockerHost = null)
    {
        ArgumentNullException.ThrowIfNull(location);
        return Of(dockerHost ?? location.Host, location.Container, location.Project, location.Service, location.Volume);
    }

    /// <summary>Completes this address by the location from which something came.</summary>
    public ContainerAddress CompleteFrom(DockerLocation origin)
    {
        ArgumentNullException.ThrowIfNull(origin);
        return this switch
        {
            OfService service => service with { Service = service.Service ?? origin.Service },
            Unnamed unnamed => At(origin, DockerHost) is OfService service ? service with { Service = unnamed.Service ?? service.Service } : At(origin, DockerHost),
            _ => this,
        };
    }

    /// <summary>Returns the location of this address; a service that it does not name is the origin's.</summary>
    internal DockerLocation LocationOf(string? path, DockerLocation? origin = null)
    {
        string? host = DockerHost is null ? null : DockerLocation.HostOf(DockerContexts.OfUser.Resolve(DockerHost));
        return this switch
        {
            OfContainer container => new DockerLocation { Host = host, Container = container.Name, Path = path },
            OfService service => new DockerLocation { Host = host, Project = service.Project, Service = service.Service ?? origin?.Service, Path = path },
            OfVolume volume => new DockerLocation { Host = host, Volume = volume.Name, Path = path },
            _ => throw new InvalidOperationException("The address names no place."),
        };
    }

    /// <summary>Nothing is named but perhaps the engine: the place from which something came.</summary>
    /// <param name="Service">Another service of the same project; null for the same.</param>
    public sealed record Unnamed(string? Service = null) : ContainerAddress;

    /// <summary>A container.</summary>
    /// <param name="Name">Its name or id.</param>
    public sealed record OfContainer(string Name) : ContainerAddress;

    /// <summary>A service of a compose project.</summary>
    /// <param name="Project">The project's name, or the folder of its files.</param>
    /// <param name="Service">The service; null for the project's only one.</param>
    public sealed record OfService(string Project, string? Service = null) : ContainerAddress;

    /// <summary>A volume.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Project">The project in whose file the name may stand; null for the volume's own name.</param>
    public sealed record OfVolume(string Name, string? Project = null) : ContainerAddress;
}
