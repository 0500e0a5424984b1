using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Restore;

/// <summary>Which containers are stopped for a restore, and when they are not started again.</summary>
[Trait("Category", "Docker")]
public sealed class StoppedApplicationTests : IDisposable
{
    private readonly ContainerRestoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Code_of_another_schema_revision_is_left_stopped_unless_it_is_forced(bool force)
    {
        string container = _bench.RunFilled(_bench.Docker.CreateVolume());
        _bench.Docker.Exec(container, "sqlite3", "/app/data/app.db", "CREATE TABLE alembic_version(version_num TEXT); INSERT INTO alembic_version VALUES ('aaaa')");
        Backup backup = await _bench.BackUpAsync(container, "/app/data/app.db");
        _bench.Docker.Exec(container, "sqlite3", "/app/data/app.db", "UPDATE alembic_version SET version_num = 'bbbb'");

        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Force = force });

        Assert.Equal(("aaaa", "bbbb"), (result.SchemaRevision, result.PreviousSchemaRevision));
        Assert.Equal(force, _bench.Files.IsRunning(container));
        Assert.Equal(force ? [] : [_bench.Docker.Inspect(container, "{{.Name}}").TrimStart('/')], result.LeftStopped);
        // A later run does not take it for one that was killed.
        await ContainerPause.RecoverAsync(_bench.Files.Bench.Observer, CancellationToken.None);
        Assert.Equal(force, _bench.Files.IsRunning(container));
    }

    [Fact]
    [Trait("Compose", "1")]
    public async Task A_replaced_database_of_a_server_stops_what_depends_on_it_and_what_has_sessions()
    {
        string project = _bench.Docker.CreateProject(
            $$"""
            version: "2.4"
            services:
              db:
                image: {{DockerImages.PostgreSql}}
                command: ["-c", "fsync=off"]
                environment: { POSTGRES_PASSWORD: secret, POSTGRES_DB: shop, POSTGRES_INITDB_ARGS: --no-sync }
              app:
                image: {{DockerImages.App}}
                depends_on: [db]
                # Compose 2 writes this label itself; compose 1 knows no such label.
                labels: { com.docker.compose.depends_on: "db:service_started:false" }
              worker:
                image: {{DockerImages.App}}
                environment: { PGPASSWORD: secret }
                command: ["python3", "{{DockerImages.Writer}}", "--pause", "0.05", "pg", "host=db user=postgres dbname=shop", "/tmp/files"]
              bystander:
                image: {{DockerImages.App}}
            """);
        _bench.Docker.Compose(project, "up", "-d");
        string[] services = ["db", "app", "worker", "bystander"];
        Dictionary<string, string> containers = services.ToDictionary(service => service, service => _bench.Docker.ComposeContainer(project, service));
        _bench.Docker.WaitUntilPostgreSqlAnswers(containers["db"]);
        _bench.Docker.WaitForLines(containers["worker"], 5);
        var request = new PostgreSqlConnectionRequest { Server = new ServerAddress.Through(new ContainerServerAddress(new ContainerAddress.OfService(project, "db"))) };
        PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(request, null, null, CancellationToken.None);
        Backup backup = await _bench.Files.Bench.BackUpAsync(new BackupRequest { Sources = [new PostgreSqlSource(server, "shop", new PostgreSqlDumpOptions())] });
        long rows = long.Parse(_bench.Docker.Query(containers["db"], "SELECT max(id) FROM attachments", "shop"), System.Globalization.CultureInfo.InvariantCulture);
        Dictionary<string, string> before = containers.ToDictionary(each => each.Key, each => _bench.StartedAt(each.Value));

        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup });

        Assert.All(containers.Values, container => Assert.True(_bench.Files.IsRunning(container)));
        string[] restarted = [.. services.Where(service => _bench.StartedAt(containers[service]) != before[service])];
        Assert.Equal(["app", "worker"], restarted);
        Assert.True(result.Downtime > TimeSpan.Zero);
        Assert.Empty(result.LeftStopped);
        // The worker goes on on the restored rows.
        int lines = _bench.Docker.Lines(containers["worker"]).Length;
        _bench.Docker.WaitForLines(containers["worker"], lines + 3);
        Assert.True(rows > 0);
    }
}
