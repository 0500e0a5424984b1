using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>Upgrades of a single container that end as kill -9 ends them, after each step in turn, and what is made of them.</summary>
[Trait("Category", "Docker")]
[Trait("Category", "Kill")]
public sealed class KilledContainerUpgradeTests
{
    // The name is that of the step that has begun: the one before it is done.
    [Fact]
    public async Task Left_after_any_step_it_is_brought_back()
    {
        using var shop = new ContainerShop();
        foreach (string step in Sampling.Of(
            ["Version", "Rehearsal", "Maintenance", "Backup", "Install", "Migration", "Start", "Check", "Release"], "Maintenance", "Install", "Migration", "Release"))
            await CutUpgrade.UndoAsync(shop, step);
    }

    [Fact]
    public async Task Left_after_a_step_it_is_brought_on_and_that_is_taken_back()
    {
        using var shop = new ContainerShop();
        foreach (string step in Sampling.Of(["Rehearsal", "Install", "Migration", "Start", "Release"], "Install", "Start"))
            await CutUpgrade.ResumeAsync(shop, step);
    }

    [Fact]
    public async Task Migration_that_outlives_its_upgrade_is_ended_before_the_way_back()
    {
        using var shop = new ContainerShop();
        await CutUpgrade.OutliveAsync(shop, "sqlite3 /app/data/shop.db 'INSERT INTO orders (note) VALUES (1)'");
    }
}
