using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>Restores of several things of which one cannot be put in place: those before it have their previous state again.</summary>
public sealed class RestoreTransactionTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_was_swapped_is_undone_if_a_later_swap_fails(int failing)
    {
        Backup backup = await PrepareAsync();
        string present = State();
        RestorePart part = await PartAsync(backup);
        IRestoreParticipant[] participants = [.. part.Participants.OrderBy(participant => participant.Order)];
        Assert.Equal(3, participants.Length);
        var broken = new FailingParticipant(participants[failing]);
        participants[failing] = broken;

        InvalidDataException failure = await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(backup, part with { Participants = participants }));

        Assert.Equal("broken", failure.Message);
        Assert.True(broken.WasReached);
        Assert.Equal(present, State());
        _bench.AssertNoLeftovers();
        Assert.Empty(await RestoreUndo.ListAsync(_bench.Repository, null, CancellationToken.None));
        await _bench.RestoreAsync(backup);
        Assert.NotEqual(present, State());
    }

    [Fact]
    public async Task What_cannot_be_undone_now_is_undone_by_the_next_run()
    {
        Backup backup = await PrepareAsync();
        string present = State();
        RestorePart part = await PartAsync(backup);
        IRestoreParticipant[] participants = [.. part.Participants.OrderBy(participant => participant.Order)];
        participants[1] = new FailingParticipant(participants[1]) { FailsToUndo = true, FailsAfterSwap = true };

        await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(backup, part with { Participants = participants }));

        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("could not be undone", StringComparison.Ordinal));
        Assert.NotEqual(present, State());
        string journal = Assert.Single(Directory.GetFiles(_bench.Folder.Path, ".dbbackup-restore-*"));
        // As if this process had died: its own journals are not its next run's business.
        File.WriteAllText(journal, File.ReadAllText(journal).Replace($":{Environment.ProcessId},", ":999999999,", StringComparison.Ordinal));
        Assert.True(await RestoreRecovery.RunAsync([_bench["app.db"]], _bench.Observer, CancellationToken.None));
        Assert.Equal(present, State());
        _bench.AssertNoLeftovers();
    }

    private async Task<RestorePart> PartAsync(Backup backup) => Assert.Single(await PreparedRestore.PlanPartsAsync(
        _bench.Repository, new RestoreRequest { Backup = backup }, undoes: false, changeNothing: false, _bench.Observer, CancellationToken.None));

    private Task<RestoreResult> RunAsync(Backup backup, RestorePart part) =>
        PreparedRestore.Compose(_bench.Repository, new RestoreRequest { Backup = backup }, [part], undoes: null).RunAsync(_bench.Observer, CancellationToken.None);

    private async Task<Backup> PrepareAsync()
    {
        SampleDatabase.Create(_bench["app.db"], journal: "WAL", mark: "wanted");
        foreach (string folder in (string[])["one", "two"])
        {
            Directory.CreateDirectory(_bench[folder]);
            File.WriteAllText(_bench[$"{folder}/file.txt"], "wanted");
        }

        Backup backup = await _bench.BackUpAsync(_bench["app.db"], _bench["one"], _bench["two"]);
        SampleDatabase.Run(_bench["app.db"], "UPDATE notes SET text = 'present'");
        File.WriteAllText(_bench["one/file.txt"], "present");
        File.WriteAllText(_bench["two/file.txt"], "present");
        return backup;
    }

    private string State() => SampleDatabase.Content(_bench["app.db"]) + File.ReadAllText(_bench["one/file.txt"]) + File.ReadAllText(_bench["two/file.txt"]);
}
