using DbBackup.Engine.Tests.Testing;

namespace DbBackup.Engine.Tests.Upgrades.Containers;

/// <summary>Upgrades of applications in containers that end as kill -9 ends them, after each step in turn, and what is made of them.</summary>
public sealed class KilledApplicationUpgradeTests
{
    // The name is that of the step that has begun: the one before it is done.
    private static readonly string[] s_ofContainer = ["Version", "Rehearsal", "Maintenance", "Backup", "Install", "Migration", "Start", "Check", "Release"];
    private static readonly string[] s_ofProject = ["Version", "Rehearsal", "Maintenance", "Backup", "Migration", "Start", "Check", "Release"];

    [SkippableFact]
    public async Task Container_that_was_left_after_any_step_is_brought_back()
    {
        using var shop = new ContainerShop();
        foreach (string step in s_ofContainer)
            await CutAndUndoAsync(shop, step);
    }

    [SkippableFact]
    public async Task Project_that_was_left_after_any_step_is_brought_back()
    {
        using var shop = new ComposeShop();
        foreach (string step in s_ofProject)
            await CutAndUndoAsync(shop, step);
    }

    [SkippableFact]
    public async Task Container_that_was_left_after_any_step_is_brought_on_and_that_is_taken_back()
    {
        using var shop = new ContainerShop();
        foreach (string step in s_ofContainer)
            await CutAndResumeAsync(shop, step);
    }

    [SkippableTheory]
    [InlineData("Rehearsal", "Backup")]
    [InlineData("Migration", "Start")]
    public async Task Project_that_was_left_after_a_step_is_brought_on_and_that_is_taken_back(params string[] steps)
    {
        using var shop = new ComposeShop();
        foreach (string step in steps)
            await CutAndResumeAsync(shop, step);
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

    private static async Task CutAndUndoAsync(ShopBench shop, string step)
    {
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        UpgradeResult cut = Cut(shop, step);
        UpgradeResult undone = await shop.Service.UndoAsync(cut.Id, null, shop.Files.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        shop.AssertAsBefore(data, leftovers);
        await AssertNoRehearsalAsync(shop);
    }

    private static async Task CutAndResumeAsync(ShopBench shop, string step)
    {
        string data = shop.Data;
        UpgradeResult cut = Cut(shop, step);
        shop.AssertUpgraded(await shop.Service.ResumeAsync(cut.Id, null, shop.Files.Observer, CancellationToken.None), data);
        await AssertNoRehearsalAsync(shop);
        await shop.Service.UndoAsync(cut.Id, null, shop.Files.Observer, CancellationToken.None);
        Assert.Equal("1", shop.Answer("/version"));
        Assert.Equal(data, shop.Data);
    }

    private static UpgradeResult Cut(ShopBench shop, string step)
    {
        shop.Use("2");
        (int exit, string output) = OtherProcess.Run(UpgradeProcess.Command(shop.Files, shop.Journals, shop.Request(), step));
        Assert.True(exit == 137, output);
        UpgradeResult cut = shop.Service.List()[0];
        Assert.Equal(UpgradeState.Interrupted, cut.State);
        return cut;
    }

    // The backup of a rehearsal goes with it.
    private static async Task AssertNoRehearsalAsync(ShopBench shop)
    {
        if (Directory.Exists(shop.Files.RepositoryPath))
            Assert.DoesNotContain(await shop.Files.ListAsync(), backup => backup.Manifest!.Tags.Any(tag => tag.StartsWith("rehearsal:", StringComparison.Ordinal)));
    }
}
