using System.Globalization;
using System.Security.Cryptography;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Fixtures;

/// <summary>The images and the engine of the tests are themselves what they say.</summary>
[Trait("Category", "Docker")]
public sealed class DockerEngineTests
{
    [Fact]
    public void Server_makes_its_database_and_asks_the_network_for_the_password()
    {
        using DockerEngine docker = DockerEngine.Require();
        string server = docker.RunPostgreSql(DockerImages.PostgreSql, "--env", "POSTGRES_USER=app", "--env", "POSTGRES_DB=shop");
        Assert.Equal("shop|app|15", docker.Query(server, "SELECT current_database(), current_user, current_setting('server_version_num')::int / 10000", "shop", "app"));
        Assert.Equal("app", docker.Exec(server, "psql", "-U", "app", "-d", "shop", "-Atc", "SELECT current_user"));
        Assert.Contains("PostgreSQL database dump", docker.Exec(server, "pg_dump", "-U", "app", "shop"), StringComparison.Ordinal);
        using var connection = new Npgsql.NpgsqlConnection($"Host={docker.Address(server)};Username=app;Password=secret;Database=shop;Pooling=false");
        connection.Open();
        using var wrong = new Npgsql.NpgsqlConnection($"Host={docker.Address(server)};Username=app;Password=wrong;Database=shop;Pooling=false");
        Assert.Equal("28P01", Assert.Throws<Npgsql.PostgresException>(wrong.Open).SqlState);
    }

    [Theory]
    [InlineData(15, "/var/lib/postgresql/data", "/var/lib/postgresql/data")]
    [InlineData(17, "/var/lib/postgresql/data", "/var/lib/postgresql/data")]
    [InlineData(18, "/var/lib/postgresql/18/docker", "/var/lib/postgresql")]
    public void Server_of_each_major_version_is_laid_out_as_the_official_image(int major, string data, string volume)
    {
        using DockerEngine docker = DockerEngine.Require();
        string server = docker.RunPostgreSql(DockerImages.OfMajor(major));
        string[] answers = docker.Query(server, "SELECT current_setting('server_version_num')::int / 10000, current_setting('data_directory'), current_setting('server_version')").Split('|');
        Assert.Equal([$"{major}", data], answers[..2]);
        string[] environment = docker.Inspect(server, "{{json .Config.Env}}").Trim('[', ']').Replace("\"", string.Empty, StringComparison.Ordinal).Split(',');
        Assert.Contains($"PG_MAJOR={major}", environment);
        Assert.Contains($"PGDATA={data}", environment);
        Assert.Contains(environment, variable => variable.StartsWith($"PG_VERSION={major}.", StringComparison.Ordinal) && answers[2].Contains(variable["PG_VERSION=".Length..], StringComparison.Ordinal));
        Assert.Equal(volume, docker.Inspect(server, "{{range .Mounts}}{{.Destination}}{{end}}"));
        Assert.Contains($"(PostgreSQL) {major}.", docker.Exec(server, "pg_dump", "--version"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("root")]
    [InlineData("postgres")]
    public void Server_runs_in_a_read_only_container(string user)
    {
        using DockerEngine docker = DockerEngine.Require();
        string server = docker.RunPostgreSql(DockerImages.PostgreSql, "--read-only", "--tmpfs", "/var/run/postgresql", "--tmpfs", "/tmp", "--user", user);
        Assert.Equal("1", docker.Query(server, "SELECT 1"));
        Assert.NotEqual(0, docker.TryExec(server, "touch", "/var/lib/postgresql/file").ExitCode);
    }

    [Fact]
    public void Server_keeps_its_data_in_the_volume_and_reads_a_password_file()
    {
        using DockerEngine docker = DockerEngine.Require();
        using var folder = new TempFolder();
        File.WriteAllText(folder["password"], "from a file\n");
        string[] options = ["--volume", $"{docker.CreateVolume()}:/var/lib/postgresql/data", "--volume", $"{folder["password"]}:/run/password:ro", "--env", "POSTGRES_PASSWORD=", "--env", "POSTGRES_PASSWORD_FILE=/run/password"];
        string first = docker.RunPostgreSql(DockerImages.PostgreSql, options);
        docker.Query(first, "CREATE TABLE t AS SELECT 7 AS a");
        docker.Docker("stop", first);
        Assert.Equal("0", docker.Inspect(first, "{{.State.ExitCode}}"));
        docker.Docker("rm", first);
        string second = docker.RunPostgreSql(DockerImages.PostgreSql, options);
        Assert.Equal("7", docker.Query(second, "SELECT a FROM t"));
        using var connection = new Npgsql.NpgsqlConnection($"Host={docker.Address(second)};Username=postgres;Password=from a file;Database=postgres;Pooling=false");
        connection.Open();
    }

    [Fact]
    public void Server_without_dump_has_psql_alone()
    {
        using DockerEngine docker = DockerEngine.Require();
        string server = docker.RunPostgreSql(DockerImages.WithoutDump);
        Assert.Equal("1", docker.Query(server, "SELECT 1"));
        foreach (string program in new[] { "pg_dump", "pg_dumpall", "pg_restore" })
            Assert.Contains(docker.TryExec(server, program, "--version").ExitCode, new[] { 126, 127 });
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("delete")]
    public void Writer_of_rows_has_committed_what_it_printed(string journalMode)
    {
        using DockerEngine docker = DockerEngine.Require();
        string app = docker.Run(DockerImages.App, "python3", DockerImages.Writer, "rows", "/srv/app.db", journalMode);
        docker.WaitForLines(app, 20);
        long printed = long.Parse(docker.Lines(app)[^1], CultureInfo.InvariantCulture);
        Assert.True(long.Parse(docker.Exec(app, "sqlite3", "-cmd", ".timeout 20000", "/srv/app.db", "SELECT count(*) FROM entries"), CultureInfo.InvariantCulture) >= printed);
        Assert.Equal(journalMode, docker.Exec(app, "sqlite3", "-cmd", ".timeout 20000", "/srv/app.db", "PRAGMA journal_mode"));
        AssertStops(docker, app);
    }

    [Fact]
    public void Writer_of_attachments_leaves_every_row_its_file()
    {
        using DockerEngine docker = DockerEngine.Require();
        using var folder = new TempFolder();
        string app = docker.Run("--volume", $"{folder.Path}:/srv", DockerImages.App, "python3", DockerImages.Writer, "attachments", "/srv/app.db", "/srv/files");
        docker.WaitForLines(app, 40);
        AssertStops(docker, app);
        string[] rows = Shell.Run("sqlite3", folder["app.db"], "SELECT file || ' ' || sha256 FROM attachments").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(rows.Length, 30, docker.Lines(app).Length - 1);
        foreach (string[] row in rows.Select(row => row.Split(' ')))
            Assert.Equal(row[1], Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Join(folder["files"], row[0])))));
        Assert.Equal(rows.Length, Directory.GetFiles(folder["files"]).Length);
    }

    [Fact]
    [Trait("Compose", "1")]
    public void Compose_project_with_a_writer_is_gone_afterwards()
    {
        DockerEngine docker = DockerEngine.Require();
        using (docker)
        {
            string project = docker.CreateProject($"""
                version: "2.4"
                services:
                  db:
                    image: {DockerImages.PostgreSql}
                    environment: [POSTGRES_PASSWORD=secret]
                    volumes: ["data:/var/lib/postgresql/data"]
                  app:
                    image: {DockerImages.App}
                    environment: [PGPASSWORD=secret]
                    command: [python3, {DockerImages.Writer}, pg, "host=db user=postgres", /files]
                    volumes: ["files:/files"]
                  cache:
                    image: {DockerImages.Redis}
                volumes:
                  data:
                  files:
                """);
            docker.Compose(project, "up", "--detach");
            string app = docker.ComposeContainer(project, "app");
            docker.WaitForLines(app, 5);
            string database = docker.ComposeContainer(project, "db");
            docker.Docker("restart", database);
            docker.WaitUntilPostgreSqlAnswers(database);
            docker.WaitForLines(app, docker.Lines(app).Length + 5);
            AssertStops(docker, app);
            Assert.True(long.Parse(docker.Query(database, "SELECT max(id) FROM attachments"), CultureInfo.InvariantCulture) >= long.Parse(docker.Lines(app)[^1], CultureInfo.InvariantCulture));
            Assert.Equal("PONG", docker.Exec(docker.ComposeContainer(project, "cache"), "redis-cli", "ping"));
            Assert.Contains(docker.Prefix, docker.Docker("network", "ls"), StringComparison.Ordinal);
        }

        foreach (string[] list in new string[][] { ["ps", "--all"], ["volume", "ls"], ["network", "ls"] })
            Assert.DoesNotContain(docker.Prefix, docker.Docker(list), StringComparison.Ordinal);
    }

    [Fact]
    public void Container_without_shell_has_none()
    {
        using DockerEngine docker = DockerEngine.Require();
        string container = docker.Run(DockerImages.WithoutShell);
        foreach (string program in new[] { "sh", "/bin/sh", "bash", "tar", "cat" })
            Assert.Contains(docker.TryExec(container, program).ExitCode, new[] { 126, 127 });
        AssertStops(docker, container);
        string app = docker.Run(DockerImages.App);
        Assert.StartsWith("alembic ", docker.Exec(app, "alembic", "--version"), StringComparison.Ordinal);
        AssertStops(docker, app);
    }

    [Fact]
    public void Names_tell_what_a_dead_process_left()
    {
        string own = DockerNames.NewPrefix();
        Assert.False(DockerNames.IsLeftover($"{own}-container-1"));
        Assert.False(DockerNames.IsLeftover("dbbackup-test-of-somebody"));
        Assert.True(DockerNames.IsLeftover($"abcdef_{DockerNames.Of(Environment.ProcessId, DateTime.Now.AddDays(-1))}00-project_db_1"));
        Assert.True(DockerNames.IsLeftover(DockerNames.Of(int.MaxValue / 4, DateTime.Now)));
    }

    // A program that does not listen is killed in the end, which is exit code 137; the limit is for a machine that is busy with other tests.
    private static void AssertStops(DockerEngine docker, string container)
    {
        docker.Docker("stop", "--time", "60", container);
        Assert.Equal("0", docker.Inspect(container, "{{.State.ExitCode}}"));
    }
}
