using DbBackup.Engine.Encryption;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>Upgrades of a server to another major version that end as kill -9 ends them, after each step in turn, and what is made of them.</summary>
[Trait("Category", "Docker")]
[Trait("Category", "Kill")]
public sealed class KilledMajorVersionUpgradeTests
{
    // The name is that of the step that has begun: the one before it is done.
    [Fact]
    public async Task Left_after_any_step_the_old_server_is_brought_back()
    {
        using var bench = new MajorVersionBench(15, 17);
        string facts = bench.Facts;
        foreach (string step in Sampling.Of(["Version", "Rehearsal", "Maintenance", "Backup", "Migration", "Start", "Check", "Release"], "Migration", "Check"))
        {
            string[] volumes = bench.Volumes;
            UpgradeResult cut = Cut(bench, step);
            UpgradeResult undone = await bench.UndoAsync(cut.Id);
            Assert.Equal(UpgradeState.RolledBack, undone.State);
            bench.AssertAsBefore(facts);
            // From Start on the new server may have run, and its volumes may hold the work of users.
            string[] left = [.. bench.Volumes.Except(volumes)];
            Assert.True(left.Length == (step is "Start" or "Check" or "Release" ? bench.OldVolumes.Length : 0), $"{step} leaves {string.Join(", ", left)}");
        }
    }

    [Fact]
    public async Task Left_after_a_step_it_is_resumed_and_that_is_rolled_back()
    {
        using var bench = new MajorVersionBench(15, 17);
        string facts = bench.Facts;
        foreach (string step in Sampling.Of(["Maintenance", "Backup", "Migration", "Start", "Release"], "Migration"))
        {
            UpgradeResult cut = Cut(bench, step);
            UpgradeResult resumed = await bench.Shop.Service.ResumeAsync(cut.Id, null, new KeyRing(), bench.Shop.Files.Observer, CancellationToken.None);
            Assert.True(resumed.State == UpgradeState.Succeeded, $"{step}: {resumed.Failure}");
            Assert.Equal("17", bench.Major);
            bench.Shop.Answer("/health");
            Assert.Equal(facts, bench.Facts);
            await bench.UndoAsync(cut.Id);
            bench.AssertAsBefore(facts);
        }
    }

    private static UpgradeResult Cut(MajorVersionBench bench, string step)
    {
        (int exit, string output) = OtherProcess.Run(UpgradeProcess.Command(bench.Shop.Files, bench.Shop.Journals, bench.Request() with { NoRehearsal = step is not ("Rehearsal" or "Maintenance") }, step));
        Assert.True(exit == 137, output);
        UpgradeResult cut = bench.Shop.Service.List()[0];
        Assert.Equal(UpgradeState.Interrupted, cut.State);
        return cut;
    }
}
