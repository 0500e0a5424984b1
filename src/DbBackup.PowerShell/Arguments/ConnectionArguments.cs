using System.Management.Automation;
using System.Net;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.PowerShell.Arguments;

/// <summary>Makes one request of the parameters by which people name a server and who connects.</summary>
internal static class ConnectionArguments
{
    public static PostgreSqlConnectionRequest ToRequest(
        string? connectionString, string? hostName = null, int? port = null, string? username = null, PSCredential? credential = null, string? database = null, ContainerAddress? place = null, bool starts = false)
    {
        NetworkCredential? login = credential?.GetNetworkCredential();
        DockerLocation? container = DockerLocation.IsOne(connectionString) ? DockerLocation.Parse(connectionString!) : null;
        return new PostgreSqlConnectionRequest
        {
            Server = (place ?? (container is null ? null : ContainerAddress.At(container))) is { } address
                ? new ServerAddress.Through(new ContainerServerAddress(address) { Starts = starts })
                : ServerAddress.Of(connectionString, hostName),
            Port = port,
            Database = database ?? container?.Database,
            // GetNetworkCredential takes a backslash for a Windows domain; a role's name is one piece.
            Username = string.IsNullOrEmpty(username) ? credential?.UserName : username,
            Password = login?.Password is { Length: > 0 } password ? password : null,
        };
    }
}
