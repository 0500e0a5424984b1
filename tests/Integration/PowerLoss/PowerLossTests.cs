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
        int[] seeds = only is null ? [.. Enumerable.Range(0, Sampling.Rounds(250, 20_000))] : [int.Parse(only, CultureInfo.InvariantCulture)];
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

    // Some take minutes: only few losses of power leave what they do wrong.
    [SampledTheory]
    [InlineData("New-DbBackup", "payload-not-flushed", "is listed, and its test failed")]
    [InlineData("New-DbBackup", "folder-not-flushed", "The new backup was confirmed, and is lost.")]
    [InlineData("first New-DbBackup", "repository-not-flushed", "The new backup was confirmed, and is lost.")]
    [InlineData("New-DbBackup", "manifest-first", "is listed, and its test failed")]
    [InlineData("Remove-DbBackup", "folder-not-flushed", "The removed backup is back.")]
    [CompleteRunData("Restore-DbBackup", "journal-not-flushed", "The target is neither the old state nor the new one")]
    [InlineData("Restore-DbBackup", "staged-not-flushed", "The target is neither the old state nor the new one")]
    [CompleteRunData("Restore-DbBackup", "staged-names-not-flushed", "The target is neither the old state nor the new one")]
    public async Task A_command_that_does_not_flush_is_found(string command, string mistake, string finding)
    {
        using PowerLossScenario scenario = await PowerLossScenario.RecordAsync(command);
        await Proof.FindsAsync((recording, seed) => TryAsync(scenario, recording, seed), scenario.Recording, Faulty(scenario.Recording, mistake), finding);
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

        int swap = all.ToList().FindIndex(operation => operation.Data?.AsSpan().StartsWith("swap "u8) == true && operation.Path.StartsWith(".dbbackup-restore-", StringComparison.Ordinal));
        int staged = swap < 0 ? -1 : all.Take(swap).ToList().FindLastIndex(operation => operation == new FileOperation(FileOperationKind.Flush, string.Empty));
        return recording.WithoutFlushes((operation, index, isFolder) => mistake switch
        {
            "payload-not-flushed" => !isFolder && !operation.Path.EndsWith(".tmp", StringComparison.Ordinal) && operation.Path.StartsWith("backups/", StringComparison.Ordinal),
            "folder-not-flushed" => isFolder && operation.Path.StartsWith("backups", StringComparison.Ordinal),
            "journal-not-flushed" => operation.Path.StartsWith(".dbbackup-restore-", StringComparison.Ordinal),
            "repository-not-flushed" => operation.Path.Length == 0,
            "staged-not-flushed" => !isFolder && operation.Path.Contains(".new", StringComparison.Ordinal),
            _ => index == staged,
        });
    }
}
