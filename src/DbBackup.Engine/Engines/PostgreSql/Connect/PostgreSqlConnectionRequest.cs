using System.Text;
using System.Text.Json.Serialization;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>The server, the database and the role that a user named; what is missing is found (see <see cref="ConnectionResolver"/>).</summary>
public sealed record PostgreSqlConnectionRequest
{
    /// <summary>The server.</summary>
    public ServerAddress Server { get; init; } = ServerAddress.Default;

    /// <summary>The port, 1 to 65535.</summary>
    public int? Port { get; init; }

    /// <summary>The database's name as it is, without quotes or escapes.</summary>
    public string? Database { get; init; }

    /// <summary>The role that connects.</summary>
    public string? Username { get; init; }

    /// <summary>The role's password; never part of <see cref="object.ToString"/>, nor of what is written to a file.</summary>
    [JsonIgnore]
    public string? Password { get; init; }

    // The record's own text would show the password.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append("Server = ").Append(Server).Append(", Port = ").Append(Port).Append(", Database = ").Append(Database)
            .Append(", Username = ").Append(Username);
        return true;
    }
}
