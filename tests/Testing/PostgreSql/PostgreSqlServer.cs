using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DbBackup.Testing;

/// <summary>
/// A real server of the tests' own, on a free port, with a socket folder and a password of its own. It is gone, with its
/// folder, when it is disposed of or when this process ends, in whatever way.
/// </summary>
internal sealed class PostgreSqlServer : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly Lazy<PostgreSqlServer> OfAllTests = new(() => Start());
    private static readonly Dictionary<int, Lazy<PostgreSqlServer>> OtherMajors = new()
    {
        [17] = new(() => Start(new PostgreSqlOptions { Programs = PostgreSqlPrograms.OfMajor(17) })),
        [18] = new(() => Start(new PostgreSqlOptions { Programs = PostgreSqlPrograms.OfMajor(18) })),
    };

    private readonly PostgreSqlPrograms _programs;
    private readonly string _folder;
    private PostgreSqlKeeper? _keeper;

    private PostgreSqlServer(PostgreSqlPrograms programs, string folder)
    {
        _programs = programs;
        _folder = folder;
    }

    /// <summary>The one server that tests share, each with databases of its own; started when it is first asked for.</summary>
    public static PostgreSqlServer Shared => OfAllTests.Value;

    /// <summary>Always the loopback address, so that passwords are asked for as in the network.</summary>
    public string Host { get; } = "127.0.0.1";

    public int Port { get; private set; }

    /// <summary>The folder of the unix socket, which asks for the password too.</summary>
    public string SocketFolder => _folder;

    /// <summary>The superuser, whose name is postgres.</summary>
    public string User { get; } = "postgres";

    /// <summary>The superuser's password. With characters that a URI, a connection string and a password file must escape.</summary>
    public string Password { get; private init; } = "p'w; @:/\\% " + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>The folder with initdb, postgres, pg_dump and the other programs of its version.</summary>
    public string BinFolder => _programs.Folder;

    /// <summary>Its major version, as in 15.</summary>
    public int Major => int.Parse(Query("postgres", "SHOW server_version_num"), CultureInfo.InvariantCulture) / 10_000;

    public string DataFolder => Path.Join(_folder, "data");

    /// <summary>Has it been started, and not been stopped or killed since?</summary>
    public bool IsRunning { get; private set; }

    /// <summary>All that the server logged.</summary>
    public string Log
    {
        get
        {
            // The server goes on writing.
            using var log = new StreamReader(new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
            return log.ReadToEnd();
        }
    }

    private string LogFile => Path.Join(_folder, "log");

    private string StatusFile => Path.Join(DataFolder, "postmaster.pid");

    /// <summary>A shared server of another major version (17 or 18), which tests/environment/prepare.sh fetches.</summary>
    public static PostgreSqlServer OtherMajor(int major) => OtherMajors[major].Value;

    /// <summary>Starts a server for one test, which may stop, kill or fill it.</summary>
    public static PostgreSqlServer Start(PostgreSqlOptions? options = null)
    {
        options ??= new PostgreSqlOptions();
        PostgreSqlPrograms programs = options.Programs ?? PostgreSqlPrograms.Installed();
        UnprivilegedUser user = UnprivilegedUser.Find();
        var server = new PostgreSqlServer(programs, NewFolder(options.Parent));
        return server.Started(user, () => server.Initialize(user, options.Settings));
    }

    /// <summary>Starts a hot standby, which follows a server from what it has now and has its roles and passwords.</summary>
    public static PostgreSqlServer StartStandbyOf(PostgreSqlServer primary)
    {
        UnprivilegedUser user = UnprivilegedUser.Find();
        var server = new PostgreSqlServer(primary._programs, NewFolder(null)) { Password = primary.Password };
        return server.Started(user, () => server.CopyFrom(primary, user));
    }

    // A socket's whole path may have 103 bytes on macOS; a deep temporary folder would break that.
    private static string NewFolder(string? parent) => Directory.CreateDirectory(Path.Join(
        parent ?? DefaultParent(), $"dbbackup-pg-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}")).FullName;

    // In memory where there is plenty: a server of tests makes and deletes hundreds of small files with each database, which takes ext4 as long as the rest of the test.
    private static string DefaultParent()
    {
        const string memory = "/dev/shm";
        if (Directory.Exists(memory) && new DriveInfo(memory).AvailableFreeSpace > 8_000_000_000)
            return memory;
        return Path.GetTempPath().Length > 60 ? "/tmp" : Path.GetTempPath();
    }

    private PostgreSqlServer Started(UnprivilegedUser user, Action makeData)
    {
        try
        {
            makeData();
            _keeper = PostgreSqlKeeper.Start(_folder, _programs, user);
            StartOnFreePort();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>In the form of Npgsql, with the password.</summary>
    public string ConnectionString(string database) => string.Create(
        CultureInfo.InvariantCulture, $"Host={Host};Port={Port};Username={User};Password={Quoted(Password)};Database={Quoted(database)};Pooling=false");

    /// <summary>In the form of libpq's URIs, with the password.</summary>
    public string Uri(string database) => string.Create(
        CultureInfo.InvariantCulture, $"postgresql://{User}:{System.Uri.EscapeDataString(Password)}@{Host}:{Port}/{System.Uri.EscapeDataString(database)}");

    /// <summary>Makes an empty database, whose name begins as given and is unique.</summary>
    public TestDatabase CreateDatabase(string name = "test")
    {
        var database = new TestDatabase(this, $"{name}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");
        Execute("postgres", $"CREATE DATABASE {SqlName(database.Name)} TEMPLATE template0");
        return database;
    }

    /// <summary>Runs statements (or a script with psql's commands), each in a transaction of its own; the first error fails the test.</summary>
    public void Execute(string database, string sql) => Query(database, sql);

    /// <summary>Runs statements, and gives what psql prints: rows as lines, columns divided by "|".</summary>
    public string Query(string database, string sql) => Client("psql").Run(database, sql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-").TrimEnd('\n');

    /// <summary>Runs a script file.</summary>
    public void Load(string database, string sqlFile) =>
        Client("psql").Run(database, string.Empty, "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-f", sqlFile);

    /// <summary>What pg_dump writes, without what differs from dump to dump, for a comparison of before and after.</summary>
    /// <param name="database">The database.</param>
    /// <param name="options">Of pg_dump, for example --schema-only; none for everything.</param>
    public string Dump(string database, params string[] options)
    {
        string text = Client("pg_dump").Run(database, string.Empty, options);
        return string.Join('\n', text.Split('\n').Where(line =>
            !line.StartsWith(@"\restrict ", StringComparison.Ordinal) && !line.StartsWith(@"\unrestrict ", StringComparison.Ordinal)));
    }

    /// <summary>Disconnects everybody from a database.</summary>
    public void TerminateAll(string database) => Execute(
        "postgres", $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {SqlText(database)} AND pid <> pg_backend_pid()");

    /// <summary>Stops it; <see cref="StartAgain"/> brings it back on the same port.</summary>
    public void Stop(PostgreSqlStop mode = PostgreSqlStop.Fast) =>
        End(mode switch { PostgreSqlStop.Smart => "TERM", PostgreSqlStop.Fast => "INT", _ => "QUIT" });

    /// <summary>Kills all of its processes at once, as when the power fails.</summary>
    public void Kill() => End("KILL");

    /// <summary>Starts it after a stop or a kill, with the same data, port and password.</summary>
    public void StartAgain()
    {
        // What a killed server left says "ready" too.
        File.Delete(StatusFile);
        Assert.True(TryStart(), Log);
    }

    public void Dispose()
    {
        IsRunning = false;
        if (_keeper is not null)
            _keeper.Dispose();
        else if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
        _keeper = null;
    }

    /// <summary>A name as SQL writes it.</summary>
    public static string SqlName(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A text as SQL writes it.</summary>
    public static string SqlText(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static string Quoted(string value) => $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private void Initialize(UnprivilegedUser user, IReadOnlyDictionary<string, string> settings)
    {
        string passwordFile = Path.Join(_folder, "password");
        File.WriteAllText(passwordFile, Password);
        user.Own(_folder);
        var initdb = new PostgreSqlClient(user.Command(
            _programs["initdb"], "-D", DataFolder, "-U", User, "--auth=scram-sha-256", $"--pwfile={passwordFile}", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"));
        initdb.Run(string.Empty);
        File.Delete(passwordFile);
        var lines = new StringBuilder().Append(
            CultureInfo.InvariantCulture,
            $"""

            listen_addresses = '{Host}'
            unix_socket_directories = '{SocketFolder}'
            fsync = off
            max_connections = 100
            max_locks_per_transaction = 1024
            shared_buffers = 128MB

            """);
        foreach ((string name, string value) in settings)
            lines.Append(CultureInfo.InvariantCulture, $"{name} = {SqlText(value)}\n");
        File.AppendAllText(Path.Join(DataFolder, "postgresql.conf"), lines.ToString());
    }

    private void CopyFrom(PostgreSqlServer primary, UnprivilegedUser user)
    {
        user.Own(_folder);
        System.Diagnostics.ProcessStartInfo start = user.Command(
            _programs["pg_basebackup"], "-D", DataFolder, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync",
            "-h", primary.Host, "-p", primary.Port.ToString(CultureInfo.InvariantCulture), "-U", User);
        start.Environment["PGPASSWORD"] = Password;
        new PostgreSqlClient(start).Run(string.Empty);
        File.AppendAllText(Path.Join(DataFolder, "postgresql.conf"), $"unix_socket_directories = '{SocketFolder}'\n");
    }

    // Between the look for a free port and the start somebody else may have taken it.
    private void StartOnFreePort()
    {
        for (int attempt = 0; attempt < 5; attempt++)
        {
            Port = LocalPort.Free();
            File.AppendAllText(Path.Join(DataFolder, "postgresql.conf"), string.Create(CultureInfo.InvariantCulture, $"port = {Port}\n"));
            if (TryStart())
                return;
        }

        Assert.Fail($"PostgreSQL does not start: {Log}");
    }

    /// <summary>Starts it and waits until it takes connections; false when it gave up.</summary>
    private bool TryStart()
    {
        int before = File.Exists(LogFile) ? Log.Length : 0;
        Assert.NotNull(_keeper);
        _keeper.StartServer();
        bool seen = false;
        for (long limit = Environment.TickCount64 + (long)Patience.TotalMilliseconds; Environment.TickCount64 < limit; Thread.Sleep(20))
        {
            // A server that ends removes this file; its eighth line says "ready" when connections are taken.
            string[] lines = ReadStatus(StatusFile);
            if (lines.Length > 7 && lines[7].StartsWith("ready", StringComparison.Ordinal))
                return IsRunning = true;
            if (seen && lines.Length == 0)
                return false;
            seen |= lines.Length > 0 || (File.Exists(LogFile) && Log[before..].Contains("FATAL", StringComparison.Ordinal));
        }

        return false;
    }

    private static string[] ReadStatus(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (FileNotFoundException)
        {
            return [];
        }
    }

    private void End(string signal)
    {
        Assert.NotNull(_keeper);
        _keeper.End(signal);
        IsRunning = false;
    }

    private PostgreSqlClient Client(string program) => PostgreSqlClient.Of(this, _programs[program]);
}
