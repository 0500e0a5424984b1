using DbBackup.Testing;
using DbBackup.Testing.PowerLoss;
using DbBackup.Tests.Integration.Docker;

namespace DbBackup.Tests.Integration.PowerLoss;

/// <summary>
/// The power of the machine that makes a backup is cut while an application is paused or stopped, be it on this Docker engine or on another
/// machine's: what was paused runs again. The recording has the requests to the engine in their place among the operations on files.
/// </summary>
[Trait("Category", "Docker")]
[Trait("Category", "Tool")]
public sealed class PausePowerLossTests : IDisposable
{
    private readonly PauseBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(PauseMode.Paused)]
    [InlineData(PauseMode.Stopped)]
    public async Task What_was_paused_runs_again(PauseMode mode)
    {
        string container = _bench.RunWriter();
        FileRecording recording = Record(mode, container);
        int halted = 0;
        for (int seed = 0; seed < Sampling.Rounds(60, 1000); seed++)
        {
            if (await TryAsync(recording, mode, container, seed, () => halted++) is { } violation)
                Assert.Fail(violation);
        }

        Assert.True(halted > 0, $"The container was {mode} at no power loss.");
    }

    [Theory]
    [InlineData("journal-not-flushed")]
    [InlineData("folder-not-flushed")]
    [InlineData("folders-above-not-flushed")]
    public async Task A_pause_that_does_not_flush_its_journal_is_found(string mistake)
    {
        string container = _bench.RunWriter();
        FileRecording sound = Record(PauseMode.Paused, container);
        FileRecording faulty = sound.WithoutFlushes((operation, _, isFolder) => mistake switch
        {
            "journal-not-flushed" => !isFolder && operation.Path.StartsWith("DbBackup/pauses/pause-", StringComparison.Ordinal),
            "folder-not-flushed" => operation.Path == "DbBackup/pauses",
            _ => isFolder && operation.Path is "" or "DbBackup",
        });
        await Proof.FindsAsync((recording, seed) => TryAsync(recording, PauseMode.Paused, container, seed, () => { }), sound, faulty, "was halted, and no run resumes it");
    }

    private FileRecording Record(PauseMode mode, string container)
    {
        using var folder = new TempFolder();
        string[] command = ["env", "XDG_DATA_HOME=" + _bench.Data, "sh", "-c", "exec \"$@\" </dev/null", "sh", .. OtherProcess.Command("pause", PauseBench.Endpoint.ToString(), mode.ToString(), container)];
        FileRecording recording = FileRecording.Of(_bench.Data, folder["trace"], command);
        Assert.True(IsHalted(recording, recording.Operations.Count - 1) == false && recording.Operations.Any(operation => operation.Kind == FileOperationKind.Request), "The pause was not recorded.");
        return recording;
    }

    private async Task<string?> TryAsync(FileRecording recording, PauseMode mode, string container, int seed, Action onHalted)
    {
        int point = recording.Crash(new Random(seed), _bench.Data);
        if (IsHalted(recording, point))
        {
            onHalted();
            _bench.Engine.Docker(mode == PauseMode.Paused ? "pause" : "kill", container);
        }

        await _bench.RecoverAsync();
        if (_bench.Status(container) == "running")
            return null;
        _bench.Engine.Docker(mode == PauseMode.Paused ? "unpause" : "start", container);
        return $"Seed {seed}: power cut after {point} of {recording.Operations.Count} operations: the container was halted, and no run resumes it.";
    }

    // A request that was sent is carried out.
    private static bool IsHalted(FileRecording recording, int point)
    {
        bool halted = false;
        foreach (FileOperation request in recording.Operations.Take(point).Where(operation => operation.Kind == FileOperationKind.Request))
        {
            string operation = request.Path.Split(' ')[1].Split('?')[0].Split('/')[^1];
            halted = operation is "pause" or "stop" || (halted && operation is not ("unpause" or "start"));
        }

        return halted;
    }
}
