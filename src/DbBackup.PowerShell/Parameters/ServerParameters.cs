using System.Management.Automation;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.PowerShell.Arguments;

namespace DbBackup.PowerShell.Parameters;

/// <summary>A database server, and who connects.</summary>
internal sealed class ServerParameters
{
    /// <summary>The server, and who connects.</summary>
    [ValidateNotNullOrEmpty]
    public string? ConnectionString { get; set; }

    /// <summary>The server.</summary>
    [ValidateNotNullOrEmpty]
    [Alias("Host")]
    public string? HostName { get; set; }

    /// <summary>Its port.</summary>
    [ValidateRange(1, 65535)]
    public int? Port { get; set; }

    /// <summary>The role that connects.</summary>
    [ValidateNotNullOrEmpty]
    public string? Username { get; set; }

    /// <summary>The role and its password.</summary>
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>True if the server itself is named.</summary>
    public bool NamesServer => ConnectionString is not null || HostName is not null;

    /// <summary>Returns the connection that is meant.</summary>
    /// <param name="database">The database; null for that of the connection string.</param>
    /// <param name="place">The server's container; null for a server outside containers.</param>
    /// <param name="starts">True to start a stopped container.</param>
    public PostgreSqlConnectionRequest ToRequest(string? database = null, ContainerAddress? place = null, bool starts = false) =>
        ConnectionArguments.ToRequest(ConnectionString, HostName, Port, Username, Credential, database, place, starts);
}
