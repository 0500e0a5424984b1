using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Testing;

/// <summary>A pgbouncer of the test's own before a server, for all of its databases and its superuser.</summary>
internal sealed class PgBouncer : IDisposable
{
    private readonly string _folder;
    private readonly PostgreSqlServer _server;
    private Process? _process;

    private PgBouncer(PostgreSqlServer server, string folder)
    {
        _server = server;
        _folder = folder;
    }

    public int Port { get; private set; }

    /// <summary>The superuser, through the pooler.</summary>
    public PostgreSqlConnectionRequest Superuser => new() { Server = ServerAddress.Of(null, _server.Host), Port = Port, Username = _server.User, Password = _server.Password };

    /// <summary>Starts one; the test is skipped where pgbouncer is not installed.</summary>
    /// <param name="server">The server behind it.</param>
    /// <param name="mode">session, transaction or statement.</param>
    public static PgBouncer Start(PostgreSqlServer server, string mode)
    {
        string? program = new[] { "/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer" }.FirstOrDefault(File.Exists);
        Require.That(program is not null, "'pgbouncer' is not installed.");
        string folder = Path.Join(Path.GetTempPath(), $"dbbackup-bouncer-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");
        Directory.CreateDirectory(folder);
        var bouncer = new PgBouncer(server, folder) { Port = LocalPort.Free() };
        File.WriteAllText(Path.Join(folder, "users.txt"), $"\"{server.User}\" \"{server.Password.Replace("\"", "\"\"", StringComparison.Ordinal)}\"\n");
        string settings = Path.Join(folder, "pgbouncer.ini");
        File.WriteAllText(settings, string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            * = host={server.Host} port={server.Port}

            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {bouncer.Port}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {folder}/users.txt
            pool_mode = {mode}
            default_pool_size = 10

            """));
        UnprivilegedUser user = UnprivilegedUser.Find();
        user.Own(folder);
        ProcessStartInfo start = user.Command(program!, "-q", settings);
        start.RedirectStandardError = start.RedirectStandardOutput = true;
        bouncer._process = Process.Start(start)!;
        bouncer._process.ErrorDataReceived += (_, _) => { };
        bouncer._process.BeginErrorReadLine();
        Assert.True(SpinWait.SpinUntil(() => LocalPort.Answers(bouncer.Port), TimeSpan.FromSeconds(20)), "pgbouncer does not answer.");
        return bouncer;
    }

    /// <summary>In the form of Npgsql, with the password.</summary>
    public string ConnectionString(string database) => new Npgsql.NpgsqlConnectionStringBuilder(_server.ConnectionString(database)) { Port = Port }.ConnectionString;

    public void Dispose()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
