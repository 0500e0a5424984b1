using System.Globalization;
using System.Text;
using DbBackup.Engine.Tunnels;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

// The name under which a database is known: where it is, without who connects.
public sealed partial record PostgreSqlConnectionSettings
{
    /// <summary>
    /// Where a database is, without user and password: <c>postgresql://host:5432/db</c>, or of a socket
    /// <c>postgresql:///db?host=/var/run/postgresql&amp;port=5432</c>. Names are percent-encoded.
    /// </summary>
    /// <param name="database">The database; null for the server alone.</param>
    public string LocationOf(string? database)
    {
        if (Route is not null)
            return Route.LocationOf(database);
        string port = Port.ToString(CultureInfo.InvariantCulture);
        string path = database is null ? string.Empty : "/" + Encode(database);
        if (!IsSocket)
            return $"postgresql://{(Host.Contains(':', StringComparison.Ordinal) ? "[" + Encode(Host, ":") + "]" : Encode(Host))}:{port}{path}";
        return $"postgresql://{(path.Length == 0 ? "/" : path)}?host={Encode(Host, "/:@")}&port={port}";
    }

    /// <summary>The parts of what <see cref="LocationOf"/> made.</summary>
    /// <exception cref="BackupFailure">The text is no such location (<see cref="ErrorCodes.InvalidArgument"/>).</exception>
    public static PostgreSqlConnectionRequest FromLocation(string location)
    {
        ArgumentNullException.ThrowIfNull(location);
        if (!ConnectionUri.IsOne(location))
            throw ConnectionFailures.Invalid("The location is not one of a PostgreSQL database.", "A location reads postgresql://host:5432/database.");
        var parts = ConnectionUri.Parse(location);
        return new PostgreSqlConnectionRequest
        {
            Server = ServerAddress.Of(null, parts.Value("host")),
            Port = parts.Value("port") is { } port ? ConnectionResolver.ParsePort(port, "The location") : null,
            Database = parts.Value("dbname"),
            Username = parts.Value("user"),
            Password = parts.Value("password"),
        };
    }

    /// <summary>The database of a location; null where it is that of a server.</summary>
    internal static string? DatabaseOf(string location) =>
        TunnelAddresses.Parse(location) is { } place ? place.Database : FromLocation(location).Database;

    // RFC 3986's unreserved signs and the given ones stay; all else becomes its UTF-8 bytes.
    private static string Encode(string text, string alsoPlain = "")
    {
        var encoded = new StringBuilder();
        foreach (byte sign in Encoding.UTF8.GetBytes(text))
        {
            if (char.IsAsciiLetterOrDigit((char)sign) || "-._~".Contains((char)sign, StringComparison.Ordinal) || alsoPlain.Contains((char)sign, StringComparison.Ordinal))
                encoded.Append((char)sign);
            else
                encoded.Append(CultureInfo.InvariantCulture, $"%{sign:X2}");
        }

        return encoded.ToString();
    }
}
