using DbBackup.Engine.Encryption;
using DbBackup.Testing;
using DbBackup.Testing.PowerLoss;
using DbBackup.Tests.Integration.Upgrades;

namespace DbBackup.Tests.Integration.PowerLoss;

/// <summary>The power is cut during an upgrade: it is unknown and nothing is changed, or its journal knows it, and it is rolled back or resumed.</summary>
[Trait("Category", "Tool")]
public sealed class UpgradePowerLossTests : IDisposable
{
    private readonly TempFolder _trace = new();
    private readonly UpgradeBench _bench = new(TempFolder.InMemory());

    public void Dispose()
    {
        _bench.Dispose();
        _trace.Dispose();
    }

    [Fact]
    public async Task An_upgrade_ends_whole()
    {
        FileRecording recording = await RecordAsync();
        for (int seed = 0; seed < Sampling.Rounds(40, 1000); seed++)
        {
            if (await TryAsync(recording, seed) is { } violation)
                Assert.Fail(violation);
        }
    }

    [SampledTheory]
    [InlineData("journals", "no journal knows of its upgrade")]
    [CompleteRunData("", "has a hot journal")]
    public async Task A_journal_or_a_migration_that_is_not_flushed_is_found(string folder, string finding)
    {
        FileRecording sound = await RecordAsync();
        FileRecording faulty = sound.WithoutFlushes((operation, _, _) => operation.Path == folder || (folder.Length > 0 && operation.Path.StartsWith(folder + "/", StringComparison.Ordinal)));
        await Proof.FindsAsync(TryAsync, sound, faulty, finding);
    }

    private async Task<FileRecording> RecordAsync()
    {
        // This user's memory of repositories is on no simulated disk: it would miss one that is not there at some power losses.
        await _bench.Files.BackUpAsync(_bench.Database);
        FileRecording recording = FileRecording.Of(_bench.Files.Folder.Path, _trace["trace"], UpgradeProcess.Command(_bench.Files, _bench.Journals, _bench.Request(UpgradeBench.Good), "0"));
        Assert.True(_bench.IsMigrated);
        return recording;
    }

    private async Task<string?> TryAsync(FileRecording recording, int seed)
    {
        int point = recording.Crash(new Random(seed), _bench.Files.Folder.Path);
        try
        {
            await CheckAsync(point >= recording.Returned, undo: seed % 2 == 0);
            return null;
        }
        catch (Exception exception)
        {
            string last = point == 0 ? "nothing" : recording.Operations[point - 1].ToString();
            return $"Seed {seed}: power cut after {point} of {recording.Operations.Count} operations ({last}): {exception.Message}";
        }
    }

    private async Task CheckAsync(bool returned, bool undo)
    {
        UpgradeResult? known = _bench.Service.List().SingleOrDefault();
        if (known?.State == UpgradeState.Interrupted)
        {
            known = undo
                ? await _bench.Service.UndoAsync(known.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None)
                : await _bench.Service.ResumeAsync(known.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None);
            Assert.True(known.State == (undo ? UpgradeState.RolledBack : UpgradeState.Succeeded), $"The upgrade is {known.State}: {known.Failure}");
        }

        Assert.True(!returned || known?.State is UpgradeState.Succeeded or UpgradeState.RolledBack, "The upgrade was confirmed, and is unknown.");
        if (known?.State == UpgradeState.Succeeded)
            Assert.True(_bench.IsMigrated, "The upgrade has succeeded, and the database is not migrated.");
        else
            Assert.True(SampleDatabase.Content(_bench.Database) == _bench.Before, known is null ? "The database is changed, and no journal knows of its upgrade." : "The upgrade is rolled back, and the database is changed.");
        Assert.Equal("100", SampleDatabase.Text(_bench.Database, "SELECT count(*) FROM notes"));
        Assert.Equal("ok", SampleDatabase.Text(_bench.Database, "PRAGMA integrity_check"));
    }
}
