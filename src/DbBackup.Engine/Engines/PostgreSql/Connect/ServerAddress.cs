using System.Text;
using System.Text.Json.Serialization;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Where a server is: exactly one of the ways to say it.</summary>
[JsonDerivedType(typeof(Unnamed), "unnamed")]
[JsonDerivedType(typeof(AtHost), "host")]
[JsonDerivedType(typeof(OfText), "text")]
public abstract record ServerAddress
{
    private ServerAddress()
    {
    }

    /// <summary>No server is named: the one from which a backup came, or else the one of the environment.</summary>
    public static ServerAddress Default { get; } = new Unnamed();

    /// <summary>The address of a host and a connection string, each of which may be missing.</summary>
    public static ServerAddress Of(string? connectionString, string? hostName = null) => (connectionString, hostName) switch
    {
        ({ Length: > 0 }, _) => new OfText(connectionString, string.IsNullOrEmpty(hostName) ? null : hostName),
        (_, { Length: > 0 }) => new AtHost(hostName),
        _ => Default,
    };

    /// <summary>The server from which a backup came, or else the one of the environment.</summary>
    public sealed record Unnamed : ServerAddress;

    /// <summary>A server of the network or of this machine.</summary>
    /// <param name="HostName">A name, an address, or the absolute folder of a Unix socket.</param>
    public sealed record AtHost(string HostName) : ServerAddress;

    /// <summary>A server by its connection string.</summary>
    /// <param name="ConnectionString">Npgsql's <c>key=value;</c> form, a <c>postgresql://</c> URI, or libpq's keyword string. May hold a password.</param>
    /// <param name="HostName">Another host than the string's; null for its own.</param>
    public sealed record OfText(string ConnectionString, string? HostName) : ServerAddress
    {
        /// <inheritdoc/>
        // The text of a record would show a password.
        protected override bool PrintMembers(StringBuilder builder)
        {
            builder.Append("HostName = ").Append(HostName);
            return true;
        }
    }

    /// <summary>A server in a place that is reached through a tunnel.</summary>
    /// <param name="Place">The place.</param>
    public sealed record Through(ITunnelAddress Place) : ServerAddress;
}
