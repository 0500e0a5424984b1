using System.Diagnostics;
using System.Net.Sockets;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Engine.Engines.PostgreSql.Connect.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>What a container, its image or the engine can do to a backup: it fails with the next step in its words, and leaves nothing.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerServerFaultTests
{
    [Fact]
    public async Task Engine_that_does_not_run_is_named_with_how_to_start_it()
    {
        using var folder = new TempFolder();
        foreach (bool dead in new[] { false, true })
        {
            string path = folder["engine.sock"];
            if (dead)
            {
                // The file of a socket outlives its listener.
                using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                listener.Bind(new UnixDomainSocketEndPoint(path + "2"));
                path += "2";
            }

            BackupException failure = await ResolveFailsAsync(new ContainerAddress.OfContainer("db") { DockerHost = "unix://" + path });
            Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
            Assert.Contains(path, failure.Message, StringComparison.Ordinal);
            Assert.Contains("systemctl start docker", failure.Hint, StringComparison.Ordinal);
            Assert.True(failure.CanRetry);
        }
    }

    [Fact]
    public void Engine_whose_socket_this_user_may_not_open_is_a_matter_of_permission()
    {
        // Whoever runs the tests may use the engine; as root they can run something as somebody who may not.
        Assert.SkipUnless(Environment.UserName == "root", "Only root becomes another user.");
        using DockerEngine docker = DockerEngine.Require();
        ProcessStartInfo start = UnprivilegedUser.Find().Command(OtherProcess.Command("containerbackup", "db", "app", "/nowhere"));
        start.RedirectStandardError = true;
        using Process run = Process.Start(start)!;
        string words = run.StandardError.ReadToEnd();
        run.WaitForExit();
        Assert.SkipWhen(words.Contains("libhostfxr", StringComparison.Ordinal) || words.Contains("setpriv", StringComparison.Ordinal), "The other user cannot run the tests' programs.");
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("PermissionDenied: This user is not allowed to use the Docker engine at 'unix:///var/run/docker.sock'", words, StringComparison.Ordinal);
    }

    [Fact]
    public void Engine_that_this_user_may_not_use_is_a_matter_of_permission()
    {
        BackupException failure = DockerFailures.From(new SocketException((int)SocketError.AccessDenied), DockerEndpoint.Default(windows: false));
        Assert.Equal(ErrorCodes.PermissionDenied, failure.Code);
        Assert.Contains("unix:///var/run/docker.sock", failure.Message, StringComparison.Ordinal);
        Assert.Contains(OperatingSystem.IsWindows() ? "docker-users" : "group", failure.Hint, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.PermissionDenied, DockerFailures.From(new UnauthorizedAccessException(), DockerEndpoint.Default(windows: true)).Code);
    }

    [Fact]
    public async Task Container_that_is_not_there_or_does_not_run_is_named_with_its_state()
    {
        using var bench = new ContainerServerBench();
        bench.CreateNotes();
        Backup good = await bench.BackUpAsync();

        bench.Engine.Docker("pause", bench.Container);
        BackupException paused = await ResolveFailsAsync(bench.Docker);
        Assert.Equal(ErrorCodes.ContainerNotRunning, paused.Code);
        Assert.Contains("paused", paused.Message, StringComparison.Ordinal);
        bench.Engine.Docker("unpause", bench.Container);

        bench.Engine.Docker("stop", bench.Container);
        BackupException stopped = await ResolveFailsAsync(bench.Docker);
        Assert.Equal(ErrorCodes.ContainerNotRunning, stopped.Code);
        Assert.Contains("docker start " + bench.Name, stopped.Hint, StringComparison.Ordinal);

        string restarting = bench.Engine.Run("--restart", "always", DockerImages.App, "sh", "-c", "exit 1");
        Assert.True(SpinWait.SpinUntil(() => bench.Engine.Inspect(restarting, "{{.State.Status}}") == "restarting", TimeSpan.FromSeconds(30)));
        BackupException again = await ResolveFailsAsync(new ContainerAddress.OfContainer(restarting));
        Assert.Contains(again.Code, new[] { ErrorCodes.ContainerNotRunning, ErrorCodes.ServerUnreachable });
        Assert.True(again.CanRetry);

        string name = bench.Name;
        bench.Engine.Docker("rm", bench.Container);
        BackupException missing = await ResolveFailsAsync(new ContainerAddress.OfContainer(name));
        Assert.Equal(ErrorCodes.ContainerNotFound, missing.Code);
        Assert.Contains(name, missing.Message, StringComparison.Ordinal);
        Assert.Contains("Find-DbBackupSource", missing.Hint, StringComparison.Ordinal);
        Assert.Equal(good.Name, Assert.Single(await bench.Files.ListAsync()).Name);
    }

    [Fact]
    [Trait("Compose", "1")]
    public async Task Service_is_the_same_source_under_every_container_that_it_gets()
    {
        using DockerEngine docker = DockerEngine.Require();
        using var files = new Workbench();
        string project = docker.CreateProject($"""
            version: "2.4"
            services:
              db:
                image: {DockerImages.PostgreSql}
                environment: [POSTGRES_PASSWORD=secret, POSTGRES_DB=shop]
                volumes: ["data:/var/lib/postgresql/data"]
              other:
                image: {DockerImages.App}
            volumes:
              data:
            """);
        docker.Compose(project, "up", "--detach");
        string first = docker.ComposeContainer(project, "db");
        docker.WaitUntilPostgreSqlAnswers(first);
        docker.Query(first, "CREATE TABLE t AS SELECT 7 AS a", "shop");
        var byService = new ContainerAddress.OfService(Path.GetFileName(project), "db");
        string location = $"docker:///compose/{Path.GetFileName(project)}/db/postgresql/shop";
        Backup backup = await BackUpAsync(files, byService);
        Assert.Equal(location, backup.Manifest!.Source.Location);
        // By its folder, and by its container.
        Assert.Equal(location, (await BackUpAsync(files, byService with { Project = project })).Manifest!.Source.Location);
        Assert.Equal(location, (await BackUpAsync(files, new ContainerAddress.OfContainer(first))).Manifest!.Source.Location);

        docker.Docker("rename", first, docker.NewName("renamed"));
        Assert.Equal(backup.Source, (await BackUpAsync(files, byService)).Source);

        docker.Docker("rm", "--force", first);
        docker.Compose(project, "up", "--detach");
        string second = docker.ComposeContainer(project, "db");
        Assert.NotEqual(first, second);
        docker.WaitUntilPostgreSqlAnswers(second);
        Backup last = await BackUpAsync(files, byService);
        Assert.Equal((backup.Source, location), (last.Source, last.Manifest!.Source.Location));
        Assert.Equal(5, (await files.ListAsync(backup.Source)).Count);

        BackupException unnamed = await ResolveFailsAsync(byService with { Service = null });
        Assert.Contains("db, other", unnamed.Hint, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.ContainerNotFound, (await ResolveFailsAsync(byService with { Service = "nobody" })).Code);
        BackupException noServer = await ResolveFailsAsync(byService with { Service = "other" });
        Assert.Equal(ErrorCodes.ServerUnreachable, noServer.Code);
        Assert.Contains("-ContainerPath", noServer.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_without_pg_dump_is_an_error_before_anything_is_written()
    {
        using DockerEngine docker = DockerEngine.Require();
        using var files = new Workbench();
        string server = docker.RunPostgreSql(DockerImages.WithoutDump);
        docker.Query(server, "CREATE TABLE t AS SELECT 7 AS a");
        PostgreSqlConnectionSettings settings = await PostgreSqlServer.ResolveAsync(Request(new ContainerAddress.OfContainer(server)), CancellationToken.None);
        BackupException failure = await files.BackupFailsAsync(new PostgreSqlSource(settings, "postgres", new PostgreSqlDumpOptions()));
        Assert.Equal(ErrorCodes.ToolMissing, failure.Code);
        Assert.Contains("pg_dump", failure.Message, StringComparison.Ordinal);
        ContainerServerBench.AssertSound(failure);
    }

    [Fact]
    public async Task Image_without_a_shell_has_no_server_and_says_so()
    {
        using DockerEngine docker = DockerEngine.Require();
        string container = docker.Run(DockerImages.WithoutShell);
        BackupException failure = await ResolveFailsAsync(new ContainerAddress.OfContainer(container));
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.Contains("No PostgreSQL server runs", failure.Message, StringComparison.Ordinal);
        // All commands reach it, also those without these parameters.
        Assert.Contains("New-DbBackup -ContainerPath", failure.Hint, StringComparison.Ordinal);
        Assert.Contains("Get-DbBackup | Get-DbSchemaRevision", failure.Hint, StringComparison.Ordinal);
    }

    private static async Task<Backup> BackUpAsync(Workbench files, ContainerAddress docker)
    {
        PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(Request(docker), CancellationToken.None);
        return await files.BackUpAsync(new PostgreSqlSource(server, "shop", new PostgreSqlDumpOptions()));
    }

    private static PostgreSqlConnectionRequest Request(ContainerAddress docker) => new() { Server = new ServerAddress.Through(new ContainerServerAddress(docker)) };

    private static async Task<BackupException> ResolveFailsAsync(ContainerAddress docker)
    {
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => PostgreSqlServer.ResolveAsync(Request(docker), CancellationToken.None));
        ContainerServerBench.AssertSound(failure);
        return failure;
    }
}
