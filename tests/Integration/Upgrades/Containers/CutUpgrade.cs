using DbBackup.Engine.Encryption;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>Ends upgrades of applications as kill -9 ends them, and makes of them what a person would.</summary>
internal static class CutUpgrade
{
    /// <summary>Killed where a step begins, and taken back.</summary>
    public static async Task UndoAsync(ShopBench shop, string step)
    {
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        UpgradeResult cut = Cut(shop, step);
        UpgradeResult undone = await shop.Service.UndoAsync(cut.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        shop.AssertAsBefore(data, leftovers);
        await AssertNoRehearsalAsync(shop);
    }

    /// <summary>Killed where a step begins, gone on with, and that taken back.</summary>
    public static async Task ResumeAsync(ShopBench shop, string step)
    {
        string data = shop.Data;
        UpgradeResult cut = Cut(shop, step);
        shop.AssertUpgraded(await shop.Service.ResumeAsync(cut.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None), data);
        await AssertNoRehearsalAsync(shop);
        await shop.Service.UndoAsync(cut.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None);
        Assert.Equal("1", shop.Answer("/version"));
        Assert.Equal(data, shop.Data);
    }

    private static UpgradeResult Cut(ShopBench shop, string step)
    {
        shop.Use("2");
        (int exit, string output) = OtherProcess.Run(UpgradeProcess.Command(
            shop.Files, shop.Journals, shop.Request() with { NoRehearsal = step is not ("Rehearsal" or "Maintenance") }, step));
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

    /// <summary>A migration that goes on when its upgrade is killed is ended before the way back.</summary>
    public static async Task OutliveAsync(ShopBench shop, string migrateAgain)
    {
        (string data, string leftovers) = (shop.Data, shop.Leftovers);
        shop.Use("2");
        using (OtherProcess upgrade = OtherProcess.StartCommand(UpgradeProcess.Command(shop.Files, shop.Journals, shop.Request() with { NoRehearsal = true, Migrate = $"while {migrateAgain}; do sleep 0.1; done" }, "0")))
        {
            upgrade.WaitFor(_ => shop.Engine.Docker("ps", "--format", "{{.Names}} {{.Command}}", "--no-trunc").Contains("while", StringComparison.Ordinal));
            await Task.Delay(2000);
            upgrade.Kill();
        }

        UpgradeResult cut = Assert.Single(shop.Service.List());
        Assert.Equal(UpgradeState.Interrupted, cut.State);
        await shop.Service.UndoAsync(cut.Id, null, new KeyRing(), shop.Files.Observer, CancellationToken.None);
        await Task.Delay(1000);
        shop.AssertAsBefore(data, leftovers);
    }
}
