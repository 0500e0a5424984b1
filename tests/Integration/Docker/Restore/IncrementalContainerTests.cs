using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Restore;

/// <summary>Incremental backups of a compose project: its server's database and its volume come back together.</summary>
[Trait("Category", "Docker")]
public sealed class IncrementalContainerTests : IDisposable
{
    private const string Project = $$"""
        services:
          db:
            image: {{DockerImages.PostgreSql}}
            environment:
              POSTGRES_PASSWORD: secret
          app:
            image: {{DockerImages.App}}
            volumes: ["data:/app/data"]
        volumes:
          data: {}
        """;

    private readonly ContainerRestoreBench _bench = new();

    // Later than the files, so that those of the volume count as settled when the full backup is made.
    private readonly FixedClock _clock = new(DateTimeOffset.UtcNow.AddMinutes(10));

    public void Dispose() => _bench.Dispose();

    [SampledTheory]
    [InlineData(Consistency.Auto, false)]
    [CompleteRunData(Consistency.Live, false)]
    [InlineData(Consistency.Live, true)]
    public async Task Project_is_restored_from_an_incremental_backup(Consistency consistency, bool throughEngine)
    {
        string project = _bench.Docker.CreateProject(Project);
        _bench.Docker.Compose(project, "up", "-d");
        string server = _bench.Docker.ComposeContainer(project, "db"), app = _bench.Docker.ComposeContainer(project, "app");
        _bench.Docker.WaitUntilPostgreSqlAnswers(server);
        _bench.Docker.Query(server, "CREATE DATABASE shop");
        _bench.Docker.Query(server, "CREATE TABLE notes AS SELECT i AS id, md5(i::text) || md5((i + 1)::text) AS body FROM generate_series(1, 100000) i", "shop");
        _bench.Docker.Exec(app, "bash", "-c", "cd /app/data; for i in $(seq 30); do head -c 200000 /dev/urandom > $i.bin; done");
        string folder = _bench.Folder($"{Path.GetFileName(project)}_data");
        Assert.SkipUnless(Directory.Exists(folder), "The engine's volumes are not on this machine.");

        Backup full = await BackUpAsync(server, app, BackupMethod.Full, consistency, throughEngine);
        _bench.Docker.Query(server, "UPDATE notes SET body = 'changed' WHERE id % 20000 = 0", "shop");
        _bench.Docker.Exec(app, "bash", "-c", "cd /app/data; echo changed > 3.bin; rm 4.bin; echo new > new.txt");
        string rows = Rows(server), files = ContainerRestoreBench.State(folder);
        string? unread = null;
        _bench.Files.Bench.Observer.At = message => unread = message.EndsWith("were not read.", StringComparison.Ordinal) ? message : unread;

        Backup made = await BackUpAsync(server, app, BackupMethod.Incremental, consistency, throughEngine);

        Assert.Equal((BackupMethod.Incremental, full.Name), (made.Method, made.Parent));
        Assert.All(made.Manifest!.Payloads, payload => Assert.NotNull(payload.Parent));
        Assert.True(made.Size < full.Size / 5, $"{made.Size} of {full.Size}");
        // What is copied in a pause, and what the engine gives, has no times that tell.
        bool canTell = consistency == Consistency.Live && !throughEngine && full.Manifest!.Payloads[^1].CatalogSha256 is not null;
        Assert.Equal(canTell, unread is not null);
        if (canTell)
            Assert.StartsWith("28 files", unread, StringComparison.Ordinal);

        _bench.Docker.Query(server, "DELETE FROM notes", "shop");
        _bench.Docker.Exec(app, "bash", "-c", "rm /app/data/*");
        await _bench.RestoreAsync(made);
        Assert.Equal(rows, Rows(server));
        Assert.Equal(files, ContainerRestoreBench.State(folder));
    }

    private string Rows(string server) => _bench.Docker.Query(server, "SELECT count(*), md5(string_agg(id || body, ',' ORDER BY id)) FROM notes", "shop");

    private async Task<Backup> BackUpAsync(string server, string app, string method, Consistency consistency, bool throughEngine)
    {
        PostgreSqlConnectionSettings settings = await PostgreSqlTarget.ResolveAsync(
            new PostgreSqlConnectionRequest { Server = new ServerAddress.Through(new ContainerServerAddress(new ContainerAddress.OfContainer(server))) }, null, null, CancellationToken.None);
        await using ContainerFilesPlan files = await ContainerFiles.ResolveAsync(ContainerFilesBench.Request(app, "/app/data", consistency, throughEngine), CancellationToken.None);
        return await _bench.Files.Bench.BackUpAsync(
            new BackupRequest
            {
                Sources = [new PostgreSqlSource(settings, "shop", new PostgreSqlDumpOptions()), .. files.Sources],
                Method = new MethodChoice { Method = method },
                Pause = files.Pausing.Count == 0 || files.Mode is not { } mode ? null
                    : new ContainerPause(files.Client, [.. files.Pausing.Select(container => container.Id)], mode) { Folder = new PauseFolder(_bench.Files.Bench["pauses"]) },
            },
            _clock);
    }
}
