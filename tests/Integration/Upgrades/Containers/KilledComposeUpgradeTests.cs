using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>Upgrades of a compose project that end as kill -9 ends them, after each step in turn, and what is made of them.</summary>
[Trait("Category", "Docker")]
[Trait("Category", "Kill")]
public sealed class KilledComposeUpgradeTests
{
    // The name is that of the step that has begun: the one before it is done.
    [Fact]
    public async Task Left_after_any_step_it_is_brought_back()
    {
        using var shop = new ComposeShop();
        foreach (string step in Sampling.Of(["Version", "Rehearsal", "Maintenance", "Backup", "Migration", "Start", "Check", "Release"], "Rehearsal", "Migration", "Check"))
            await CutUpgrade.UndoAsync(shop, step);
    }

    [Fact]
    public async Task Left_after_a_step_it_is_brought_on_and_that_is_taken_back()
    {
        using var shop = new ComposeShop();
        foreach (string step in Sampling.Of(["Migration", "Start"], "Start"))
            await CutUpgrade.ResumeAsync(shop, step);
    }

    [Fact]
    public async Task Migration_that_outlives_its_upgrade_is_ended_before_the_way_back()
    {
        using var shop = new ComposeShop();
        await CutUpgrade.OutliveAsync(shop, "psql \"$DATABASE_URL\" -c 'INSERT INTO orders (note) VALUES (1)'");
    }
}
