using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Tunnel;

/// <summary>A server in a container.</summary>
/// <param name="Container">The container or compose service.</param>
/// <param name="Database">One of its databases; null if none is named.</param>
public sealed record ContainerServerAddress(ContainerAddress Container, string? Database = null) : ITunnelAddress
{
    /// <inheritdoc/>
    public bool NamesPlace => Container is ContainerAddress.OfContainer or ContainerAddress.OfService;

    /// <inheritdoc/>
    public bool NamesEngine => Container.DockerHost is not null;

    /// <inheritdoc/>
    public bool NamesOtherEngine => DockerContexts.IsOther(Container.DockerHost);

    /// <inheritdoc/>
    public bool Starts { get; init; }

    /// <summary>The address in a location; null if it is none of a container's server.</summary>
    public static ContainerServerAddress? TryParse(string? location)
    {
        if (!DockerLocation.IsOne(location))
            return null;
        DockerLocation origin = DockerLocation.Parse(location!);
        return origin is { Volume: null, Path: null } ? new ContainerServerAddress(ContainerAddress.At(origin), origin.Database) { Origin = origin } : null;
    }

    /// <summary>The location that it was parsed from; null for an address that the user named.</summary>
    internal DockerLocation? Origin { get; init; }

    /// <inheritdoc/>
    public ITunnelAddress CompleteFrom(ITunnelAddress origin) => origin is ContainerServerAddress { Origin: { } location }
        // A volume is where files go.
        ? this with { Container = Container is ContainerAddress.OfVolume ? ContainerAddress.At(location, Container.DockerHost) : Container.CompleteFrom(location) }
        : this;

    async Task<ITunnel> ITunnelAddress.FindAsync(CancellationToken cancellationToken) => await FindAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>Finds the container, which runs or is started.</summary>
    internal async Task<ContainerTunnel> FindAsync(CancellationToken cancellationToken)
    {
        using DockerSubject subject = await DockerSubject.FindAsync(Container, cancellationToken, create: Starts).ConfigureAwait(false);
        if (Starts)
            await subject.StartAsync(cancellationToken).ConfigureAwait(false);
        subject.RequireRunning();
        return new ContainerTunnel(subject.Client.Endpoint, subject.Container, subject.Location);
    }
}
