using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Engines;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>The engine cannot be reached just when the application is to go on.</summary>
[Trait("Category", "Docker")]
public sealed class PauseAndEngineFaultTests : IDisposable
{
    private readonly PauseBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task An_engine_that_is_away_for_a_moment_is_waited_for()
    {
        string container = _bench.RunWriter();
        using var way = new SocketForwarder(Path.Join(_bench.Data, "way.sock"), PauseBench.EngineSocket);
        way.Open();
        await using (IPausedApplication paused = await Pause(way, container).BeginAsync(_bench.Observer, CancellationToken.None))
        {
            way.Close();
            Task end = paused.EndAsync();
            await Task.Delay(1000);
            Assert.False(end.IsCompleted);
            way.Open();
            await end;
        }

        _bench.AssertWrites(container);
        Assert.Empty(_bench.Observer.Warnings);
        Assert.Empty(_bench.Journals);
    }

    [Fact]
    public async Task An_engine_that_stays_away_is_an_error_and_the_next_run_of_the_same_process_resumes()
    {
        string container = _bench.RunWriter();
        using var way = new SocketForwarder(Path.Join(_bench.Data, "way.sock"), PauseBench.EngineSocket);
        way.Open();
        IPausedApplication paused = await Pause(way, container).BeginAsync(_bench.Observer, CancellationToken.None);
        way.Close();
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(paused.EndAsync);
        Assert.Equal(ErrorCodes.DockerFailed, failure.Code);
        Assert.Contains("docker unpause", failure.Hint, StringComparison.Ordinal);
        Assert.Equal("paused", _bench.Status(container));
        Assert.Single(_bench.Journals);

        // The guard tries too; whichever is first.
        way.Open();
        await _bench.RecoverAsync();
        _bench.AssertWrites(container);
        Assert.Empty(_bench.Journals);
    }

    private ContainerPause Pause(SocketForwarder way, string container) =>
        new(new DockerEndpoint { Kind = DockerTransportKind.UnixSocket, Address = way.Path }, [container], PauseMode.Paused) { Folder = _bench.Folder };
}
