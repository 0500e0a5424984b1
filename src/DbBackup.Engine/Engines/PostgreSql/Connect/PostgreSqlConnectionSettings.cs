using System.Net;
using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Where a server is and who connects: resolved once, the same for the driver and for PostgreSQL's own programs.</summary>
public sealed partial record PostgreSqlConnectionSettings
{
    /// <summary>How long a connection may take to open, in seconds, where nothing else is said.</summary>
    public const int DefaultConnectTimeoutSeconds = 15;

    /// <summary>A name, an address without brackets, or the absolute folder of a Unix socket.</summary>
    public required string Host { get; init; }

    /// <summary>The port; of a socket it is part of the file's name.</summary>
    public int Port { get; init; } = 5432;

    /// <summary>The role that connects.</summary>
    public required string Username { get; init; }

    /// <summary>The role's password; null where none was given or found.</summary>
    public string? Password { get; init; }

    /// <summary>The database that was named; null where none was.</summary>
    public string? Database { get; init; }

    /// <summary>libpq's word: disable, allow, prefer, require, verify-ca or verify-full. Null means prefer.</summary>
    public string? SslMode { get; init; }

    /// <summary>The file of the authorities that a server's certificate is checked with, or <c>system</c>.</summary>
    public string? SslRootCert { get; init; }

    /// <summary>The file of the client's certificate.</summary>
    public string? SslCert { get; init; }

    /// <summary>The file of the client certificate's key.</summary>
    public string? SslKey { get; init; }

    /// <summary>libpq's word: disable, prefer or require; null where nothing was said.</summary>
    public string? ChannelBinding { get; init; }

    /// <summary>Options of the server's session, as PGOPTIONS has them.</summary>
    public string? Options { get; init; }

    /// <summary>How long a connection may take to open, in seconds; 0 is without end.</summary>
    public int ConnectTimeoutSeconds { get; init; } = DefaultConnectTimeoutSeconds;

    /// <summary>What the user should know of how the settings were found, such as a password file that was ignored.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>True if the server is on this machine: behind a Unix socket or a loopback name or address.</summary>
    public bool IsLocal => Route is null && (IsSocket
        || Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || Host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address)));

    /// <summary>True if <see cref="LocationOf"/> means something else on another machine.</summary>
    public bool IsOfThisMachine => Route?.IsOfThisMachine ?? IsLocal;

    /// <summary>True if <see cref="Host"/> is a Unix socket's folder (or Linux's abstract name) and no name or address.</summary>
    public bool IsSocket => IsSocketHost(Host);

    /// <summary>
    /// True if the password is used only where the server proves that it knows it too (SCRAM), and is sent in no other way: nobody but a
    /// backup named this server.
    /// </summary>
    internal bool ProvesPasswordAlone { get; init; }

    /// <summary>The way to a server in a container, whose address <see cref="Host"/> holds only there; null for one that is reached directly.</summary>
    internal TunnelledServer? Route { get; init; }

    /// <summary>Where a password that was not given is looked for.</summary>
    internal PasswordFile? Passwords { get; init; }

    /// <summary>Works out the settings: what was said first, then the connection string, service file, environment, password file and defaults.</summary>
    /// <exception cref="BackupFailure">A part cannot be used (<see cref="ErrorCodes.InvalidArgument"/>); the message holds no secret.</exception>
    public static PostgreSqlConnectionSettings Resolve(PostgreSqlConnectionRequest request, PostgreSqlEnvironment? environment = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new ConnectionResolver(environment ?? PostgreSqlEnvironment.OfProcess).Resolve(request);
    }

    /// <summary>The same server for another database, whose password may be another one in the password file.</summary>
    public PostgreSqlConnectionSettings ForDatabase(string database)
    {
        ArgumentException.ThrowIfNullOrEmpty(database);
        return this with
        {
            Database = database,
            // A password that somebody put in since (after asking for it) is not the file's and stays.
            Password = Passwords is not null && Password == Passwords.Find(Host, Port, Database ?? Username, Username)
                ? Passwords.Find(Host, Port, database, Username)
                : Password,
        };
    }

    /// <summary>The location and the user; never the password.</summary>
    public override string ToString() => $"{LocationOf(Database)} as {Username}";

    internal static bool IsSocketHost(string host) =>
        host.StartsWith('/') || host.StartsWith('@') || (host.Length > 2 && char.IsAsciiLetter(host[0]) && host[1] == ':' && (host[2] is '\\' or '/'));

    // ToString needs it not; it is here so that no generated text can hold the password.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append(LocationOf(Database));
        return true;
    }
}
