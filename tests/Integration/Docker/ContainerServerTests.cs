using System.Net.Sockets;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Restores;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Engine.Engines.PostgreSql.Connect.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>A server in a container is backed up, proved and restored as any other, and never notices more than sessions.</summary>
[Trait("Category", "Docker")]
[Trait("Category", "Kill")]
public sealed class ContainerServerTests(ContainerServerTests.OneServer one) : IClassFixture<ContainerServerTests.OneServer>
{
    private ContainerServerBench Bench => one.Bench;

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Backup_is_proved_and_restored_and_the_database_before_it_is_kept(PostgreSqlFormat format)
    {
        string database = "shop_" + format.ToString().ToLowerInvariant();
        Bench.CreateNotes(database);
        string before = Bench.Content(database);
        Backup backup = await Bench.BackUpAsync(database, options: new PostgreSqlDumpOptions { Format = format });
        Assert.Equal($"docker:///container/{Bench.Name}/postgresql/{database}", backup.Manifest!.Source.Location);
        Assert.Equal(111, backup.Manifest.Payloads[0].Fingerprint!.TotalRows);
        Assert.Equal("aaaa", backup.Manifest.SchemaRevision);

        BackupTestResult restoreTest = await Bench.RestoreTestAsync(backup);
        Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());

        Bench.Query("UPDATE notes SET body = 'changed'; UPDATE alembic_version SET version_num = 'bbbb'", database);
        string changed = Bench.Content(database);
        RestoreResult result = await Bench.RestoreAsync(new RestoreRequest { Backup = backup });
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal(before, Bench.Content(database));
        string kept = Assert.Single(Bench.Query($"SELECT datname FROM pg_database WHERE datname LIKE '{database}\\_before\\_%'").Split('\n'));
        Assert.Equal(changed, Bench.Content(kept));

        await Bench.RestoreAsync(new RestoreRequest { Backup = result.SafetyBackup! });
        Assert.Equal(changed, Bench.Content(database));
        Bench.AssertUndisturbed();
    }

    [Fact]
    public async Task Connection_that_the_server_refuses_ends_at_once()
    {
        using DockerEngine docker = DockerEngine.Require();
        using DockerSubject subject = await DockerSubject.FindAsync(new ContainerAddress.OfContainer(docker.Run([DockerImages.App])), CancellationToken.None);
        var tunnel = new ContainerTunnel(subject.Client.Endpoint, subject.Container, subject.Location);
        using ITunnelEnd end = await tunnel.OpenAsync("127.0.0.1", 5432, "server", CancellationToken.None);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Join(end.Folder, "server")));
        await socket.SendAsync(new byte[] { 0, 0, 0, 8, 4, 210, 22, 47 });
        // The client says no more, as a driver that waits for the answer: nothing but the relay can end this.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        Assert.Equal(0, await socket.ReceiveAsync(new byte[16], patience.Token));
        Assert.Contains("refused", end.Failure, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Large_tables_are_read_by_several_sessions_through_the_engine()
    {
        Bench.CreateNotes("ranged");
        Bench.Query("CREATE TABLE large AS SELECT i, md5(i::text) AS body FROM generate_series(1, 50000) i; ALTER TABLE large ADD PRIMARY KEY (i)", "ranged");
        bool isRanged = false;
        Backup whole = await Bench.BackUpAsync("ranged", options: new PostgreSqlDumpOptions { Jobs = 1 });
        Bench.Files.Observer.At = message => isRanged |= message.Contains("by 2 sessions", StringComparison.Ordinal);
        Backup backup = await Bench.BackUpAsync("ranged", options: new PostgreSqlDumpOptions { Jobs = 2, LargeTableBytes = 0 });
        Bench.Files.Observer.At = null;
        Assert.True(isRanged);
        Assert.Equal(
            whole.Manifest!.Payloads[0].Fingerprint!.Tables.Select(table => (table.Name, table.Rows, table.ContentHash)),
            backup.Manifest!.Payloads[0].Fingerprint!.Tables.Select(table => (table.Name, table.Rows, table.ContentHash)));
        BackupTestResult restoreTest = await Bench.RestoreTestAsync(backup);
        Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());
        Bench.AssertUndisturbed();
    }

    [Fact]
    public async Task Socket_of_the_server_is_used_by_the_programs_where_its_rules_let_them_in()
    {
        using var bench = new ContainerServerBench();
        bench.CreateNotes();
        bench.Query("CREATE ROLE reader LOGIN PASSWORD 'secret' IN ROLE pg_read_all_data");
        Assert.Equal("/var/run/postgresql", await DumpAsync("postgres"));
        Assert.Equal("127.0.0.1", await DumpAsync("reader"));
        bench.Engine.Exec(bench.Container, "sh", "-c", "sed -i 's/^local.*/local all all peer/' \"$PGDATA/pg_hba.conf\"");
        bench.Query("SELECT pg_reload_conf()");
        Assert.Equal("127.0.0.1", await DumpAsync("postgres"));

        // Root in the container is no role of the server, so a dump through the socket would be refused now.
        async Task<string> DumpAsync(string role)
        {
            PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(bench.Connection with { Username = role, Password = "secret" }, CancellationToken.None);
            await bench.Files.BackUpAsync(new BackupRequest { Sources = [new PostgreSqlSource(server, "app", new PostgreSqlDumpOptions())] });
            return server.Route!.ToolHost;
        }
    }

    [Fact]
    public async Task Connections_to_docker_end_with_what_uses_them()
    {
        using var way = new SocketForwarder(Bench.Files["docker.sock"], PauseBench.EngineSocket);
        way.Open();
        PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(
            new() { Server = new ServerAddress.Through(new ContainerServerAddress(Bench.Docker with { DockerHost = "unix://" + way.Path })) }, CancellationToken.None);
        await WaitUntilClosedAsync();
        using (PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, "postgres", CancellationToken.None))
            Assert.NotEqual(0, way.Connections);
        await WaitUntilClosedAsync();

        async Task WaitUntilClosedAsync()
        {
            // The relay gives the driver's farewell two seconds.
            for (var waited = System.Diagnostics.Stopwatch.StartNew(); way.Connections > 0 && waited.Elapsed < TimeSpan.FromSeconds(20);)
                await Task.Delay(50);
            Assert.Equal(0, way.Connections);
        }
    }

    [Fact]
    public async Task Restore_in_place_empties_and_loads_the_present_database()
    {
        Bench.CreateNotes("inplace");
        string before = Bench.Content("inplace");
        string id = Bench.Query("SELECT oid FROM pg_database WHERE datname = 'inplace'");
        Backup backup = await Bench.BackUpAsync("inplace");
        Bench.Query("DELETE FROM notes; CREATE TABLE later (id integer)", "inplace");
        RestoreResult result = await Bench.RestoreAsync(new RestoreRequest { Backup = backup, InPlace = true });
        Assert.NotNull(result.SafetyBackup);
        Assert.Equal(before, Bench.Content("inplace"));
        Assert.Equal("f", Bench.Query("SELECT to_regclass('later') IS NOT NULL", "inplace"));
        Assert.Equal(id, Bench.Query("SELECT oid FROM pg_database WHERE datname = 'inplace'"));
        Bench.AssertUndisturbed();
    }

    [Fact]
    public async Task Backup_of_the_whole_server_gives_back_roles_and_every_database()
    {
        using var bench = new ContainerServerBench();
        bench.CreateNotes("first");
        bench.CreateNotes("second", rows: 7);
        bench.Query("CREATE ROLE clerk LOGIN PASSWORD 'secret of the clerk'; ALTER DATABASE second OWNER TO clerk");
        Backup backup = await bench.BackUpClusterAsync();
        Assert.Equal(4, backup.Manifest!.Payloads.Count);
        Assert.All(backup.Manifest.Payloads.Where(payload => payload.Kind == PayloadKind.Database), payload => Assert.NotNull(payload.Fingerprint));
        BackupTestResult restoreTest = await bench.RestoreTestAsync(backup);
        Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());
        bench.AssertUndisturbed();

        // To a new server, as after the loss of the old one.
        using var other = new ContainerServerBench();
        await bench.RestoreAsync(new RestoreRequest { Backup = backup, Connection = other.Connection });
        Assert.Equal(bench.Content("first"), other.Content("first"));
        Assert.Equal(bench.Content("second"), other.Content("second"));
        Assert.Equal("clerk", other.Query("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'second'"));
        Assert.Equal(bench.Query("SELECT rolpassword FROM pg_authid WHERE rolname = 'clerk'"), other.Query("SELECT rolpassword FROM pg_authid WHERE rolname = 'clerk'"));
        other.AssertUndisturbed();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Credentials_are_those_that_the_container_was_given(bool inFile)
    {
        // The server asks for the password on every connection, so that a wrong one is found out.
        using var folder = new TempFolder();
        File.WriteAllText(folder["password"], "secret from a file\n");
        string[] password = inFile
            ? ["--volume", $"{folder["password"]}:/run/password:ro", "--env", "POSTGRES_PASSWORD=", "--env", "POSTGRES_PASSWORD_FILE=/run/password"]
            : ["--env", "POSTGRES_PASSWORD=secret in a variable"];
        using var bench = ContainerServerBench.OfUser("app", [.. password, "--env", "POSTGRES_DB=shop"]);
        bench.Query("CREATE TABLE t AS SELECT 7 AS a", "shop");
        AskForPasswords(bench);

        PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(bench.Connection, CancellationToken.None);
        Assert.Equal(("app", "shop"), (server.Username, server.Database));
        Assert.DoesNotContain("secret", server.ToString(), StringComparison.Ordinal);
        Backup backup = await bench.BackUpAsync("shop");
        Assert.Equal(1, backup.Manifest!.Payloads[0].Fingerprint!.TotalRows);
        BackupTestResult restoreTest = await bench.RestoreTestAsync(backup);
        Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());
        Assert.DoesNotContain("secret", File.ReadAllText(Path.Join(backup.Location, "backup.json")), StringComparison.Ordinal);

        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync("shop", bench.Connection with { Password = "wrong" }));
        Assert.Equal(ErrorCodes.AuthenticationFailed, refused.Code);
    }

    [Theory]
    [InlineData(6000, "*")]
    [InlineData(5432, "")]
    [InlineData(6000, "")]
    public async Task Server_is_found_on_another_port_and_on_its_socket_alone(int port, string addresses)
    {
        using var bench = new ContainerServerBench();
        bench.CreateNotes();
        bench.Query($"ALTER SYSTEM SET port = {port}");
        bench.Query($"ALTER SYSTEM SET listen_addresses = '{addresses}'");
        bench.Engine.Docker("restart", bench.Container);
        string[] psql = ["psql", "-X", "-A", "-t", "-U", "postgres", "-h", "/var/run/postgresql", "-p", $"{port}"];
        for (int attempt = 0; bench.Engine.TryExec(bench.Container, [.. psql, "-c", "SELECT 1"]).ExitCode != 0 && attempt < 100; attempt++)
            await Task.Delay(100, CancellationToken.None);
        var time = System.Diagnostics.Stopwatch.StartNew();
        Backup backup = await bench.BackUpAsync();
        BackupTestResult restoreTest = await bench.RestoreTestAsync(backup);
        Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());
        bench.Engine.Exec(bench.Container, [.. psql, "-d", "app", "-c", "DELETE FROM notes"]);
        Assert.Equal(BackupStatus.Matched, (await bench.RestoreAsync(new RestoreRequest { Backup = backup })).Status);
        Assert.True(time.Elapsed < TimeSpan.FromMinutes(1), $"It took {time.Elapsed}.");
        Assert.Equal("100", bench.Engine.Exec(bench.Container, [.. psql, "-d", "app", "-c", "SELECT count(*) FROM notes"]));
    }

    [Fact]
    public async Task Task_of_a_swarm_service_is_found_by_the_services_name_and_a_paused_one_is_to_be_resumed()
    {
        using var bench = new ContainerServerBench("--label", "com.docker.swarm.service.name=stack_db" + Guid.NewGuid().ToString("N"));
        bench.CreateNotes();
        string service = bench.Engine.Inspect(bench.Container, "{{index .Config.Labels \"com.docker.swarm.service.name\"}}");
        var connection = new PostgreSqlConnectionRequest { Server = new ServerAddress.Through(new ContainerServerAddress(new ContainerAddress.OfContainer(service))) };
        Backup backup = await bench.BackUpAsync("app", connection);
        // The next task has another name.
        Assert.Equal($"docker:///container/{service}/postgresql/app", backup.Manifest!.Source.Location);
        using (DockerSubject task = await DockerSubject.FindAsync(new ContainerAddress.OfContainer(bench.Name[..^1] + "*"), CancellationToken.None))
            Assert.Equal(bench.Container, task.Container.Id);
        bench.Engine.Docker("pause", bench.Container);
        BackupException paused = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync("app", connection));
        Assert.Equal(ErrorCodes.ContainerNotRunning, paused.Code);
        Assert.Contains("docker unpause", paused.Hint, StringComparison.Ordinal);
        bench.Engine.Docker("unpause", bench.Container);
    }

    [Fact]
    public async Task Connection_is_led_by_whichever_program_the_image_has()
    {
        using var bench = new ContainerServerBench();
        bench.CreateNotes();
        using DockerSubject subject = await DockerSubject.FindAsync(bench.Docker, CancellationToken.None);
        foreach ((string program, string path) in new[] { ("perl", "/usr/bin/perl"), ("python3", "/usr/bin/python3"), ("bash", "/bin/bash") })
        {
            IReadOnlyList<string>? command = await ContainerRelay.FindProgramAsync(new ContainerHost(subject.Client, subject.Container), "127.0.0.1", 5432, CancellationToken.None);
            Assert.Equal(program, command![0]);
            Backup backup = await bench.BackUpAsync();
            BackupTestResult restoreTest = await bench.RestoreTestAsync(backup);
            Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());
            bench.AssertUndisturbed();
            bench.Engine.Exec(bench.Container, "mv", path, path + ".away");
        }

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync());
        Assert.Equal(ErrorCodes.ToolMissing, failure.Code);
        Assert.Contains("perl, python3", failure.Message, StringComparison.Ordinal);
        ContainerServerBench.AssertSound(failure);
    }

    [Theory]
    [InlineData("postgres")]
    [InlineData("root")]
    public async Task Server_in_a_read_only_container_is_backed_up_proved_and_restored(string user)
    {
        using var bench = new ContainerServerBench("--read-only", "--tmpfs", "/var/run/postgresql", "--tmpfs", "/tmp", "--user", user);
        bench.CreateNotes();
        string before = bench.Content();
        Backup backup = await bench.BackUpAsync();
        BackupTestResult restoreTest = await bench.RestoreTestAsync(backup);
        Assert.True(restoreTest.Status == BackupStatus.Matched, restoreTest.ToString());
        bench.Query("DELETE FROM notes", "app");
        await bench.RestoreAsync(new RestoreRequest { Backup = backup });
        Assert.Equal(before, bench.Content());
        bench.AssertUndisturbed();
        Assert.Equal(string.Empty, bench.Engine.Exec(bench.Container, "sh", "-c", "ls -d /tmp/tmp.* /dev/shm/tmp.* 2>/dev/null || true"));
    }

    [Fact]
    public async Task Killed_client_leaves_no_pg_dump_and_a_server_that_never_noticed()
    {
        Bench.CreateNotes("large");
        Bench.AddLargeDump(1200, "large");
        for (int round = 0; round < 3; round++)
        {
            using OtherProcess run = OtherProcess.Start("containerbackup", Bench.Container, "large", Bench.Files["elsewhere"]);
            Bench.WaitForCopy();
            Assert.Contains(Bench.Processes(), command => command.StartsWith("pg_dump", StringComparison.Ordinal));
            run.Kill();
            Bench.AssertUndisturbed();
        }

        await using (Npgsql.NpgsqlConnection session = await OpenAsync())
        {
            using OtherProcess run = OtherProcess.Start("containerbackup", Bench.Container, "large", Bench.Files["elsewhere"]);
            Bench.WaitForCopy();
            run.Kill();
            await Task.Delay(1000);
            await using var command = new Npgsql.NpgsqlCommand("SELECT 1", session);
            Assert.Equal(1, await command.ExecuteScalarAsync());
        }

        Bench.AssertUndisturbed();
        Bench.Query("DROP DATABASE large");
    }

    private async Task<Npgsql.NpgsqlConnection> OpenAsync()
    {
        var session = new Npgsql.NpgsqlConnection($"Host={Bench.Engine.Address(Bench.Container)};Username=postgres;Password=secret;Database=postgres;Pooling=false");
        await session.OpenAsync();
        return session;
    }

    private static void AskForPasswords(ContainerServerBench bench)
    {
        bench.Engine.Exec(bench.Container, "sh", "-c", "printf 'local all all trust\\nhost all all all scram-sha-256\\n' > \"$PGDATA/pg_hba.conf\"");
        bench.Engine.Exec(bench.Container, "psql", "-U", "app", "-d", "shop", "-c", "SELECT pg_reload_conf()");
        Assert.NotEqual(0, bench.Engine.TryExec(bench.Container, "psql", "-w", "-h", "127.0.0.1", "-U", "app", "-d", "shop", "-c", "SELECT 1").ExitCode);
    }

    /// <summary>The server of most of these tests.</summary>
    public sealed class OneServer : IDisposable
    {
        // Not in the constructor: a test can be skipped, a fixture cannot.
        private readonly Lazy<ContainerServerBench> _bench = new(() => new ContainerServerBench());

        internal ContainerServerBench Bench => _bench.Value;

        public void Dispose()
        {
            if (_bench.IsValueCreated)
                _bench.Value.Dispose();
        }
    }
}
