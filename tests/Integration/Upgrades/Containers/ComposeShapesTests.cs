using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>Upgrades of projects that are not simply a service with a database: what surrounds them is as it was afterwards.</summary>
[Trait("Category", "Docker")]
public sealed class ComposeShapesTests
{
    private const string OneShot =
        """
        migrate:
            image: @IMAGE@
            command: [alembic, upgrade, head]
            environment: ['DATABASE_URL=postgresql://shop:secret@db/shop']
        """;

    [Fact]
    public async Task Project_keeps_the_variables_that_it_was_started_with()
    {
        using var shop = new ComposeFolderShop();
        string data = shop.Data;
        // A folder of the project's own name, as Django lays its projects out: a name is no path, wherever the shell is.
        Directory.CreateDirectory(Path.Join(shop.Project, Path.GetFileName(shop.Project)));
        shop.Use("2");
        shop.AssertUpgraded(await shop.RunAsync(shop.Request(shop.Url + "/health", "SELECT count(*) = 200 FROM orders")), data);
        Assert.Equal(Path.Join(shop.Project, "live"), shop.Engine.Inspect(shop.Container, "{{range .Mounts}}{{.Source}}{{end}}"));
        Assert.False(Directory.Exists(Path.Join(shop.Project, "data")));
    }

    [Fact]
    public async Task Other_mounts_are_refused_before_anything_stops()
    {
        using var shop = new ComposeFolderShop();
        (string data, string leftovers, string started) = (shop.Data, shop.Leftovers, shop.Engine.Inspect(shop.Container, "{{.State.StartedAt}}"));
        shop.Use("2");
        File.WriteAllText(shop.VariablesFile, $"{ComposeFolderShop.Variable}=./other\n");
        UpgradeResult changed = await shop.RunAsync(shop.Request());
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(changed, "Preflight"));
        Assert.Contains($"mounts '{Path.Join(shop.Project, "other")}' at '/app/data' instead of '{Path.Join(shop.Project, "live")}'", changed.Failure, StringComparison.Ordinal);
        BackupException planned = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(shop.Request(), shop.Files.Repository, CancellationToken.None));
        Assert.Contains("/app/data", planned.Message, StringComparison.Ordinal);
        File.Move(shop.VariablesFile, shop.VariablesFile + ".aside");
        UpgradeResult lacking = await shop.RunAsync(shop.Request());
        Assert.Contains("prod.env", lacking.Failure, StringComparison.Ordinal);
        Assert.Equal(started, shop.Engine.Inspect(shop.Container, "{{.State.StartedAt}}"));
        shop.AssertAsBefore(data, leftovers);
    }

    [Fact]
    public async Task New_version_that_finds_no_rows_is_rolled_back()
    {
        using var shop = new ContainerShop();
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("2");
        UpgradeResult result = await shop.RunAsync(shop.Request() with { NoRehearsal = true, Migrate = "alembic upgrade head && sqlite3 /app/data/shop.db 'DELETE FROM orders'" });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Check")));
        Assert.Contains("orders (200 rows)", result.Failure, StringComparison.Ordinal);
        shop.AssertAsBefore(data, leftovers);
    }

    [Theory]
    [InlineData("2")]
    [InlineData("crash")]
    public async Task Container_in_the_network_of_an_upgraded_one_stays_in_it(string version)
    {
        using var shop = new ContainerShop();
        string sidecar = shop.Engine.NewName("sidecar");
        shop.Engine.Docker("run", "-d", "--name", sidecar, "--network", "container:" + shop.Name, DockerImages.App);
        shop.Use(version);
        UpgradePlan plan = await UpgradeService.PlanAsync(shop.Request(), shop.Files.Repository, CancellationToken.None);
        Assert.Contains(plan.Installation, line => line.Contains(sidecar, StringComparison.Ordinal));
        UpgradeResult result = await shop.RunAsync(shop.Request() with { NoRehearsal = true, SettleTime = version == "2" ? TimeSpan.FromSeconds(1) : ShopBench.UntilItFails });
        Assert.Equal(version == "2" ? UpgradeState.Succeeded : UpgradeState.RolledBack, result.State);
        shop.Answer("/health");
        Assert.Equal(version == "2" ? "2" : "1", AskFrom(shop.Engine, sidecar));
        Assert.DoesNotContain("-before-", shop.Leftovers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Container_with_a_link_to_an_upgraded_one_finds_the_new_one()
    {
        using var shop = new ContainerShop();
        string linked = shop.Engine.NewName("linked");
        shop.Engine.Docker("run", "-d", "--name", linked, "--link", shop.Name + ":web", DockerImages.App);
        shop.Use("2");
        UpgradeResult result = await shop.RunAsync(shop.Request() with { NoRehearsal = true });
        Assert.True(result.State == UpgradeState.Succeeded, result.Failure);
        shop.Answer("/health");
        Assert.Equal("2", AskFrom(shop.Engine, linked, "web"));
    }

    [Fact]
    [Trait("Compose", "1")]
    public async Task Service_in_the_network_of_an_upgraded_one_stays_in_it()
    {
        using var shop = new ComposeShop(others: $$"""
            sidecar:
                image: {{DockerImages.App}}
                network_mode: service:backend
            """);
        string data = shop.Data;
        shop.Use("2");
        shop.AssertUpgraded(await shop.RunAsync(shop.Request() with { NoRehearsal = true, Subject = shop.Subject with { Services = ["backend"] } }), data);
        Assert.Equal("2", AskFrom(shop.Engine, shop.Engine.ComposeContainer(shop.Folder, "sidecar")));
    }

    [Fact]
    public async Task One_shot_service_that_migrates_ends_well_before_the_others_start()
    {
        using var shop = new ComposeShop(more: "depends_on: {migrate: {condition: service_completed_successfully}}", others: OneShot.Replace("@IMAGE@", "dbbackup-test/shop:1", StringComparison.Ordinal));
        string data = shop.Data;
        string file = Path.Join(shop.Folder, "docker-compose.yml");
        File.WriteAllText(file, File.ReadAllText(file).Replace("dbbackup-test/shop:1", "dbbackup-test/shop:2", StringComparison.Ordinal));
        shop.Use("2");
        UpgradeRequest request = shop.Request(shop.Url + "/health") with { Migrate = null, Subject = shop.Subject with { Services = ["backend", "migrate"] } };
        shop.AssertUpgraded(await shop.RunAsync(request), data);
        Assert.Equal("exited 0", shop.Engine.Inspect(shop.Engine.ComposeContainer(shop.Folder, "migrate"), "{{.State.Status}} {{.State.ExitCode}}"));
    }

    [Fact]
    public async Task One_shot_service_that_fails_is_rolled_back()
    {
        using var shop = new ComposeShop(more: "depends_on: {migrate: {condition: service_completed_successfully}}", others: OneShot.Replace("@IMAGE@", "dbbackup-test/shop:1", StringComparison.Ordinal));
        string data = shop.Data;
        string file = Path.Join(shop.Folder, "docker-compose.yml");
        string files = File.ReadAllText(file);
        File.WriteAllText(file, files.Replace("dbbackup-test/shop:1", "dbbackup-test/shop:halfmigration", StringComparison.Ordinal));
        shop.Use("2");
        UpgradeResult result = await shop.RunAsync(shop.Request() with { Migrate = null, Subject = shop.Subject with { Services = ["backend", "migrate"] } });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Start")));
        Assert.Contains("migrate", result.Failure, StringComparison.Ordinal);
        Assert.Equal("1", shop.Answer("/version"));
        shop.Answer("/health");
        Assert.Equal(data, shop.Data);
    }

    [Theory]
    [InlineData("ENV PG_VERSION=15.99", true)]
    [InlineData("CMD [\"postgres\", \"--no-such-setting=1\"]", false)]
    public async Task Server_gets_a_minor_version_or_keeps_the_one_that_it_had(string line, bool works)
    {
        using var shop = new ComposeShop();
        string data = shop.Data;
        string before = shop.Engine.Inspect(shop.Engine.ComposeContainer(shop.Folder, "db"), "{{.Image}}");
        string minor = shop.Engine.NewName("server") + ":15.99";
        File.WriteAllText(shop.Files["Dockerfile"], $"FROM {DockerImages.PostgreSql}\n{line}\n");
        shop.Engine.Docker("build", "-q", "-t", minor, "-f", shop.Files["Dockerfile"], Path.GetDirectoryName(shop.Files["Dockerfile"])!);
        shop.UseServer(minor);
        UpgradeRequest request = shop.Request(shop.Url + "/health") with { Migrate = null, Subject = shop.Subject with { Services = ["db"] } };
        // The file's command would replace the image's.
        if (!works)
        {
            string file = Path.Join(shop.Folder, "docker-compose.yml");
            File.WriteAllText(file, File.ReadAllText(file).Replace("command: ['-c', 'fsync=off']", string.Empty, StringComparison.Ordinal));
        }

        UpgradeResult result = await shop.RunAsync(request);
        Assert.True(result.State == (works ? UpgradeState.Succeeded : UpgradeState.RolledBack), $"{result.State}: {result.Failure}\n{string.Join('\n', result.Steps)}");
        string server = shop.Engine.ComposeContainer(shop.Folder, "db");
        Assert.Equal("true", shop.Engine.Inspect(server, "{{.State.Running}}"));
        Assert.Equal(works, shop.Engine.Inspect(server, "{{.Image}}") != before);
        shop.Answer("/health");
        Assert.Equal(data, shop.Data);
    }

    [Fact]
    [Trait("Compose", "1")]
    public async Task Service_of_a_profile_is_upgraded()
    {
        using var shop = new ComposeShop(more: "depends_on: [cache]", others: $$"""
            cache:
                image: {{DockerImages.App}}
                profiles: [full]
              worker:
                image: {{DockerImages.App}}
                profiles: [full]
            """, profile: "full");
        string data = shop.Data;
        shop.Use("2");
        shop.AssertUpgraded(await shop.RunAsync(shop.Request() with { NoRehearsal = true, Subject = shop.Subject with { Services = ["backend", "worker"] } }), data);
    }

    [Fact]
    public async Task Names_that_are_taken_are_found_before_anything_stops()
    {
        using var shop = new ComposeShop();
        (string data, string started) = (shop.Data, shop.Engine.Inspect(shop.Container, "{{.State.StartedAt}}"));
        shop.Use("2");
        // The backup's source: another database has the name in this repository.
        Backup other = await shop.Files.BackUpAsync(SampleDatabase.Create(shop.Files["shop.db"]));
        Assert.Equal("shop", other.Source);
        BackupException source = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(shop.Request() with { SourceName = null }, shop.Files.Repository, CancellationToken.None));
        Assert.Equal(ErrorCodes.SourceNameTaken, source.Code);
        string taken = shop.Engine.NewName("taken");
        shop.Engine.Docker("run", "-d", "--name", taken, DockerImages.App);
        string file = Path.Join(shop.Folder, "docker-compose.yml");
        File.WriteAllText(file, File.ReadAllText(file).Replace("stop_grace_period: 3s", $"stop_grace_period: 3s\n    container_name: {taken}", StringComparison.Ordinal));
        BackupException container = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(shop.Request() with { SourceName = "own" }, shop.Files.Repository, CancellationToken.None));
        Assert.Contains("another container has that name", container.Message, StringComparison.Ordinal);
        Assert.Equal(started, shop.Engine.Inspect(shop.Container, "{{.State.StartedAt}}"));
        Assert.Equal(data, shop.Data);
    }

    private static string AskFrom(DockerEngine engine, string container, string host = "127.0.0.1") =>
        engine.Exec(container, "python3", "-c", $"from urllib.request import urlopen; print(urlopen('http://{host}:8000/version').read().decode().strip())");
}
