using System.Globalization;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Tunnel;

/// <summary>
/// The PostgreSQL server in a container, without a published port and without programs here: the driver's bytes go through a program that
/// runs in the container, and pg_dump is the container's own.
/// </summary>
internal sealed class ContainerServer : IServerRoute
{
    private const string Loopback = "127.0.0.1";

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
    private static readonly TimeSpan s_longestStart = TimeSpan.FromMinutes(2);
    private readonly ContainerHost _host;
    private readonly DockerLocation _location;
    private readonly int _port;
    private IReadOnlyList<string>? _relay;
    private string? _toolHost;

    private ContainerServer(ContainerHost host, DockerLocation location, int port)
    {
        _host = host;
        _location = location;
        _port = port;
    }

    public string Description => $"the server in {_host.Description}";

    public string Name => _location.Project is not null ? $"{_location.Project}_{_location.Service}" : _location.Container!;

    public bool IsOfThisMachine => _location.Host is null;

    public IProgramHost Programs => _host;

    /// <summary>The container.</summary>
    public ContainerHost Host => _host;

    /// <summary>Where the container is found again.</summary>
    public DockerLocation Subject => _location;

    /// <summary>Finds the server in a container, with the credentials that the container itself was given.</summary>
    /// <param name="docker">The container or service.</param>
    /// <param name="request">What a person said of role, password, port and database; it comes first.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">There is no such container, or it does not run.</exception>
    public static async Task<PostgreSqlConnectionSettings> ResolveAsync(DockerRequest docker, PostgreSqlConnectionRequest request, CancellationToken cancellationToken)
    {
        // Not disposed here: the settings are used for as long as the command runs, and an idle connection closes itself.
        DockerSubject subject = await DockerSubject.FindAsync(docker, cancellationToken).ConfigureAwait(false);
        if (docker.Start)
            await subject.StartAsync(cancellationToken).ConfigureAwait(false);
        subject.RequireRunning();
        ContainerInspect container = subject.Container;
        if (!docker.Start)
            await RequireServerAsync(subject, cancellationToken).ConfigureAwait(false);
        var host = new ContainerHost(subject.Client, container);
        ContainerCredentials own = await ContainerCredentials.ReadAsync(host, cancellationToken).ConfigureAwait(false);
        string username = request.Username ?? own.Username;
        int port = request.Port ?? own.Port;
        var route = new ContainerServer(host, subject.Location, port);
        var settings = new PostgreSqlConnectionSettings
        {
            Host = Loopback,
            Port = port,
            Username = username,
            Password = request.Password ?? (username == own.Username ? own.Password : null),
            Database = request.Database ?? own.Database,
            SslMode = "disable",
            Route = route,
        };
        if (docker.Start)
            await WaitUntilReadyAsync(settings, container, cancellationToken).ConfigureAwait(false);
        return settings;
    }

    // The first start of an image makes the data directory, with a server of its own in between that only listens within.
    private static async Task WaitUntilReadyAsync(PostgreSqlConnectionSettings settings, ContainerInspect container, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using PostgreSqlSession session = await PostgreSqlSession.OpenMaintenanceAsync(settings, settings.Database, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (BackupException failure) when (failure.Code == ErrorCodes.ServerUnreachable && IsYoung(container))
            {
                await Task.Delay(500, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsYoung(ContainerInspect container) =>
        DateTimeOffset.TryParse(container.State.StartedAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset started) && DateTimeOffset.UtcNow - started < s_longestStart;

    // Whatever the image is called: a server is a process of its name.
    private static async Task RequireServerAsync(DockerSubject subject, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> processes = await subject.Client.ContainerTopAsync(subject.Container.Id, cancellationToken).ConfigureAwait(false);
        if (processes.Any(command => command.Contains("postgres", StringComparison.Ordinal) || command.Contains("postmaster", StringComparison.Ordinal)))
            return;
        throw new BackupFailure(
            ErrorCodes.ServerUnreachable,
            FailureCategory.NotFound,
            $"No PostgreSQL server runs in the container '{subject.Container.ShortName}'.",
            "If it still starts, try again in a moment; if its data are files, name them with -ContainerPath, or a volume with -Volume.")
        { Target = subject.Container.ShortName, CanRetry = true };
    }

    public string ToolHost => _toolHost ?? Loopback;

    public async Task FindToolHostAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        if (_toolHost is not null)
            return;
        // Only superusers see the rules.
        const string Looking = "looking for the server's socket";
        bool canSeeRules = session.ServerMajor >= FirstMajorWithRules
            && await session.IsTrueAsync("SELECT current_setting('is_superuser') = 'on'", Looking, cancellationToken).ConfigureAwait(false);
        string? folder = canSeeRules ? await session.TextAsync(SocketOpenToPasswords, Looking, cancellationToken).ConfigureAwait(false) : null;
        _toolHost = folder is ['/', ..] ? folder : Loopback;
    }

    public string LocationOf(string? database) => (_location with { IsServer = true, Database = database }).ToString();

    public async Task<IServerRelay> OpenRelayAsync(CancellationToken cancellationToken)
    {
        _relay ??= await ContainerRelay.FindProgramAsync(_host, _port, cancellationToken).ConfigureAwait(false) ?? throw new BackupFailure(
            ErrorCodes.ToolMissing,
            FailureCategory.MissingTool,
            $"The {_host.Description} has none of the programs that lead a connection to its server: bash, perl, python3, socat, nc.",
            "Use an image that has one (the official postgres images do), or publish the server's port and name it with -HostName.")
        { Target = _host.Container.ShortName };
        return ContainerRelay.Open(_host, _relay);
    }

    public async Task<long?> AvailableBytesAsync(string dataFolder, CancellationToken cancellationToken)
    {
        (int exitCode, string output, _) = await _host.CaptureAsync("df", ["-Pk", dataFolder], cancellationToken).ConfigureAwait(false);
        // POSIX: file system, blocks in all, used, available, capacity, mounted on.
        string[] fields = output.Split('\n').Skip(1).FirstOrDefault()?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return exitCode == 0 && fields.Length >= 6 && long.TryParse(fields[^3], NumberStyles.None, CultureInfo.InvariantCulture, out long kilobytes) ? kilobytes * 1024 : null;
    }
}
