using DbBackup.Engine.Encryption;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>Upgrades that end as kill -9 ends them, and what is made of them.</summary>
[Trait("Category", "Kill")]
public sealed class KilledUpgradeTests
{
    [SampledTheory]
    [InlineData(true, false)]
    [CompleteRunData(false, false)]
    [CompleteRunData(true, true)]
    [InlineData(false, true)]
    public async Task Killed_at_any_report_it_is_undone_or_gone_on_with_and_no_row_is_lost(bool undo, bool isEncrypted)
    {
        // Nobody has the secret key: what is left is finished by the host that has the public one alone.
        BackupSealing? sealing = isEncrypted ? BackupSealing.To([X25519Identity.Create().Recipient.ToString()]) : null;
        UpgradeBench? bench = null;
        var states = new HashSet<string>();
        // Each run upgrades a database of its own.
        (int ExitCode, string Output) Run(string killAt)
        {
            bench?.Dispose();
            bench = new UpgradeBench();
            return OtherProcess.Run(UpgradeProcess.Command(bench.Files, bench.Journals, bench.Request(UpgradeBench.Good) with { Sealing = sealing }, killAt));
        }

        try
        {
            (int exit, string output) = Run("0");
            Assert.True(exit == 0, output);
            Assert.True(bench!.IsMigrated);
            int reports = KillPoints.CountReports(output);
            Assert.True(reports >= 8, $"It reported only {reports} times.");
            await KillPoints.KillAtEachAsync(KillPoints.Of(reports, sampleSize: 10), Run, (_, _) => EndAsync(bench, undo, states));
        }
        finally
        {
            bench?.Dispose();
        }

        Assert.Superset(Sampling.Complete ? new HashSet<string> { "Preflight", "Backup", "Rehearsal", "Migration", "Check" } : ["Backup", "Migration"], states);
    }

    private static async Task EndAsync(UpgradeBench bench, bool undo, HashSet<string> states)
    {
        UpgradeResult cut = Assert.Single(bench.Service.List());
        Assert.Equal(UpgradeState.Interrupted, cut.State);
        states.Add(cut.Steps.FirstOrDefault(step => step.State is UpgradeStepState.Running or UpgradeStepState.Pending)?.Name ?? "end");
        BackupException second = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RunAsync(bench.Request(UpgradeBench.Good)));
        Assert.Equal(ErrorCodes.UpgradeUnfinished, second.Code);
        UpgradeResult ended = undo
            ? await bench.Service.UndoAsync(cut.Id, null, new KeyRing(), bench.Files.Observer, CancellationToken.None)
            : await bench.Service.ResumeAsync(cut.Id, null, new KeyRing(), bench.Files.Observer, CancellationToken.None);
        Assert.Equal(undo ? UpgradeState.RolledBack : UpgradeState.Succeeded, ended.State);
        if (undo)
            bench.AssertAsBefore();
        Assert.Equal(!undo, bench.IsMigrated);
        Assert.Equal("100", SampleDatabase.Text(bench.Database, "SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task Migration_that_outlives_its_upgrade_is_ended_before_the_way_back()
    {
        using var bench = new UpgradeBench();
        const string Migrate = "case $DATABASE_URL in *rehearsal*) exit 0;; esac; sqlite3 app.db 'DELETE FROM notes'; touch begun; while sleep 0.2; do sqlite3 app.db \"INSERT INTO notes(text) VALUES ('late')\"; done";
        using (OtherProcess upgrade = OtherProcess.StartCommand(UpgradeProcess.Command(bench.Files, bench.Journals, bench.Request(Migrate), "0")))
        {
            upgrade.WaitFor(_ => File.Exists(bench.Files["begun"]));
            upgrade.Kill();
        }

        UpgradeResult cut = Assert.Single(bench.Service.List());
        await bench.Service.UndoAsync(cut.Id, null, new KeyRing(), bench.Files.Observer, CancellationToken.None);
        Assert.Contains(bench.Files.Observer.Warnings, warning => warning.Contains("was still running", StringComparison.Ordinal));
        await Task.Delay(1000);
        bench.AssertAsBefore();
    }
}
