using System.Globalization;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>
/// A server behind a tunnel, without a published port and without programs here: the driver's bytes go through the tunnel, and pg_dump is the
/// place's own.
/// </summary>
/// <param name="tunnel">The way to its place.</param>
/// <param name="listening">Where it listens there.</param>
internal sealed class TunnelledServer(ITunnel tunnel, ListeningAddress listening)
{
    /// <summary>The kind under which locations name it.</summary>
    public const string LocationKind = "postgresql";

    /// <summary>The port in the socket's name, which libpq and Npgsql make of <see cref="PostgreSqlConnectionSettings.Port"/>.</summary>
    public const int SocketPort = 5432;

    // The socket is for the programs if its rules ask for no more than a connection to the loopback does: "peer" would ask for the operating
    // system's user. https://www.postgresql.org/docs/current/view-pg-hba-file-rules.html
    private const string SocketOpenToPasswords = """
        SELECT CASE WHEN current_setting('unix_socket_permissions') LIKE '%777'
                AND bool_and(auth_method IN ('trust', 'password', 'md5', 'scram-sha-256')) FILTER (WHERE type = 'local')
                AND bool_and(error IS NULL)
            THEN trim(split_part(current_setting('unix_socket_directories'), ',', 1)) END
        FROM pg_hba_file_rules
        """;
    private const int FirstMajorWithRules = 10;
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromMinutes(2);
    private string? _toolHost;

    /// <summary>The way to its place.</summary>
    public ITunnel Tunnel => tunnel;

    /// <summary>The words for the server in a sentence, as in <c>the server in container 'shop-db-1'</c>.</summary>
    public string Description => $"the server in {tunnel.Description}";

    /// <summary>A short name for the server: that of its service or container.</summary>
    public string Name => tunnel.Name;

    /// <summary>True if the same location means something else on another machine.</summary>
    public bool IsOfThisMachine => tunnel.IsOfThisMachine;

    /// <summary>The host for the programs beside the server: a name, or the folder of its Unix socket.</summary>
    public string ToolHost => _toolHost ?? listening.Host;

    /// <summary>Finds the server in a place, with the credentials that the place itself was given.</summary>
    /// <param name="place">The place.</param>
    /// <param name="request">The role, password, port and database that the user named; they come first.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">There is no such place, or no server runs in it.</exception>
    public static async Task<PostgreSqlConnectionSettings> ResolveAsync(ITunnelAddress place, PostgreSqlConnectionRequest request, CancellationToken cancellationToken)
    {
        ITunnel tunnel = await place.FindAsync(cancellationToken).ConfigureAwait(false);
        IReadOnlyList<string> processes = await tunnel.ProcessesAsync(cancellationToken).ConfigureAwait(false);
        if (!place.Starts)
            RequireServer(tunnel, processes);
        ContainerCredentials own = await ContainerCredentials.ReadAsync(tunnel, cancellationToken).ConfigureAwait(false);
        string username = request.Username ?? own.Username;
        ListeningAddress? told = await ListeningAddress.FindAsync(tunnel, processes, cancellationToken).ConfigureAwait(false);
        // A port that the user names may be that of another server there.
        ListeningAddress listening = told is not null && (request.Port ?? told.Port) == told.Port ? told : new ListeningAddress(ListeningAddress.Loopback, request.Port ?? own.Port);
        var settings = new PostgreSqlConnectionSettings
        {
            Host = ListeningAddress.Loopback,
            Port = listening.Port,
            Username = username,
            Password = request.Password ?? (username == own.Username ? own.Password : null),
            Database = request.Database ?? own.Database,
            SslMode = "disable",
            Route = new TunnelledServer(tunnel, listening),
        };
        return place.Starts ? await WaitUntilReadyAsync(settings, tunnel, request.Port, cancellationToken).ConfigureAwait(false) : settings;
    }

    /// <summary>Finds the fastest way from the programs to the server that lets them in as this session was let in.</summary>
    public async Task FindToolHostAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        if (_toolHost is not null)
            return;
        // Only superusers see the rules.
        const string Looking = "looking for the server's socket";
        bool canSeeRules = session.ServerMajor >= FirstMajorWithRules
            && await session.IsTrueAsync("SELECT current_setting('is_superuser') = 'on'", Looking, cancellationToken).ConfigureAwait(false);
        string? folder = canSeeRules ? await session.TextAsync(SocketOpenToPasswords, Looking, cancellationToken).ConfigureAwait(false) : null;
        _toolHost = folder is ['/', ..] ? folder : listening.Host;
    }

    /// <summary>The location of a database; see <see cref="PostgreSqlConnectionSettings.LocationOf"/>.</summary>
    public string LocationOf(string? database) => tunnel.LocationOf(LocationKind, database);

    /// <summary>Opens a way for the driver: a Unix socket that leads to the server until it is disposed.</summary>
    /// <exception cref="BackupException">There is no way, with the reason.</exception>
    public Task<ITunnelEnd> OpenAsync(CancellationToken cancellationToken) =>
        tunnel.OpenAsync(listening.Address, listening.Port, ".s.PGSQL." + SocketPort.ToString(CultureInfo.InvariantCulture), cancellationToken);

    // The first start of an image makes the data directory, with a server of its own in between that only listens within.
    private static async Task<PostgreSqlConnectionSettings> WaitUntilReadyAsync(PostgreSqlConnectionSettings settings, ITunnel tunnel, int? port, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using PostgreSqlSession session = await PostgreSqlSession.OpenMaintenanceAsync(settings, settings.Database, cancellationToken).ConfigureAwait(false);
                return settings;
            }
            catch (BackupException failure) when (failure.Code == ErrorCodes.ServerUnreachable && DateTimeOffset.UtcNow - tunnel.Started < s_startTimeout)
            {
                await Task.Delay(500, cancellationToken).ConfigureAwait(false);
                // Where it listens is known once it does.
                IReadOnlyList<string> processes = await tunnel.ProcessesAsync(cancellationToken).ConfigureAwait(false);
                if (port is null && await ListeningAddress.FindAsync(tunnel, processes, cancellationToken).ConfigureAwait(false) is { } told)
                    settings = settings with { Port = told.Port, Route = new TunnelledServer(tunnel, told) };
            }
        }
    }

    // Whatever the image is called: a server is a process of its name.
    private static void RequireServer(ITunnel tunnel, IReadOnlyList<string> processes)
    {
        if (processes.Any(command => command.Contains("postgres", StringComparison.Ordinal) || command.Contains("postmaster", StringComparison.Ordinal)))
            return;
        throw new BackupFailure(
            ErrorCodes.ServerUnreachable,
            FailureCategory.NotFound,
            $"No PostgreSQL server runs in the {tunnel.Description}.",
            "If it is still starting, try again in a moment. Files and SQLite databases there are backed up with New-DbBackup -ContainerPath or -Volume; such a backup also tells the schema revision (Get-DbBackup | Get-DbSchemaRevision). Find-DbBackupSource shows what there is.")
        { Target = tunnel.Name, CanRetry = true };
    }
}
