using DbBackup.Engine.Tests.Testing;

namespace DbBackup.Engine.Tests.Upgrades.Containers;

/// <summary>Upgrades of applications in containers that end as kill -9 ends them, after each step in turn, and what is made of them.</summary>
public sealed class KilledApplicationUpgradeTests
{
    public static TheoryData<string, bool> Steps => new()
    {
        // The name is that of the step that had begun: the one before it was done.
        { "Version", true }, { "Rehearsal", true }, { "Maintenance", true }, { "Backup", true }, { "Install", true }, { "Migration", true }, { "Start", true }, { "Check", true }, { "Release", true },
        { "Rehearsal", false }, { "Backup", false }, { "Install", false }, { "Migration", false }, { "Start", false }, { "Release", false },
    };

    [SkippableTheory]
    [MemberData(nameof(Steps))]
    public async Task Container_that_was_left_in_the_middle_is_brought_back_or_on(string step, bool undo)
    {
        using var shop = new ContainerShop();
        await EndAsync(shop, step, undo);
    }

    [SkippableTheory]
    [InlineData("Rehearsal", true)]
    [InlineData("Backup", true)]
    [InlineData("Migration", true)]
    [InlineData("Start", true)]
    [InlineData("Check", true)]
    [InlineData("Migration", false)]
    [InlineData("Start", false)]
    public async Task Project_that_was_left_in_the_middle_is_brought_back_or_on(string step, bool undo)
    {
        using var shop = new ComposeShop();
        await EndAsync(shop, step, undo);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Migration_that_outlives_its_upgrade_is_ended_before_the_way_back(bool inProject)
    {
        using ShopBench shop = inProject ? new ComposeShop() : new ContainerShop();
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("2");
        string sql = "INSERT INTO orders (note) VALUES (1)";
        string again = inProject ? $"psql \"$DATABASE_URL\" -c \"{sql}\"" : $"sqlite3 /app/data/shop.db \"{sql}\"";
        using (OtherProcess upgrade = OtherProcess.StartCommand(UpgradeProcess.Command(shop.Files, shop.Journals, shop.Request() with { NoRehearsal = true, Migrate = $"while {again}; do sleep 0.1; done" }, "0")))
        {
            upgrade.WaitFor(_ => shop.Engine.Docker("ps", "--format", "{{.Names}} {{.Command}}", "--no-trunc").Contains("while", StringComparison.Ordinal));
            await Task.Delay(2000);
            upgrade.Kill();
        }

        UpgradeResult cut = Assert.Single(shop.Service.List());
        Assert.Equal(UpgradeState.Interrupted, cut.State);
        await shop.Service.UndoAsync(cut.Id, null, shop.Files.Observer, CancellationToken.None);
        await Task.Delay(1000);
        shop.AssertAsBefore(data, leftovers);
    }

    private static async Task EndAsync(ShopBench shop, string step, bool undo)
    {
        await CutAndEndAsync(shop, step, undo);
        if (Directory.Exists(shop.Files.RepositoryPath))
            Assert.DoesNotContain(await shop.Files.ListAsync(), backup => backup.Manifest!.Tags.Any(tag => tag.StartsWith("rehearsal:", StringComparison.Ordinal)));
    }

    private static async Task CutAndEndAsync(ShopBench shop, string step, bool undo)
    {
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("2");
        (int exit, string output) = OtherProcess.Run(UpgradeProcess.Command(shop.Files, shop.Journals, shop.Request(), step));
        Assert.True(exit == 137, output);
        UpgradeResult cut = Assert.Single(shop.Service.List());
        Assert.Equal(UpgradeState.Interrupted, cut.State);
        if (undo)
        {
            UpgradeResult undone = await shop.Service.UndoAsync(cut.Id, null, shop.Files.Observer, CancellationToken.None);
            Assert.Equal(UpgradeState.RolledBack, undone.State);
            shop.AssertAsBefore(data, leftovers);
        }
        else
        {
            shop.AssertUpgraded(await shop.Service.ResumeAsync(cut.Id, null, shop.Files.Observer, CancellationToken.None), data);
        }
    }
}
