using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace DbBackup.Bench;

/// <summary>
/// A PostgreSQL server of the benchmark's own, whose data stays between runs. While it lives, the PG… variables of this process
/// (and so of every tool and shell started since) name it. It stops with this process, in whatever way that ends.
/// </summary>
internal sealed class BenchServer : IDisposable
{
    private const string Superuser = "postgres";
    private const int FirstPort = 6190;
    private static readonly string[] Needed = ["initdb", "postgres", "pg_dump"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // Ends the server when the other end of its standard input is gone. INT is PostgreSQL's fast shutdown.
    private const string Keeper = """
        LC_ALL=C "$1/postgres" -D "$2/data" -p "$3" >>"$2/log" 2>&1 </dev/null & server=$!
        read -r _
        kill -INT $server; wait $server
        """;

    private readonly Process _keeper;
    private readonly string _password;

    private BenchServer(Process keeper, string password, int port)
    {
        _keeper = keeper;
        _password = password;
        Port = port;
    }

    /// <summary>On the loopback address.</summary>
    public int Port { get; }

    /// <summary>The folder of initdb, pg_dump and their kin: the newest installed, or what the run was given. Null where there is none.</summary>
    public static string? Programs { get; set; } = FindPrograms();

    /// <summary>Starts the server over a folder; the first time it is made there.</summary>
    public static BenchServer Start(string folder)
    {
        string programs = Programs ?? throw new FileNotFoundException("PostgreSQL's server programs (initdb, postgres) were not found.");
        if (!Directory.Exists(Path.Combine(folder, "data")))
            Initialize(programs, folder);
        string password = File.ReadAllText(Path.Combine(folder, "password")).Trim();
        int port = FreePort();
        ProcessStartInfo start = AsServer("setsid", "sh", "-c", Keeper, "keeper", programs, folder, port.ToString(CultureInfo.InvariantCulture));
        start.RedirectStandardInput = true;
        var server = new BenchServer(Process.Start(start)!, password, port);
        try
        {
            server.Announce(programs);
            server.AwaitReady(folder);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>A connection to one of its databases; the caller closes it.</summary>
    public NpgsqlConnection Open(string database)
    {
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = IPAddress.Loopback.ToString(), Port = Port, Username = Superuser, Password = _password, Database = database, Pooling = false, CommandTimeout = 0,
        };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        connection.Open();
        return connection;
    }

    /// <summary>Runs statements, one after the other, each in a transaction of its own.</summary>
    public void Execute(string database, params ReadOnlySpan<string> statements)
    {
        using NpgsqlConnection connection = Open(database);
        foreach (string statement in statements)
        {
            using var command = new NpgsqlCommand(statement, connection);
            command.ExecuteNonQuery();
        }
    }

    /// <summary>The one value that a query gives, as text.</summary>
    public string Query(string database, string sql)
    {
        using NpgsqlConnection connection = Open(database);
        using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture) ?? string.Empty;
    }

    /// <summary>Drops a database and brings the server to rest: what one contender left in its buffers must not slow the next.</summary>
    public void Drop(string database)
    {
        Execute("postgres", $"DROP DATABASE IF EXISTS {database} WITH (FORCE)", "CHECKPOINT");
        BenchRun.Settle();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keeper.StandardInput.Close();
        _keeper.WaitForExit();
        _keeper.Dispose();
    }

    private static void Initialize(string programs, string folder)
    {
        // What an interrupted run left is made anew.
        string unfinished = folder + ".making";
        if (Directory.Exists(unfinished))
            Directory.Delete(unfinished, recursive: true);
        Directory.CreateDirectory(unfinished);
        string password = Path.Combine(unfinished, "password"), data = Path.Combine(unfinished, "data");
        using (var file = new FileStream(password, Access()))
            file.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))));
        if (ServerUser() is { } user)
            Finish(Process.Start("chown", ["-R", $"{user}:", unfinished]), "chown");
        ProcessStartInfo start = AsServer(
            Path.Combine(programs, "initdb"), "-D", data, "-U", Superuser, "--auth=scram-sha-256", $"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8");
        start.RedirectStandardOutput = true;
        Process initdb = Process.Start(start)!;
        initdb.StandardOutput.ReadToEnd();
        Finish(initdb, "initdb");
        // Beside the defaults, what a small server of today is given; fsync stays on.
        File.AppendAllText(
            Path.Combine(data, "postgresql.conf"),
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nshared_buffers = 512MB\nmax_wal_size = 4GB\n" + (HasSummaries(programs) ? "summarize_wal = on\n" : string.Empty));
        Directory.Move(unfinished, folder);
    }

    // From version 17 on (initdb 17.12), the setting that DbBackup's guide names for incremental backups.
    private static bool HasSummaries(string programs)
    {
        using Process version = Process.Start(new ProcessStartInfo(Path.Combine(programs, "initdb"), ["--version"]) { RedirectStandardOutput = true })!;
        string[] words = version.StandardOutput.ReadToEnd().Split(' ', '.');
        version.WaitForExit();
        // Behind it is the minor version, as in "initdb (PostgreSQL) 15.18".
        string? major = Array.Find(words, word => word.Length > 0 && char.IsAsciiDigit(word[0]));
        return int.TryParse(major, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 17;
    }

    private static FileStreamOptions Access()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }

    private void Announce(string programs)
    {
        // Another server's settings would be taken for this one's.
        foreach (string name in Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToList())
            Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("PGHOST", IPAddress.Loopback.ToString());
        Environment.SetEnvironmentVariable("PGPORT", Port.ToString(CultureInfo.InvariantCulture));
        Environment.SetEnvironmentVariable("PGUSER", Superuser);
        Environment.SetEnvironmentVariable("PGPASSWORD", _password);
        // The programs themselves, for all contenders: some distributions put a script before them.
        Environment.SetEnvironmentVariable("PATH", programs + Path.PathSeparator + Environment.GetEnvironmentVariable("PATH"));
    }

    private void AwaitReady(string folder)
    {
        for (long limit = Environment.TickCount64 + (long)Patience.TotalMilliseconds; ; Thread.Sleep(100))
        {
            try
            {
                Execute("postgres", "SELECT 1");
                return;
            }
            catch (NpgsqlException) when (Environment.TickCount64 < limit && !_keeper.HasExited)
            {
                // Not yet.
            }
            catch (NpgsqlException failure)
            {
                throw new InvalidOperationException($"PostgreSQL does not start; see {Path.Combine(folder, "log")}.", failure);
            }
        }
    }

    // PostgreSQL refuses root.
    private static string? ServerUser() => Environment.UserName != "root" ? null
        : File.ReadLines("/etc/passwd").Any(line => line.StartsWith("postgres:", StringComparison.Ordinal)) ? "postgres" : "nobody";

    private static ProcessStartInfo AsServer(params string[] command)
    {
        string[] whole = ServerUser() is { } user ? ["setpriv", $"--reuid={user}", $"--regid={GroupOf(user)}", "--init-groups", .. command] : command;
        return new ProcessStartInfo(whole[0], whole[1..]) { WorkingDirectory = "/" };
    }

    private static string GroupOf(string user)
    {
        using Process id = Process.Start(new ProcessStartInfo("id", ["-gn", user]) { RedirectStandardOutput = true })!;
        string group = id.StandardOutput.ReadToEnd().Trim();
        id.WaitForExit();
        return group;
    }

    private static void Finish(Process process, string name)
    {
        using (process)
        {
            process.WaitForExit();
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"{name} ended with exit code {process.ExitCode}.");
        }
    }

    private static int FreePort()
    {
        for (int port = FirstPort; ; port++)
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException) when (port < FirstPort + 9)
            {
                // Somebody else's.
            }
        }
    }

    private static string? FindPrograms()
    {
        string debian = "/usr/lib/postgresql";
        IEnumerable<string> versions = Directory.Exists(debian)
            ? Directory.EnumerateDirectories(debian).OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out int major) ? major : 0).Select(folder => Path.Combine(folder, "bin"))
            : [];
        string[] path = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator);
        return versions.Concat(path).FirstOrDefault(folder => Needed.All(name => File.Exists(Path.Combine(folder, name))));
    }
}
