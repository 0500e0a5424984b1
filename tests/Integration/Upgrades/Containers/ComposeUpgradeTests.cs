using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Encryption;
using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>Upgrades of services of a compose project whose database is in a PostgreSQL server.</summary>
[Trait("Category", "Docker")]
[Trait("Category", "Kill")]
public sealed class ComposeUpgradeTests
{
    [Fact]
    [Trait("Compose", "1")]
    public async Task New_image_is_rehearsed_installed_and_found_healthy_and_can_be_taken_back()
    {
        using var shop = new ComposeShop();
        string data = shop.Data;
        shop.Use("2");
        UpgradeResult result = await shop.RunAsync(shop.Request("SELECT count(*) = 200 FROM orders WHERE extra = 'new'", shop.Url + "/health", "python3 -c 'import sqlalchemy'"));
        shop.AssertUpgraded(result, data);
        Assert.All(result.Steps, step => Assert.Equal(UpgradeStepState.Done, step.State));
        Assert.Equal(("r1", "r2"), (result.FromRevision, result.ToRevision));
        Assert.Equal((BackupReason.PreMigration, BackupStatus.Matched), ((await shop.Files.ListAsync()).Single().Reason, (await shop.Files.ListAsync()).Single().Status));
        Assert.DoesNotContain(shop.Files.Observer.Warnings, warning => warning.Contains("killed", StringComparison.Ordinal));

        UpgradeResult undone = await shop.Service.UndoAsync(result.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        Assert.Equal("1", shop.Answer("/version"));
        Assert.Equal(data, shop.Data);
    }

    [Fact]
    [Trait("Compose", "1")]
    public async Task Named_files_define_the_new_version_also_when_it_is_taken_back()
    {
        using var shop = new ComposeShop();
        string data = shop.Data;
        string[] files = [Path.Join(shop.Folder, "docker-compose.yml"), Path.Join(shop.Folder, "docker-compose.prod.yml")];
        File.WriteAllText(files[1], "version: '2.4'\nservices:\n  backend:\n    image: dbbackup-test/shop:2\n    environment: [MARK=prod]\n");
        UpgradeSubject subject = new UpgradeSubject.ComposeProject(ComposeReference.TextOf(shop.Folder, files)) { Services = ["backend"] };

        UpgradeResult result = await shop.RunAsync(shop.Request(shop.Url + "/health") with { Subject = subject });

        shop.AssertUpgraded(result, data);
        Assert.Contains("MARK=prod", shop.Engine.Inspect(shop.Container, "{{.Config.Env}}"), StringComparison.Ordinal);
        string labelled = shop.Engine.Inspect(shop.Container, "{{index .Config.Labels \"com.docker.compose.project.config_files\"}}");
        Assert.Equal(["docker-compose.yml", "docker-compose.prod.yml"], labelled.Trim().Split(',').Select(Path.GetFileName));

        UpgradeResult undone = await shop.Service.UndoAsync(result.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        Assert.Equal("1", shop.Answer("/version"));
        Assert.Equal(data, shop.Data);
    }

    [Fact]
    public async Task Encrypted_backup_is_rolled_back_to_by_a_host_with_the_public_key_alone()
    {
        using var shop = new ComposeShop();
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        string keyFile = shop.Files["keys/my.key"];
        BackupSealing sealing = BackupSealing.To([IdentityFile.Create(keyFile)]);
        shop.Use("crash");
        // A rehearsal may find it first, on a busy machine, and then there is nothing to roll back.
        UpgradeResult failed = await shop.RunAsync(shop.Request(shop.Url + "/health") with
        {
            Sealing = sealing,
            NoRehearsal = true,
            Migrate = ContainerShop.Migrate,
            Timeout = TimeSpan.FromSeconds(60),
            SettleTime = ShopBench.UntilItFails,
        });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Done), (failed.State, UpgradeBench.StateOf(failed, "Rollback")));
        shop.AssertAsBefore(data, leftovers);
        shop.Use("2");
        shop.AssertUpgraded(await shop.RunAsync(shop.Request() with { Sealing = sealing }), data);
        // A database that stays on its server under another name has no file in the repository.
        Backup[] stored = [.. (await shop.Files.ListAsync()).Where(backup => backup.Manifest!.Kept is null)];
        Assert.Equal(2, stored.Length);
        Assert.All(stored, backup => Assert.True(backup.Manifest!.IsSealed, backup.ToString()));

        string container = shop.Container;
        UpgradeResult done = shop.Service.List()[0];
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => shop.Service.UndoAsync(done.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None));
        Assert.Equal(ErrorCodes.BackupEncrypted, refused.Code);
        Assert.Equal(container, shop.Container);
        Assert.Equal("2", shop.Answer("/version"));
        var keys = new KeyRing();
        keys.AddIdentity(keyFile, path => path);
        await shop.Service.UndoAsync(done.Id, null, keys, shop.Files.Observer, CancellationToken.None);
        Assert.Equal("1", shop.Answer("/version"));
        Assert.Equal(data, shop.Data);
    }

    [Theory]
    [InlineData("crash", null)]
    [InlineData("halfmigration", null)]
    [InlineData("2", "psql \"$DATABASE_URL\" -c 'DROP TABLE orders' && sleep 600")]
    public async Task Failure_gives_back_the_old_version_and_its_data(string version, string? migrate)
    {
        using var shop = new ComposeShop();
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use(version);
        UpgradeResult result = await shop.RunAsync(shop.Request(shop.Url + "/health") with
        {
            NoRehearsal = true,
            Migrate = migrate ?? ContainerShop.Migrate,
            Timeout = TimeSpan.FromSeconds(migrate is null ? 60 : 8),
            SettleTime = ShopBench.UntilItFails,
        });
        Assert.True(result.State == UpgradeState.RolledBack, $"{result.State}: {result.Failure}");
        Assert.NotNull(result.Failure);
        shop.AssertAsBefore(data, leftovers);
    }

    [Fact]
    public async Task What_fails_in_the_rehearsal_or_at_the_build_never_stops_the_application()
    {
        using var shop = new ComposeShop("build: .");
        (string data, string leftovers, string started) = (shop.Data, shop.Leftovers, shop.Engine.Inspect(shop.Container, "{{.State.StartedAt}}"));
        shop.WriteDockerfile("2", "COPY nothing /");
        UpgradeResult broken = await shop.RunAsync(shop.Request() with { Subject = shop.Subject with { Build = true } });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (broken.State, UpgradeBench.StateOf(broken, "Version")));
        shop.WriteDockerfile("halfmigration");
        UpgradeResult rehearsed = await shop.RunAsync(shop.Request() with { Subject = shop.Subject with { Build = true } });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (rehearsed.State, UpgradeBench.StateOf(rehearsed, "Rehearsal")));
        string file = Path.Join(shop.Folder, "docker-compose.yml");
        string files = File.ReadAllText(file);
        File.WriteAllText(file, files.Replace("build: .", "image: 127.0.0.1:1/none:2", StringComparison.Ordinal));
        UpgradeResult pulled = await shop.RunAsync(shop.Request() with { Subject = shop.Subject with { Pull = true } });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (pulled.State, UpgradeBench.StateOf(pulled, "Version")));
        File.WriteAllText(file, files);
        Assert.Equal(started, shop.Engine.Inspect(shop.Container, "{{.State.StartedAt}}"));
        shop.AssertAsBefore(data, leftovers);
    }

    [Fact]
    public async Task Disk_that_is_full_at_the_backup_leads_back()
    {
        using var shop = new ComposeShop();
        using var disk = new SmallDisk(40);
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("2");
        var observer = new StepObserver(("Backup", () => disk.FillBut(4096)));
        UpgradeResult result = await shop.Service.RunAsync(shop.Request() with { NoRehearsal = true }, DbBackup.Engine.Repository.BackupRepository.At(disk.Path), observer, CancellationToken.None);
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Backup")));
        shop.AssertAsBefore(data, leftovers);
    }

    [Fact]
    public async Task Way_back_is_tried_again_and_two_at_once_are_refused()
    {
        using var shop = new ComposeShop();
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("2");
        string file = Path.Join(shop.Folder, "docker-compose.yml");
        Exception? second = null;
        var observer = new StepObserver(
            ("Check", () => second = Record.ExceptionAsync(() => shop.RunAsync(shop.Request())).AsTask().GetAwaiter().GetResult()),
            ("rolling back", () => File.Move(file, file + ".aside")),
            ("is retried", () => File.Move(file + ".aside", file)));
        UpgradeResult result = await shop.RunAsync(shop.Request("SELECT false") with { NoRehearsal = true, Timeout = TimeSpan.FromSeconds(30) }, observer);
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(ErrorCodes.UpgradeInProgress, Assert.IsType<BackupFailure>(second, exactMatch: false).Code);
        shop.AssertAsBefore(data, leftovers);
    }

    [Fact]
    [Trait("Compose", "1")]
    public async Task Version_of_a_work_tree_is_checked_out_and_back_and_local_changes_are_refused()
    {
        using var shop = new ComposeShop("build: .");
        Git(shop, "init", "-q", "-b", "main");
        Git(shop, "add", ".");
        Git(shop, "commit", "-qm", "one");
        shop.WriteDockerfile("2");
        Git(shop, "commit", "-qam", "two");
        Git(shop, "tag", "v2");
        shop.WriteDockerfile("crash");
        Git(shop, "commit", "-qam", "three");
        Git(shop, "tag", "v3");
        Git(shop, "reset", "-q", "--hard", "v2~1");
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        UpgradeSubject.ComposeProject built = shop.Subject with { GitRef = "v3", Build = true };
        UpgradeRequest request = shop.Request(shop.Url + "/health") with { Subject = built, NoRehearsal = true };
        UpgradeResult failed = await shop.RunAsync(request with { SettleTime = ShopBench.UntilItFails });
        Assert.True(failed.State == UpgradeState.RolledBack, failed.Failure);
        shop.AssertAsBefore(data, leftovers);
        Assert.Equal("main", Git(shop, "symbolic-ref", "--short", "HEAD"));
        Assert.Contains("shop:1", File.ReadAllText(Path.Join(shop.Folder, "Dockerfile")), StringComparison.Ordinal);

        File.AppendAllText(Path.Join(shop.Folder, "Dockerfile"), "# mine\n");
        UpgradeResult refused = await shop.RunAsync(request with { Subject = built with { GitRef = "v2" } });
        Assert.Contains("Dockerfile", refused.Failure, StringComparison.Ordinal);
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(refused, "Preflight"));
        Git(shop, "checkout", "-q", "--", "Dockerfile");

        shop.AssertUpgraded(await shop.RunAsync(request with { Subject = built with { GitRef = "v2" } }), data);
    }

    [Fact]
    public async Task Image_that_does_not_fit_the_servers_data_is_refused_before_anything_stops()
    {
        using var shop = new ComposeShop();
        string started = shop.Engine.Inspect(shop.Container, "{{.State.StartedAt}}");
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        string other = shop.Engine.NewName("server") + ":18";
        File.WriteAllText(shop.Files["Dockerfile"], $"FROM {DockerImages.PostgreSql}\nENV PGDATA=/var/lib/postgresql/18/docker\n");
        shop.Engine.Docker("build", "-q", "-t", other, "-f", shop.Files["Dockerfile"], Path.GetDirectoryName(shop.Files["Dockerfile"])!);
        leftovers += "\n" + other;
        shop.UseServer(other);
        UpgradeResult result = await shop.RunAsync(shop.Request());
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(result, "Version"));
        Assert.Contains("/var/lib/postgresql/18/docker", result.Failure, StringComparison.Ordinal);
        Assert.Equal(started, shop.Engine.Inspect(shop.Container, "{{.State.StartedAt}}"));
        shop.AssertAsBefore(data, string.Join('\n', leftovers.Split('\n').Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData(17)]
    [InlineData(18)]
    public async Task Server_image_of_another_major_version_is_refused_before_anything_stops(int major)
    {
        using var shop = new ComposeShop();
        string server = shop.Engine.ComposeContainer(shop.Folder, "db");
        (string data, string leftovers, string started) = (shop.Data, shop.Leftovers, shop.Engine.Inspect(server, "{{.State.StartedAt}}"));
        shop.Use("2");
        shop.UseServer(DockerImages.OfMajor(major));
        UpgradeResult result = await shop.RunAsync(shop.Request());
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Version")));
        Assert.Contains($"it is PostgreSQL {major}, which cannot open the data of PostgreSQL 15", result.Failure, StringComparison.Ordinal);
        // What to do instead.
        Assert.Contains("upgrade the server alone: Invoke-DbUpgrade", result.Recommendation, StringComparison.Ordinal);
        Assert.Equal(started, shop.Engine.Inspect(server, "{{.State.StartedAt}}"));
        shop.AssertAsBefore(data, leftovers);
    }

    [Fact]
    public async Task Server_image_of_a_minor_version_is_no_obstacle()
    {
        using var shop = new ComposeShop();
        string server = shop.Engine.ComposeContainer(shop.Folder, "db");
        string data = shop.Data;
        string minor = shop.Engine.NewName("server") + ":15.99";
        File.WriteAllText(shop.Files["Dockerfile"], $"FROM {DockerImages.PostgreSql}\nENV PG_VERSION=15.99\n");
        shop.Engine.Docker("build", "-q", "-t", minor, "-f", shop.Files["Dockerfile"], Path.GetDirectoryName(shop.Files["Dockerfile"])!);
        shop.Use("2");
        shop.UseServer(minor);
        shop.AssertUpgraded(await shop.RunAsync(shop.Request(shop.Url + "/health")), data);
        Assert.Equal("true", shop.Engine.Inspect(server, "{{.State.Running}}"));
        Assert.Contains(shop.Files.Observer.Warnings, warning => warning.Contains(minor, StringComparison.Ordinal) && warning.Contains("next 'docker compose up'", StringComparison.Ordinal));
    }

    private static string Git(ComposeShop shop, params string[] arguments)
    {
        (int exit, string output) = OtherProcess.Run(["git", "-C", shop.Folder, "-c", "user.name=t", "-c", "user.email=t@example.org", .. arguments]);
        Assert.True(exit == 0, output);
        return output.Trim();
    }
}
