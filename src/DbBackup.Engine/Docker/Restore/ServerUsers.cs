using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>The containers that use databases of a server in a container, and are stopped while those are swapped.</summary>
/// <param name="Server">The server's container.</param>
/// <param name="Containers">The running containers.</param>
internal sealed record ServerUsers(ContainerTunnel Server, IReadOnlyList<ContainerSummary> Containers)
{
    /// <summary>Finds them by what their projects say and by the sessions that there are.</summary>
    /// <returns>Null for a server that is in no container.</returns>
    public static async Task<ServerUsers?> FindAsync(PostgreSqlSession maintenance, string[] databases, CancellationToken cancellationToken)
    {
        if (maintenance.Server.Route?.Tunnel is not ContainerTunnel server)
            return null;
        List<string> addresses = await maintenance.RowsAsync(
            "SELECT DISTINCT host(client_addr) FROM pg_stat_activity WHERE datname = ANY ($1) AND client_addr IS NOT NULL",
            row => row.GetString(0),
            "looking for sessions",
            cancellationToken,
            [databases]).ConfigureAwait(false);
        using SharedDockerClient.Lease docker = await server.UseClientAsync(cancellationToken).ConfigureAwait(false);
        return new ServerUsers(server, await ApplicationStop.UsersOfServerAsync(docker.Client, server.Container, addresses, cancellationToken).ConfigureAwait(false));
    }
}
