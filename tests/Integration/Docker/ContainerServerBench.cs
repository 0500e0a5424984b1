using System.Diagnostics;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Engine.Engines.PostgreSql.Connect.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>A server in a container, without a published port, beside a repository.</summary>
internal sealed class ContainerServerBench : IDisposable
{
    private readonly string _user;
    private readonly string _started;

    /// <summary>Starts a server.</summary>
    /// <param name="options">Options of "docker run".</param>
    public ContainerServerBench(params string[] options)
        : this(DockerImages.PostgreSql, "postgres", options)
    {
    }

    private ContainerServerBench(string image, string user, string[] options)
    {
        _user = user;
        try
        {
            Container = Engine.RunPostgreSql(image, options);
            _started = Started();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public DockerEngine Engine { get; } = DockerEngine.Require();

    public Workbench Files { get; } = new();

    public string Container { get; }

    public string Name => Engine.Inspect(Container, "{{.Name}}").TrimStart('/');

    public ContainerAddress Docker => new ContainerAddress.OfContainer(Container);

    public PostgreSqlConnectionRequest Connection => new() { Server = new ServerAddress.Through(new ContainerServerAddress(Docker)) };

    /// <summary>Starts a server whose superuser has another name.</summary>
    public static ContainerServerBench OfUser(string user, params string[] options) => new(DockerImages.PostgreSql, user, ["--env", "POSTGRES_USER=" + user, .. options]);

    /// <summary>Starts a server of a major version.</summary>
    public static ContainerServerBench OfMajor(int major) => new(DockerImages.OfMajor(major), "postgres", []);

    public string Query(string sql, string database = "postgres") => Engine.Query(Container, sql, database, _user);

    /// <summary>A database with something in it that a restore must give back; one of that name is replaced.</summary>
    public void CreateNotes(string database = "app", int rows = 100)
    {
        Query($"DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        Query($"CREATE DATABASE {database}");
        Query(
            $"""
            CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
            INSERT INTO alembic_version VALUES ('aaaa');
            CREATE TABLE authors (id serial PRIMARY KEY, name text NOT NULL);
            INSERT INTO authors (name) SELECT 'author ' || i FROM generate_series(1, 10) i;
            CREATE TABLE notes (id serial PRIMARY KEY, author integer REFERENCES authors, body text);
            INSERT INTO notes (author, body) SELECT 1 + i % 10, 'note ' || i FROM generate_series(1, {rows}) i;
            """,
            database);
    }

    /// <summary>A table whose dump has so many megabytes, though it takes hardly any room on the disk: its values compress well.</summary>
    public void AddLargeDump(int megabytes, string database = "app") => Query(
        $"CREATE TABLE large (id integer PRIMARY KEY, body text); INSERT INTO large SELECT i, repeat(md5(i::text), 3200) FROM generate_series(1, {megabytes} * 10) i", database);

    public string Content(string database = "app") => Query("SELECT md5(string_agg(n::text, ';' ORDER BY id)) || (SELECT string_agg(version_num, ',') FROM alembic_version) FROM notes n", database);

    public async Task<PostgreSqlSource> SourceAsync(string database = "app", PostgreSqlConnectionRequest? connection = null, PostgreSqlDumpOptions? options = null) =>
        new(await PostgreSqlServer.ResolveAsync(connection ?? Connection, CancellationToken.None), database, options ?? new PostgreSqlDumpOptions());

    public async Task<Backup> BackUpAsync(string database = "app", PostgreSqlConnectionRequest? connection = null, PostgreSqlDumpOptions? options = null) =>
        await Files.BackUpAsync(new BackupRequest { Sources = [await SourceAsync(database, connection, options)], Fingerprint = FingerprintLevel.Content });

    /// <summary>The whole server: roles, and each database with a fingerprint of its own.</summary>
    public async Task<Backup> BackUpClusterAsync()
    {
        PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(Connection, CancellationToken.None);
        IReadOnlyList<string> all = await PostgreSqlServer.DatabasesAsync(server, CancellationToken.None);
        var options = new PostgreSqlDumpOptions { AllowEmpty = true };
        return await Files.BackUpAsync(new BackupRequest
        {
            Sources = [new PostgreSqlGlobalsSource(server), .. all.Select(name => (IBackupSource)new PostgreSqlSource(server, name, options))],
            Fingerprint = FingerprintLevel.Content,
        });
    }

    public Task<BackupTestResult> RestoreTestAsync(Backup backup) => new BackupVerifier(Files.Repository).TestAsync(
        backup, new BackupTestOptions { Level = BackupTestLevel.Restore }, Files.Observer, CancellationToken.None);

    public async Task<RestoreResult> RestoreAsync(RestoreRequest request)
    {
        PreparedRestore prepared = await PreparedRestore.PrepareAsync(Files.Repository, request, changeNothing: false, Files.Observer, CancellationToken.None);
        return await prepared.RunAsync(Files.Observer, CancellationToken.None);
    }

    /// <summary>A backup that must fail, and leave nothing.</summary>
    public async Task<BackupException> BackupFailsAsync(PostgreSqlConnectionRequest? connection = null)
    {
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => BackUpAsync(connection: connection));
        AssertSound(failure);
        await Files.AssertNothingListedOrStagedAsync();
        return failure;
    }

    /// <summary>Does something in the middle of a dump, which must fail then and leave nothing.</summary>
    public async Task<BackupException> CutAsync(Action cut, PostgreSqlConnectionRequest? connection = null, PostgreSqlFormat format = PostgreSqlFormat.Custom)
    {
        Task<Backup> backup = Task.Run(() => BackUpAsync(connection: connection, options: new PostgreSqlDumpOptions { Format = format }));
        WaitForCopy();
        cut();
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => backup.WaitAsync(TimeSpan.FromMinutes(1)));
        AssertSound(failure);
        await Files.AssertNothingListedOrStagedAsync();
        return failure;
    }

    /// <summary>Waits until pg_dump is in the middle of the large table.</summary>
    public void WaitForCopy()
    {
        for (var limit = Stopwatch.StartNew(); Query("SELECT count(*) FROM pg_stat_progress_copy WHERE bytes_processed > 5000000") == "0";)
            Assert.True(limit.Elapsed < TimeSpan.FromMinutes(1), "Nothing is copied.");
    }

    /// <summary>Nothing but the server runs in the container after a moment, and it is the same as at the start: no session of anybody's was lost.</summary>
    public void AssertUndisturbed()
    {
        string[] strangers;
        for (var limit = Stopwatch.StartNew(); (strangers = [.. Processes().Where(command => !command.StartsWith("postgres", StringComparison.Ordinal))]).Length > 0; Thread.Sleep(100))
            Assert.True(limit.Elapsed < TimeSpan.FromSeconds(30), string.Join('\n', strangers));
        // A session ends when its server next looks at the connection; the limit is for a machine that is busy with other tests.
        string sessions;
        for (var limit = Stopwatch.StartNew(); (sessions = Query("SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('DbBackup', 'pg_dump', 'pg_restore')")) != "0"; Thread.Sleep(100))
            Assert.True(limit.Elapsed < TimeSpan.FromMinutes(1), sessions + " sessions are left");
        Assert.Equal(string.Empty, Query("SELECT datname FROM pg_database WHERE datname LIKE 'dbbackup\\_%'"));
        Assert.DoesNotContain("terminating any other active server processes", Log(), StringComparison.Ordinal);
        Assert.Equal(_started, Started());
    }

    /// <summary>The command lines of what runs in the container.</summary>
    public IEnumerable<string> Processes() => Engine.Docker("top", Container, "-eo", "pid,args").Split('\n').Skip(1).Select(line => line.Trim().Split(' ', 2)[^1].Trim());

    public string Log() => Shell.Run("sh", "-c", $"docker logs {Container} 2>&1");

    /// <summary>An error says what to do next, and no secret.</summary>
    public static void AssertSound(BackupException failure) => ErrorAssert.Sound(failure, "secret");

    public void Dispose()
    {
        Engine.Dispose();
        Files.Dispose();
    }

    private string Started() => Query("SELECT pg_postmaster_start_time()");
}
