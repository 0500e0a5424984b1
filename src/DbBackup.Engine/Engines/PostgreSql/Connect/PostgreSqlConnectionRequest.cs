using System.Text;
using System.Text.Json.Serialization;
using DbBackup.Engine.Docker.Addressing;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>What a person said of a server and a database; every part may be missing.</summary>
public sealed record PostgreSqlConnectionRequest
{
    /// <summary>Npgsql's <c>key=value;</c> form, a <c>postgresql://</c> URI, or libpq's keyword string. May hold a password.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>A name, an address, or the absolute folder of a Unix socket.</summary>
    public string? HostName { get; init; }

    /// <summary>The port, 1 to 65535.</summary>
    public int? Port { get; init; }

    /// <summary>The database's name as it is, without quotes or escapes.</summary>
    public string? Database { get; init; }

    /// <summary>The role that connects.</summary>
    public string? Username { get; init; }

    /// <summary>The role's password; never part of <see cref="object.ToString"/>, nor of what is written to a file.</summary>
    [JsonIgnore]
    public string? Password { get; init; }

    /// <summary>The container or compose service in which the server is; null for a server with an address.</summary>
    public DockerRequest? Docker { get; init; }

    // The record's own text would show the password, and a connection string may hold one.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append("HostName = ").Append(HostName).Append(", Port = ").Append(Port).Append(", Database = ").Append(Database)
            .Append(", Username = ").Append(Username);
        return true;
    }
}
