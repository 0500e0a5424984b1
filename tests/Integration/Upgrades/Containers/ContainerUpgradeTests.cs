using System.Text.RegularExpressions;
using DbBackup.Engine.Encryption;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>Upgrades of a single container with its data in a volume.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerUpgradeTests
{
    [Fact]
    public async Task New_version_runs_on_the_migrated_data_and_is_otherwise_the_same_container()
    {
        using var shop = new ContainerShop("-e", "OWN=kept", "--label", "own=kept", "--restart", "unless-stopped", "--memory", "200m", "--hostname", "shop", "--add-host", "other:10.9.8.7");
        string definition = Definition(shop);
        string data = shop.Data;
        string before = shop.Container;
        shop.Use("2");
        UpgradeResult result = await shop.RunAsync(shop.Request("SELECT count(*) = 200 FROM orders WHERE extra = 'new'", shop.Url + "/health", "test -f /app/data/shop.db"));
        shop.AssertUpgraded(result, data);
        Assert.All(result.Steps, step => Assert.Equal(UpgradeStepState.Done, step.State));
        Assert.Equal(definition.Replace("SHOP_VERSION=1", "SHOP_VERSION=2", StringComparison.Ordinal), Definition(shop));
        Assert.Equal(("r1", "r2"), (result.FromRevision, result.ToRevision));
        Assert.NotNull(result.Downtime);
        Backup backup = Assert.Single(await shop.Files.ListAsync());
        Assert.Equal((BackupReason.PreMigration, BackupStatus.Matched), (backup.Reason, backup.Status));
        // The old container is gone, its image is not.
        Assert.DoesNotContain("before-", shop.Leftovers, StringComparison.Ordinal);
        Assert.Contains("dbbackup-kept", shop.Leftovers, StringComparison.Ordinal);
        Assert.Equal(before, shop.Container);
        // What it was made of is in the journal, without the values of its variables.
        string journal = File.ReadAllText(Assert.Single(Directory.GetFiles(shop.Journals, "*.json")));
        Assert.Contains("unless-stopped", journal, StringComparison.Ordinal);
        Assert.DoesNotContain("OWN=kept", journal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_that_migrates_at_its_start_is_tried_on_a_copy_first()
    {
        using var shop = new ContainerShop("-e", "AUTO_MIGRATE=1");
        string data = shop.Data;
        shop.Use("2");
        UpgradeResult result = await shop.RunAsync(shop.Request() with { Migrate = null });
        shop.AssertUpgraded(result, data);
        Assert.Contains("on a copy", result.Steps.Single(step => step.Name == "Rehearsal").Detail, StringComparison.Ordinal);
        Assert.Equal(UpgradeStepState.Skipped, UpgradeBench.StateOf(result, "Migration"));
    }

    [SampledTheory]
    [InlineData("crash", "Check", null)]
    [CompleteRunData("sick", "Check", null)]
    [CompleteRunData("badmigration", "Migration", null)]
    [InlineData("halfmigration", "Migration", null)]
    [InlineData("2", "Migration", "sqlite3 /app/data/shop.db 'DROP TABLE orders' && sleep 600")]
    [CompleteRunData("2", "Migration", "rm /app/data/shop.db; exit 4")]
    [CompleteRunData("2", "Check", "true")]
    public async Task Failure_gives_back_the_old_container_and_its_data(string version, string step, string? migrate)
    {
        using var shop = new ContainerShop();
        (string data, string leftovers, string image) = (shop.Data, shop.Leftovers, shop.Engine.Inspect(shop.Name, "{{.Id}}"));
        shop.Use(version);
        UpgradeResult result = await shop.RunAsync(shop.Request(shop.Url + "/health") with
        {
            NoRehearsal = true,
            Migrate = migrate ?? ContainerShop.Migrate,
            Timeout = TimeSpan.FromSeconds(migrate is null ? 60 : 5),
            SettleTime = version == "2" ? TimeSpan.FromSeconds(8) : ShopBench.UntilItFails,
        });
        Assert.Equal(UpgradeState.RolledBack, result.State);
        string failed = result.Steps.First(each => each.State == UpgradeStepState.Failed).Name;
        // What fails a few seconds after its start does so before the start is over where the machine is slow.
        Assert.Contains(failed, step == "Check" ? ["Start", "Check"] : new[] { step });
        shop.AssertAsBefore(data, leftovers);
        Assert.Equal(image, shop.Engine.Inspect(shop.Name, "{{.Id}}"));
    }

    [Theory]
    [InlineData("halfmigration", true)]
    [InlineData("crash", false)]
    public async Task What_fails_in_the_rehearsal_never_stops_the_application(string version, bool migrates)
    {
        using var shop = new ContainerShop("-e", "AUTO_MIGRATE=" + (migrates ? "0" : "1"));
        (string data, string leftovers, string started) = (shop.Data, shop.Leftovers, shop.Engine.Inspect(shop.Name, "{{.State.StartedAt}}"));
        shop.Use(version);
        UpgradeResult result = await shop.RunAsync(shop.Request() with { Migrate = migrates ? ContainerShop.Migrate : null, SettleTime = ShopBench.UntilItFails });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Rehearsal")));
        Assert.Equal(started, shop.Engine.Inspect(shop.Name, "{{.State.StartedAt}}"));
        Assert.Null(result.Downtime);
        shop.AssertAsBefore(data, leftovers);
        Assert.Empty(await shop.Files.ListAsync());
    }

    [Fact]
    public async Task Image_that_cannot_be_pulled_never_stops_the_application()
    {
        using var shop = new ContainerShop();
        (string data, string leftovers, string started) = (shop.Data, shop.Leftovers, shop.Engine.Inspect(shop.Name, "{{.State.StartedAt}}"));
        UpgradeResult result = await shop.RunAsync(shop.Request() with { Subject = shop.Subject with { Image = "127.0.0.1:1/none:2", Pull = true } });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Version")));
        Assert.Equal(started, shop.Engine.Inspect(shop.Name, "{{.State.StartedAt}}"));
        shop.AssertAsBefore(data, leftovers);
        UpgradeResult missing = await shop.RunAsync(shop.Request() with { Subject = shop.Subject with { Image = "dbbackup-test/none:2" } });
        Assert.Equal(UpgradeStepState.Failed, UpgradeBench.StateOf(missing, "Preflight"));
        Assert.Contains("no image", missing.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Disk_that_is_full_at_the_backup_leads_back()
    {
        using var shop = new ContainerShop();
        using var disk = new SmallDisk(40);
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("2");
        var observer = new StepObserver(("Backup", () => disk.FillBut(4096)));
        UpgradeResult result = await shop.Service.RunAsync(shop.Request() with { NoRehearsal = true }, DbBackup.Engine.Repository.BackupRepository.At(disk.Path), observer, CancellationToken.None);
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, UpgradeBench.StateOf(result, "Backup")));
        Assert.NotNull(result.Downtime);
        shop.AssertAsBefore(data, leftovers);
    }

    [Fact]
    public async Task Way_back_is_tried_again_and_two_at_once_are_refused()
    {
        using var shop = new ContainerShop();
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("halfmigration");
        string aside = shop.Files["aside"];
        Exception? second = null;
        var observer = new StepObserver(
            ("Migration", () => second = Record.ExceptionAsync(() => shop.RunAsync(shop.Request())).AsTask().GetAwaiter().GetResult()),
            ("rolling back", () => Directory.Move(shop.Files.RepositoryPath, aside)),
            ("is retried", () => Directory.Move(aside, shop.Files.RepositoryPath)));
        UpgradeResult result = await shop.RunAsync(shop.Request() with { NoRehearsal = true }, observer);
        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(ErrorCodes.UpgradeInProgress, Assert.IsType<BackupFailure>(second, exactMatch: false).Code);
        shop.AssertAsBefore(data, leftovers);
    }

    [Fact]
    public async Task Success_is_taken_back_after_the_old_container_was_let_go()
    {
        using var shop = new ContainerShop("-e", "OWN=kept", "--label", "own=kept", "--hostname", "shop");
        (string data, string definition) = (shop.Data, Definition(shop));
        shop.Use("2");
        UpgradeResult result = await shop.RunAsync(shop.Request());
        Assert.Equal(UpgradeState.Succeeded, result.State);
        UpgradeResult undone = await shop.Service.UndoAsync(result.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        Assert.Equal("1", shop.Answer("/version"));
        Assert.Equal(data, shop.Data);
        Assert.Equal(definition, Definition(shop));
        Assert.DoesNotContain("undone-", shop.Leftovers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failure_that_is_not_to_be_taken_back_can_be_later()
    {
        using var shop = new ContainerShop();
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("halfmigration");
        UpgradeResult failed = await shop.RunAsync(shop.Request() with { NoRehearsal = true, NoRollback = true });
        Assert.Equal(UpgradeState.Failed, failed.State);
        await shop.Service.UndoAsync(failed.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None);
        shop.AssertAsBefore(data, leftovers);
    }

    // All that a person or the engine has decided of a container, without what names this one alone.
    // The tests' images say in a label what they were made from.
    private static string Definition(ShopBench shop) => Regex.Replace(shop.Engine.Inspect(
        shop.Container,
        "{{json .Config.Env}} {{json .Config.Labels}} {{.Config.Hostname}} {{json .Config.Cmd}} {{json .Config.Healthcheck}} {{json .HostConfig.Binds}} {{json .HostConfig.PortBindings}} {{json .HostConfig.RestartPolicy}} {{.HostConfig.Memory}} {{json .HostConfig.ExtraHosts}} {{.HostConfig.NetworkMode}} {{range .Mounts}}{{.Name}}:{{.Destination}}{{end}}"), "\"dbbackup-test[^,}]*,?", string.Empty);
}
