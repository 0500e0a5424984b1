using DbBackup.Engine.Discovery;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>What can be backed up is found where it is, under the name by which it is found again.</summary>
[Trait("Category", "Docker")]
public sealed class SourceSearchTests
{
    private const string Fill = "CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(100));";

    [Fact]
    public async Task Server_is_listed_with_its_databases_and_its_volume_is_no_source_of_files()
    {
        using DockerEngine docker = DockerEngine.Require();
        string volume = docker.CreateVolume();
        string server = docker.RunPostgreSql(DockerImages.PostgreSql, "--volume", $"{volume}:/var/lib/postgresql/data");
        docker.Query(server, "CREATE DATABASE \"my shop\"");
        string name = docker.Inspect(server, "{{.Name}}").TrimStart('/');

        BackupSource[] found = await FindAsync(InContainers(name));
        Assert.Equal(["my shop", "postgres"], found.Where(source => source.Kind == BackupSourceKind.PostgreSql).Select(source => source.Database));
        Assert.Equal($"docker:///container/{name}/postgresql/my%20shop", found[0].Location);
        Assert.Equal((name, "running", volume), (found[0].Container, found[0].State, found[0].Volume));
        Assert.StartsWith("15.", found[0].Detail, StringComparison.Ordinal);
        Assert.True(found[0].Size > 1_000_000);
        BackupSource data = Assert.Single(found, source => source.Kind == BackupSourceKind.Volume);
        Assert.Equal([name], data.UsedBy);
        Assert.Contains("back up its databases instead", data.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(found, source => source.Kind == BackupSourceKind.Sqlite);
        Assert.All(await FindAsync(new SourceSearchRequest { Volumes = [Exact(volume)], Kinds = [BackupSourceKind.PostgreSql] }), source => Assert.Equal(volume, source.Volume));

        docker.Docker("stop", server);
        BackupSource stopped = Assert.Single(await FindAsync(InContainers(name) with { Kinds = [BackupSourceKind.PostgreSql] }));
        Assert.Equal((null, "exited", $"docker:///container/{name}/postgresql"), (stopped.Database, stopped.State, stopped.Location));
    }

    [Fact]
    public async Task Server_that_lets_nobody_in_is_a_warning_and_the_search_goes_on()
    {
        using DockerEngine docker = DockerEngine.Require();
        string volume = docker.CreateVolume();
        string server = docker.RunPostgreSql(DockerImages.PostgreSql, "--env", "POSTGRES_INITDB_ARGS=--no-sync --auth-host=scram-sha-256", "--volume", $"{volume}:/var/lib/postgresql/data");
        docker.Exec(server, "psql", "-U", "postgres", "-c", "ALTER ROLE postgres PASSWORD 'another one'");
        string name = docker.Inspect(server, "{{.Name}}").TrimStart('/');
        var observer = new RecordingObserver();
        BackupSource[] found = await FindAsync(InContainers(name), observer);
        Assert.Null(Assert.Single(found, source => source.Kind == BackupSourceKind.PostgreSql).Database);
        Assert.Single(found, source => source.Kind == BackupSourceKind.Volume);
        Assert.Contains(observer.Warnings, warning => warning.Contains(name, StringComparison.Ordinal) && !warning.Contains("secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Databases_in_mounts_are_found_by_their_first_bytes(bool isElsewhere)
    {
        using DockerEngine docker = DockerEngine.Require();
        using var folder = new TempFolder();
        string volume = docker.CreateVolume();
        Directory.CreateDirectory(folder["deep/er"]);
        Directory.CreateDirectory(folder["covered"]);
        Directory.CreateDirectory(folder["server[1]"]);
        foreach (string file in new[] { "one.dat", "deep/er/with space.db", "covered/hidden.db", "server[1]/inside.db" })
            Shell.Run("sqlite3", folder[file], Fill);
        File.WriteAllText(folder["server[1]/PG_VERSION"], "15\n");
        File.WriteAllText(folder["empty.db"], string.Empty);
        File.WriteAllText(folder["text.db"], new string('x', 5000));
        string app = docker.Run("--volume", $"{folder.Path}:/srv", "--volume", $"{volume}:/srv/covered", "--volume", "/var/run/docker.sock:/var/run/docker.sock", DockerImages.App);
        docker.Exec(app, "sqlite3", "/srv/covered/app.db", "PRAGMA journal_mode = wal;" + Fill);
        string second = docker.Run("--volume", $"{volume}:/data:ro", DockerImages.WithoutShell);
        string name = docker.Inspect(app, "{{.Name}}").TrimStart('/');
        string secondName = docker.Inspect(second, "{{.Name}}").TrimStart('/');

        using var engine = new ForwardedEngine();
        SourceSearchRequest request = InContainers(name) with { DockerHost = isElsewhere ? engine.Address : null };
        BackupSource[] found = await FindAsync(request);
        BackupSource[] databases = [.. found.Where(source => source.Kind == BackupSourceKind.Sqlite).OrderBy(source => source.ContainerPath, StringComparer.Ordinal)];
        Assert.Equal(["/srv/covered/app.db", "/srv/deep/er/with space.db", "/srv/one.dat"], databases.Select(source => source.ContainerPath));
        Assert.Equal(["wal", "rollback", "rollback"], databases.Select(source => source.Detail));
        Assert.All(databases, source => Assert.True(source.Size >= 8192));
        Assert.Equal((volume, $"{name} {secondName}"), (databases[0].Volume, string.Join(' ', databases[0].UsedBy)));
        string start = isElsewhere ? $"docker+{engine.Address}/container" : "docker:///container";
        Assert.Equal($"{start}/{name}/path/srv/deep/er/with%20space.db", databases[1].Location);
        Assert.Equal(isElsewhere ? null : folder["deep/er/with space.db"], databases[1].Path);
        BackupSource bound = Assert.Single(found, source => source.Kind == BackupSourceKind.Folder);
        Assert.Equal(("/srv", isElsewhere ? null : folder.Path, Path.GetFileName(folder.Path)), (bound.ContainerPath, bound.Path, bound.Name));
        Assert.Single(found, source => source.Kind == BackupSourceKind.Volume && source.Name == volume);
        Assert.Equal(5, found.Length);
    }

    [Fact]
    public async Task Volume_far_away_of_a_container_without_shell_is_listed_and_not_searched()
    {
        using DockerEngine docker = DockerEngine.Require();
        string volume = docker.CreateVolume();
        string container = docker.Run("--volume", $"{volume}:/data", DockerImages.WithoutShell);
        using var engine = new ForwardedEngine();
        var said = new List<string>();
        var observer = new RecordingObserver { At = said.Add };
        BackupSource only = Assert.Single(await FindAsync(InContainers(docker.Inspect(container, "{{.Name}}").TrimStart('/')) with { DockerHost = engine.Address }, observer));
        Assert.Equal((BackupSourceKind.Volume, volume, engine.Address), (only.Kind, only.Name, only.DockerHost));
        Assert.Contains(said, step => step.Contains(volume, StringComparison.Ordinal) && step.Contains("shell", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Compose", "1")]
    public async Task Project_is_found_by_name_and_by_folder_and_its_files_once()
    {
        using DockerEngine docker = DockerEngine.Require();
        string project = docker.CreateProject($"""
            version: "2.4"
            services:
              app:
                image: {DockerImages.App}
                volumes: ["./data:/app/data", "files:/files"]
              idle:
                image: {DockerImages.WithoutShell}
            volumes:
              files:
            """);
        Directory.CreateDirectory(Path.Join(project, "data"));
        Directory.CreateDirectory(Path.Join(project, "backups", "one"));
        Shell.Run("sqlite3", Path.Join(project, "data", "app.db"), Fill);
        Shell.Run("sqlite3", Path.Join(project, "other.db"), Fill);
        Shell.Run("sqlite3", Path.Join(project, "backups", "one", "app.db"), Fill);
        File.WriteAllText(Path.Join(project, "backups", "one", "backup.json"), "{}");
        docker.Compose(project, "up", "--detach");
        string name = Path.GetFileName(project);

        foreach (string named in new[] { name, project })
        {
            BackupSource[] found = await FindAsync(new SourceSearchRequest { ComposeProject = named });
            Assert.Equal(["Folder data", "Sqlite app.db", $"Volume {name}_files"], found.Select(source => $"{source.Kind} {source.Name}").Order(StringComparer.Ordinal));
            Assert.All(found, source => Assert.Equal((name, "app"), (source.ComposeProject, source.Service)));
            Assert.Contains(found, source => source.Location == $"docker:///compose/{name}/app/path/app/data/app.db");
        }

        Assert.Empty(await FindAsync(new SourceSearchRequest { ComposeProject = name, Services = [Exact("idle")] }));
        BackupSource[] below = await FindAsync(new SourceSearchRequest { Folder = project, Kinds = [BackupSourceKind.Sqlite] });
        Assert.Equal([Path.Join(project, "data", "app.db"), Path.Join(project, "other.db")], below.Select(source => source.Path));
        Assert.Equal(["app", null], below.Select(source => source.Service));
    }

    [Fact]
    public async Task What_is_not_there_is_an_error_after_what_is()
    {
        using DockerEngine docker = DockerEngine.Require();
        string volume = docker.CreateVolume();
        var found = new List<BackupSource>();
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(async () =>
        {
            await foreach (BackupSource source in SourceSearch.FindAsync(
                new SourceSearchRequest { Volumes = [Exact(volume), Exact("no-such-volume")], Kinds = [BackupSourceKind.Volume] }, SilentObserver.Instance, CancellationToken.None))
                found.Add(source);
        });
        Assert.Equal(ErrorCodes.VolumeNotFound, failure.Code);
        Assert.Equal(volume, Assert.Single(found).Name);
        Assert.Empty(found[0].UsedBy);
        await Fails(ErrorCodes.ContainerNotFound, InContainers("no-such-container"));
        await Fails(ErrorCodes.ContainerNotFound, new SourceSearchRequest { ComposeProject = "no-such-project" });
        await Fails(ErrorCodes.SourceNotFound, new SourceSearchRequest { Folder = "/no/such/folder" });
    }

    [Theory]
    [InlineData("postgres -c fsync=off", true)]
    [InlineData("/usr/lib/postgresql/15/bin/postgres -D /data", true)]
    [InlineData("postgres: checkpointer ", true)]
    [InlineData("/bin/postgres_exporter", false)]
    [InlineData("psql -U postgres", false)]
    public void Server_is_known_by_its_process(string command, bool expected) => Assert.Equal(expected, FoundServer.IsServer(command));

    [Theory]
    [InlineData("wal 4096 100 /data/my file.db", "/data", "/my file.db", true, 4196L)]
    [InlineData("rollback - 0 /data", "/data", "", false, null)]
    [InlineData("rollback 512 0 /x.db", "/", "/x.db", false, 512L)]
    public void Line_of_the_search_in_a_container_is_read(string line, string root, string relative, bool wal, long? size) =>
        Assert.Equal(new FoundDatabaseFile(relative, wal, size), ContainerFileSearch.Parse(line, root));

    private static async Task Fails(string code, SourceSearchRequest request) =>
        Assert.Equal(code, (await Assert.ThrowsAnyAsync<BackupException>(() => FindAsync(request))).Code);

    // Never the whole engine: others use it too.
    private static SourceSearchRequest InContainers(string name) => new() { Containers = [Exact(name)] };

    private static NameFilter Exact(string name) => NameFilter.Exact(name);

    private static async Task<BackupSource[]> FindAsync(SourceSearchRequest request, IOperationObserver? observer = null)
    {
        var found = new List<BackupSource>();
        await foreach (BackupSource source in SourceSearch.FindAsync(request, observer ?? SilentObserver.Instance, CancellationToken.None))
            found.Add(source);
        return [.. found];
    }
}
