using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Tunnel;

/// <summary>A server in a container.</summary>
/// <param name="Container">The container or compose service.</param>
/// <param name="Database">One of its databases; null if none is named.</param>
public sealed record ContainerServerAddress(DockerRequest Container, string? Database = null) : ITunnelAddress
{
    /// <inheritdoc/>
    public bool NamesPlace => Container.NamesSubject;

    /// <inheritdoc/>
    public bool Starts => Container.Start;

    /// <summary>The address in a location; null if it is none of a container's server.</summary>
    public static ContainerServerAddress? TryParse(string? location)
    {
        if (!DockerLocation.IsOne(location))
            return null;
        DockerLocation origin = DockerLocation.Parse(location!);
        return origin is { Volume: null, Path: null } ? new ContainerServerAddress(DockerRequest.For(origin), origin.Database) { Origin = origin } : null;
    }

    /// <summary>The location that it was parsed from; null for an address that the user named.</summary>
    internal DockerLocation? Origin { get; init; }

    /// <inheritdoc/>
    public ITunnelAddress CompleteFrom(ITunnelAddress origin) => origin is ContainerServerAddress { Origin: { } location }
        ? this with { Container = DockerRequest.Complete(Container, location) }
        : this;

    async Task<ITunnel> ITunnelAddress.FindAsync(CancellationToken cancellationToken) => await FindAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>Finds the container, which runs or is started.</summary>
    internal async Task<ContainerTunnel> FindAsync(CancellationToken cancellationToken)
    {
        using DockerSubject subject = await DockerSubject.FindAsync(Container, cancellationToken).ConfigureAwait(false);
        if (Starts)
            await subject.StartAsync(cancellationToken).ConfigureAwait(false);
        subject.RequireRunning();
        return new ContainerTunnel(subject.Client.Endpoint, subject.Container, subject.Location);
    }
}
