using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.PowerLoss;

/// <summary>What must be true after a power loss, whenever it comes. It is asked as a user would: by the next commands.</summary>
internal static class Invariants
{
    /// <summary>Checks the state that a power loss left of a scenario.</summary>
    /// <param name="scenario">The scenario, its disk in the state after the power loss.</param>
    /// <param name="returned">Whether the command had returned before.</param>
    public static async Task CheckAsync(PowerLossScenario scenario, bool returned)
    {
        using var bench = new Workbench(scenario.RepositoryPath);
        // Every backup and restore of the source begins with it.
        await RestoreRecovery.RunAsync([scenario.Database, scenario.Uploads], bench.Observer, CancellationToken.None);

        // A repository can always be listed, and a listed backup is complete.
        IReadOnlyList<Backup> listed = Directory.Exists(scenario.RepositoryPath) ? await bench.ListAsync() : [];
        foreach (Backup backup in listed)
        {
            BackupTestResult result = await bench.TestAsync(backup, BackupTestLevel.Structure);
            Assert.True(result.Passed, $"'{backup}' is listed, and its test failed: {result.Failure}");
        }

        // What was confirmed is there, and nothing else went.
        HashSet<string> names = [.. listed.Select(backup => backup.ToString())];
        foreach (string name in scenario.Backups.Where(name => scenario.Name != "Remove-DbBackup" || name != scenario.Subject))
            Assert.True(names.Contains(name), $"'{name}' is lost.");
        if (returned)
        {
            switch (scenario.Name)
            {
                case "New-DbBackup" or "first New-DbBackup":
                    Assert.True(names.Count > scenario.Backups.Count, "The new backup was confirmed, and is lost.");
                    break;
                case "Remove-DbBackup":
                    Assert.True(!names.Contains(scenario.Subject), "The removed backup is back.");
                    break;
                case "Test-DbBackup":
                    BackupStatus status = listed.Single(backup => backup.ToString() == scenario.Subject).Status;
                    Assert.True(status == BackupStatus.Matched, $"The test was confirmed, and the backup is {status}.");
                    break;
            }
        }

        // The target is whole old or whole new: the database and the uploads together.
        Assert.True(File.Exists(scenario.Database) && Directory.Exists(scenario.Uploads), "The database or the uploads are gone.");
        string state = scenario.State();
        Assert.True(state == scenario.OldState || state == scenario.NewState, "The target is neither the old state nor the new one: " + state);
        Assert.True(!returned || state == scenario.NewState, "The command had returned, and its target is the old state.");

        // What a restore replaced is still there, and can be had back.
        if (scenario.Name is "Restore-DbBackup" or "Undo-DbRestore" && state == scenario.NewState)
        {
            Assert.True(listed.Any(backup => backup.Reason == "Safety" && !scenario.Backups.Contains(backup.ToString())), "The target is replaced, and its safety backup is lost.");
            Assert.True((await RestoreUndo.ListAsync(bench.Repository, null, CancellationToken.None)).Count > 0, "The target is replaced, and no undo knows it.");
        }

        // The next backup does not need any help.
        Backup next = await bench.BackUpAsync(scenario.Database, scenario.Uploads);
        Assert.Contains(await bench.ListAsync(), backup => backup.ToString() == next.ToString());
    }
}
