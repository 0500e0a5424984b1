using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Discovery;

/// <summary>A container with a PostgreSQL server.</summary>
/// <param name="Container">The container.</param>
/// <param name="DataFolder">Where the server keeps its data.</param>
/// <param name="Runs">True if the server runs.</param>
internal sealed record FoundServer(ContainerSummary Container, string DataFolder, bool Runs)
{
    // Of the official image up to 17 and from 18 on, and of Bitnami's.
    private static readonly string[] s_dataFolders = ["/var/lib/postgresql", "/bitnami/postgresql"];

    /// <summary>The mount of the data; null where they are in the container's own file system.</summary>
    public MountPoint? DataMount => (Container.Mounts ?? []).Where(mount => ContainerPaths.IsWithin(DataFolder, mount.Destination) || ContainerPaths.IsWithin(mount.Destination, DataFolder))
        .MaxBy(mount => mount.Destination.Length);

    /// <summary>Looks whether a server is in a container: among its processes where it runs, by its image where it does not.</summary>
    public static async Task<FoundServer?> FindAsync(DockerClient client, ContainerSummary container, CancellationToken cancellationToken)
    {
        bool runs = container.State == "running";
        bool? hasProcess = runs ? await HasProcessAsync(client, container.Id, cancellationToken).ConfigureAwait(false) : null;
        if (hasProcess == false)
            return null;
        ContainerInspect inspect = await client.ContainerInspectAsync(container.Id, cancellationToken).ConfigureAwait(false);
        string? mounted = container.Mounts?.Select(mount => mount.Destination).FirstOrDefault(path => s_dataFolders.Any(folder => ContainerPaths.IsWithin(path, folder)));
        string? named = inspect.Variable("PGDATA") is { Length: > 0 } variable ? variable : null;
        if (hasProcess is null && named is null && mounted is null && inspect.Variable("PG_MAJOR") is null)
            return null;
        return new FoundServer(container, named ?? mounted ?? s_dataFolders[0], runs);
    }

    /// <summary>True if one of a container's commands is a server's.</summary>
    internal static bool IsServer(string command)
    {
        string program = command.Split(' ', 2)[0];
        return program[(program.LastIndexOf('/') + 1)..] is "postgres" or "postmaster" or "postgres:";
    }

    /// <summary>The databases, with their sizes in bytes and the server's version.</summary>
    /// <exception cref="BackupException">The server does not answer, or refuses the role.</exception>
    public async Task<(string Version, IReadOnlyList<FoundDatabase> Databases)> DatabasesAsync(string? dockerHost, CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings settings = await TunnelledServer.ResolveAsync(
            new ContainerServerAddress(new ContainerAddress.OfContainer(Container.Id) { DockerHost = dockerHost }), new PostgreSqlConnectionRequest(), cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession session = await PostgreSqlSession.OpenMaintenanceAsync(settings, settings.Database, cancellationToken).ConfigureAwait(false);
        var databases = new List<FoundDatabase>();
        foreach (string name in await PostgreSqlTarget.DatabasesAsync(session, cancellationToken).ConfigureAwait(false))
        {
            long? size = (await PostgreSqlTarget.FindAsync(session, name, cancellationToken).ConfigureAwait(false))?.Size;
            // Of a database that the role may not enter the size is not told.
            databases.Add(new FoundDatabase(name, settings.LocationOf(name), size > 0 ? size : null));
        }

        return (session.ServerVersion, databases);
    }

    // Null where the engine cannot tell: some have no list of processes.
    private static async Task<bool?> HasProcessAsync(DockerClient client, string container, CancellationToken cancellationToken)
    {
        try
        {
            return (await client.ContainerTopAsync(container, cancellationToken).ConfigureAwait(false)).Any(IsServer);
        }
        catch (BackupFailure failure) when (failure.Code is ErrorCodes.DockerFailed or ErrorCodes.ContainerNotRunning)
        {
            return null;
        }
    }
}

/// <summary>A database of a server.</summary>
internal sealed record FoundDatabase(string Name, string Location, long? Size);
