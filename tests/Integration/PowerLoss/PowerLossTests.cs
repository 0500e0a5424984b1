using System.Globalization;
using DbBackup.Testing;
using DbBackup.Testing.PowerLoss;

namespace DbBackup.Tests.Integration.PowerLoss;

/// <summary>
/// The power is cut while a command runs: see docs/testing.md. A seed chooses the command, the moment, and what of the writes and names
/// that were not flushed is on the disk afterwards.
/// </summary>
[Trait("Category", "Tool")]
public sealed class PowerLossTests
{
    [Fact]
    public async Task After_a_power_loss_the_invariants_hold()
    {
        string? only = Environment.GetEnvironmentVariable("DBBACKUP_TEST_SEED");
        int[] seeds = only is null ? [.. Enumerable.Range(0, Sampling.Rounds(500, 20_000))] : [int.Parse(only, CultureInfo.InvariantCulture)];
        for (int number = 0; number < PowerLossScenario.Names.Count; number++)
        {
            int[] own = [.. seeds.Where(seed => seed % PowerLossScenario.Names.Count == number)];
            if (own.Length == 0)
                continue;
            using PowerLossScenario scenario = await PowerLossScenario.RecordAsync(PowerLossScenario.Names[number]);
            foreach (int seed in own)
            {
                if (await TryAsync(scenario, scenario.Recording, seed) is { } violation)
                    Assert.Fail($"{violation}\nIt runs again with DBBACKUP_TEST_SEED={seed}.");
            }
        }
    }

    [Theory]
    [InlineData("New-DbBackup", "payload-not-flushed")]
    [InlineData("New-DbBackup", "folder-not-flushed")]
    [InlineData("New-DbBackup", "manifest-first")]
    [InlineData("Remove-DbBackup", "folder-not-flushed")]
    [InlineData("Restore-DbBackup", "journal-not-flushed")]
    [InlineData("Restore-DbBackup", "staged-not-flushed")]
    public async Task A_command_that_does_not_flush_is_found(string command, string mistake)
    {
        using PowerLossScenario scenario = await PowerLossScenario.RecordAsync(command);
        FileRecording faulty = Faulty(scenario.Recording, mistake);
        const int Most = 500;
        for (int seed = 0; seed < Most; seed++)
        {
            if (await TryAsync(scenario, faulty, seed) is { } violation)
            {
                TestContext.Current.SendDiagnosticMessage("{0}, {1}: found by seed {2}. {3}", command, mistake, seed, violation);
                return;
            }
        }

        Assert.Fail($"{mistake} of {command} was not found in {Most} seeds.");
    }

    private static async Task<string?> TryAsync(PowerLossScenario scenario, FileRecording recording, int seed)
    {
        int point = recording.Crash(new Random(seed), scenario.Disk);
        try
        {
            await Invariants.CheckAsync(scenario, returned: point >= recording.Returned);
            return null;
        }
        catch (Exception exception)
        {
            string last = point == 0 ? "nothing" : recording.Operations[point - 1].ToString();
            return $"Seed {seed}: {scenario.Name}, power cut after {point} of {recording.Operations.Count} operations ({last}): {exception.Message}";
        }
    }

    // An operation that is left out of the recording is one that the product did not call.
    private static FileRecording Faulty(FileRecording recording, string mistake)
    {
        IReadOnlyList<FileOperation> all = recording.Operations;
        if (mistake == "manifest-first")
        {
            FileOperation publish = all.Last(operation => operation.Kind == FileOperationKind.Rename && operation.To!.EndsWith("/backup.json", StringComparison.Ordinal));
            string folder = Path.GetDirectoryName(publish.To)!;
            FileOperation[] manifest = [.. all.Where(operation => operation.Path == publish.Path)];
            List<FileOperation> moved = [.. all.Except(manifest)];
            int begin = moved.FindIndex(operation => operation.Kind == FileOperationKind.CreateFolder && operation.Path == folder);
            moved.InsertRange(begin + 1, [.. manifest, new FileOperation(FileOperationKind.Flush, folder), new FileOperation(FileOperationKind.Flush, Path.GetDirectoryName(folder)!)]);
            return recording with { Operations = moved, Returned = recording.Returned + 2 };
        }

        SimulatedDisk disk = recording.Before.Copy();
        var kept = new List<FileOperation>();
        int returned = 0;
        for (int i = 0; i < all.Count; i++)
        {
            bool isFolder = all[i].Kind == FileOperationKind.Flush && disk.Find(all[i].Path)!.IsFolder;
            disk.Apply(all[i]);
            bool isLeftOut = all[i].Kind == FileOperationKind.Flush && mistake switch
            {
                "payload-not-flushed" => !isFolder && !all[i].Path.EndsWith(".tmp", StringComparison.Ordinal) && all[i].Path.StartsWith("backups/", StringComparison.Ordinal),
                "folder-not-flushed" => isFolder && all[i].Path.StartsWith("backups", StringComparison.Ordinal),
                "journal-not-flushed" => all[i].Path.StartsWith(".dbbackup-restore-", StringComparison.Ordinal),
                _ => !isFolder && all[i].Path.Contains(".new", StringComparison.Ordinal),
            };
            if (!isLeftOut)
                kept.Add(all[i]);
            if (i + 1 == recording.Returned)
                returned = kept.Count;
        }

        Assert.True(kept.Count < all.Count, $"There is no flush that '{mistake}' leaves out.");
        return recording with { Operations = kept, Returned = returned };
    }
}
