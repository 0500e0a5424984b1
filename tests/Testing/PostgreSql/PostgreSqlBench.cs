using System.Globalization;
using System.Security.Cryptography;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;

namespace DbBackup.Testing;

/// <summary>A repository beside a database of a real server, and the engine's operations with what tests usually want.</summary>
internal sealed class PostgreSqlBench : IDisposable
{
    private readonly Workbench _bench;
    private readonly List<string> _roles = [];

    public PostgreSqlBench(PostgreSqlServer server, string name = "app", string? repository = null)
    {
        Server = server;
        Database = server.CreateDatabase(name);
        _bench = new Workbench(repository);
    }

    public PostgreSqlServer Server { get; }

    public TestDatabase Database { get; }

    public Workbench Files => _bench;

    public RecordingObserver Observer => _bench.Observer;

    /// <summary>The superuser with their password.</summary>
    public PostgreSqlConnectionRequest Superuser => new() { Server = ServerAddress.Of(null, Server.Host), Port = Server.Port, Username = Server.User, Password = Server.Password };

    /// <summary>A database small enough to be looked at and with something in it that a restore must give back.</summary>
    /// <param name="rows">How many notes.</param>
    /// <param name="owner">The role that owns all of it, and the database; null for the superuser.</param>
    public void CreateNotes(int rows = 100, string? owner = null) => Database.Execute(
        (owner is null ? string.Empty : $"ALTER DATABASE {PostgreSqlServer.SqlName(Database.Name)} OWNER TO {owner}; SET ROLE {owner};") +
        $"""
        CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
        INSERT INTO alembic_version VALUES ('aaaa');
        CREATE TABLE authors (id serial PRIMARY KEY, name text NOT NULL);
        INSERT INTO authors (name) SELECT 'author ' || i FROM generate_series(1, 10) i;
        CREATE TABLE notes (id serial PRIMARY KEY, author integer REFERENCES authors, body text);
        INSERT INTO notes (author, body) SELECT 1 + i % 10, 'note ' || i FROM generate_series(1, {rows}) i;
        """);

    /// <summary>A table whose dump has so many megabytes, though it takes hardly any room on the disk: its values compress well.</summary>
    public void AddLargeDump(int megabytes) => Database.Execute(
        $"CREATE TABLE large (id integer PRIMARY KEY, body text); INSERT INTO large SELECT i, repeat(md5(i::text), 3200) FROM generate_series(1, {megabytes} * 10) i;");

    /// <summary>What a newer version of the application leaves behind: a table, a foreign key to an old one, other rows.</summary>
    public void Migrate(string? owner = null) => Database.Execute(
        (owner is null ? string.Empty : $"SET ROLE {owner};") +
        """
        CREATE TABLE comments (id serial PRIMARY KEY, note integer REFERENCES notes, body text);
        INSERT INTO comments (note, body) SELECT id, 'comment' FROM notes;
        ALTER TABLE authors ADD COLUMN email text DEFAULT 'none';
        UPDATE notes SET body = 'changed';
        UPDATE alembic_version SET version_num = 'bbbb';
        """);

    /// <summary>A role of this test, with a password of its own.</summary>
    public PostgreSqlConnectionRequest CreateRole(string name, string attributes = "", string grants = "")
    {
        string role = $"{name}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        string password = "secret " + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        Server.Execute("postgres", $"CREATE ROLE {role} LOGIN PASSWORD '{password}' {attributes}");
        _roles.Add(role);
        if (grants.Length > 0)
            Database.Execute(grants.Replace("ROLE", role, StringComparison.Ordinal));
        return Superuser with { Username = role, Password = password };
    }

    /// <summary>The server's address and password for another process.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["PGHOST"] = Server.Host,
        ["PGPORT"] = Server.Port.ToString(CultureInfo.InvariantCulture),
        ["PGUSER"] = Server.User,
        ["PGPASSWORD"] = Server.Password,
    };

    /// <summary>The same, with the programs of other major versions on the path, beside the distribution's.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentWith(params int[] clients) => new Dictionary<string, string>(Environment)
    {
        ["PATH"] = string.Join(Path.PathSeparator, [.. clients.Select(client => PostgreSqlPrograms.OfMajor(client).Folder), System.Environment.GetEnvironmentVariable("PATH")]),
    };

    /// <summary>The only backup of the repository, made by another process that finds those clients too.</summary>
    public async Task<Backup> BackUpWithAsync(int[] clients, string format = "Custom", params string[] more)
    {
        (int exit, string output) = OtherProcess.Run(EnvironmentWith(clients), OtherProcess.Command(["pgbackup", Database.Name, Files.RepositoryPath, format, "0", .. more]));
        Assert.True(exit == 0, output);
        return Assert.Single(await Files.ListAsync());
    }

    public static PostgreSqlConnectionSettings Resolve(PostgreSqlConnectionRequest connection) => PostgreSqlConnectionSettings.Resolve(connection);

    public PostgreSqlSource Source(PostgreSqlDumpOptions? options = null, PostgreSqlConnectionRequest? connection = null, string? database = null) =>
        new(PostgreSqlConnectionSettings.Resolve(connection ?? Superuser), database ?? Database.Name, options ?? new PostgreSqlDumpOptions());

    public Task<Backup> BackUpAsync(PostgreSqlDumpOptions? options = null, FingerprintLevel fingerprint = FingerprintLevel.Content, string? compression = null) =>
        _bench.BackUpAsync(new BackupRequest { Sources = [Source(options)], Fingerprint = fingerprint, Compression = compression });

    /// <summary>The same backup, with a manifest that says something else.</summary>
    public static Backup Claiming(Backup backup, Func<Manifest, Manifest> claim) =>
        new(claim(backup.Manifest!), backup.Source, backup.Name, backup.Repository, backup.Location, backup.Tests);

    /// <summary>A backup that must fail, and leave nothing.</summary>
    public async Task<BackupException> BackupFailsAsync(PostgreSqlDumpOptions? options = null, PostgreSqlConnectionRequest? connection = null, string? database = null)
    {
        BackupException failure = await _bench.BackupFailsAsync(Source(options, connection, database));
        AssertSound(failure);
        if (Server.IsRunning)
            AssertNothingLeftOnServer();
        return failure;
    }

    public Task<BackupTestResult> TestAsync(Backup backup, BackupTestLevel level = BackupTestLevel.Restore, PostgreSqlConnectionRequest? server = null, params string[] assertions) =>
        TestAsync(backup, new BackupTestOptions { Level = level, TestServer = server, Assertions = assertions });

    public Task<BackupTestResult> TestAsync(Backup backup, BackupTestOptions options) =>
        new BackupVerifier(_bench.Repository).TestAsync(backup, options with { TestServer = options.TestServer ?? Superuser }, Observer, CancellationToken.None);

    public RestoreRequest Request(Backup backup) => new() { Backup = backup, Connection = Superuser, NewName = backup.Manifest?.Kept is null ? Database.Name : null };

    public Task<RestoreResult> RestoreAsync(Backup backup) => RestoreAsync(Request(backup));

    public async Task<RestoreResult> RestoreAsync(RestoreRequest request, CancellationToken cancellationToken = default)
    {
        PreparedRestore prepared = await PreparedRestore.PrepareAsync(_bench.Repository, request, changeNothing: false, Observer, cancellationToken);
        return await prepared.RunAsync(Observer, cancellationToken);
    }

    /// <summary>A restore that must fail, and leave the database and the repository as they were.</summary>
    public async Task<BackupException> RestoreFailsAsync(RestoreRequest request, Action? beforeLooking = null)
    {
        string before = Database.Dump();
        IReadOnlyList<Backup> listed = await _bench.ListAsync();
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => RestoreAsync(request));
        beforeLooking?.Invoke();
        AssertSound(failure);
        Assert.Equal(before, Database.Dump());
        Assert.Equal(listed.Select(backup => backup.Name), (await _bench.ListAsync()).Select(backup => backup.Name));
        _bench.AssertNothingStaged();
        AssertNothingLeftOnServer();
        return failure;
    }

    /// <summary>Waits until so many bytes have been copied into or out of a table of a database whose name is like that.</summary>
    public void WaitForCopy(string database, long bytes = 20_000_000)
    {
        using var connection = new Npgsql.NpgsqlConnection(Server.ConnectionString("postgres"));
        connection.Open();
        using var command = new Npgsql.NpgsqlCommand($"SELECT count(*) FROM pg_stat_progress_copy WHERE datname LIKE '{database}' AND bytes_processed > {bytes}", connection);
        Assert.True(SpinWait.SpinUntil(() => (long)command.ExecuteScalar()! > 0, TimeSpan.FromSeconds(60)), "Nothing is copied.");
    }

    /// <summary>Disconnects everybody from the databases whose names are like that.</summary>
    public void CutConnections(string database) => Server.Execute(
        "postgres", $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE '{database}' AND pid <> pg_backend_pid()");

    /// <summary>No session and no database of this product's own; to be asked on a server of the test's own.</summary>
    public void AssertNothingLeftOnServer()
    {
        // A session that is closed lives on for a moment.
        string sessions = string.Empty;
        for (int attempt = 0; attempt < 100; attempt++)
        {
            sessions = Server.Query("postgres", "SELECT pid, datname, application_name, state, left(query, 60) FROM pg_stat_activity WHERE application_name IN ('DbBackup', 'pg_dump', 'pg_restore') AND pid <> pg_backend_pid()");
            if (sessions.Length == 0)
                break;
            Thread.Sleep(50);
        }

        Assert.Equal(string.Empty, sessions);
        Assert.Equal(string.Empty, WorkDatabases());
    }

    public string WorkDatabases() => Server.Query("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'dbbackup\\_%' ORDER BY 1");

    /// <summary>The databases that restores have kept.</summary>
    public string[] KeptDatabases() => Server.Query("postgres", "SELECT datname FROM pg_database WHERE datname ~ '_before_[0-9]{8}t' ORDER BY 1").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>An error says what to do next, and no secret.</summary>
    public void AssertSound(BackupException failure) => ErrorAssert.Sound(failure, Server.Password);

    public void Dispose()
    {
        if (Server.IsRunning)
        {
            foreach (string kept in KeptDatabases().Where(name => name.StartsWith(Database.Name, StringComparison.Ordinal)))
                Server.Execute("postgres", $"DROP DATABASE {PostgreSqlServer.SqlName(kept)} WITH (FORCE)");
            Database.Dispose();
            foreach (string role in _roles)
                Server.Execute("postgres", $"DROP OWNED BY {role}; DROP ROLE {role}");
        }

        _bench.Dispose();
    }
}
