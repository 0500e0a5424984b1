using System.Diagnostics;
using DbBackup.Engine.Engines;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>An application stands still, and goes on whatever happens.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerPauseTests : IDisposable
{
    private readonly PauseBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Paused_containers_write_nothing_and_go_on_afterwards()
    {
        string first = _bench.RunWriter();
        string second = _bench.RunWriter();
        var clock = Stopwatch.StartNew();
        await using (IPausedApplication paused = await _bench.Pause(PauseMode.Paused, first, second).BeginAsync(_bench.Observer, CancellationToken.None))
        {
            TimeSpan toBegin = clock.Elapsed;
            int before = _bench.Engine.Lines(first).Length;
            await Task.Delay(700);
            Assert.Equal(before, _bench.Engine.Lines(first).Length);
            Assert.Equal(["paused", "paused"], [_bench.Status(first), _bench.Status(second)]);
            Assert.Equal(2, paused.Containers.Count);
            Assert.Single(_bench.Journals);

            clock.Restart();
            await paused.EndAsync();
            Assert.True(toBegin < TimeSpan.FromSeconds(20) && clock.Elapsed < TimeSpan.FromSeconds(20), $"The pause took {toBegin}, its end {clock.Elapsed}.");
            PauseInfo said = paused.Describe(TimeSpan.FromMilliseconds(700));
            Assert.Equal((PauseMode.Paused, 700), (said.Mode, said.Milliseconds));
        }

        _bench.AssertWrites(first);
        _bench.AssertWrites(second);
        Assert.Empty(_bench.Observer.Warnings);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_bench.Folder.Path));
        Assert.Empty(PauseBench.Guards(first));
    }

    [Theory]
    [InlineData(PauseMode.Paused)]
    [InlineData(PauseMode.Stopped)]
    public async Task What_was_off_stays_off_and_what_was_paused_stays_paused(PauseMode mode)
    {
        string running = _bench.RunWriter();
        string off = _bench.RunWriter();
        string frozen = _bench.RunWriter();
        _bench.Engine.Docker("stop", off);
        _bench.Engine.Docker("pause", frozen);

        await using (IPausedApplication paused = await _bench.Pause(mode, off, frozen, running).BeginAsync(_bench.Observer, CancellationToken.None))
        {
            Assert.Equal(_bench.Engine.Inspect(running, "{{.Name}}"), "/" + Assert.Single(paused.Containers));
            Assert.Equal(mode == PauseMode.Paused ? "paused" : "exited", _bench.Status(running));
        }

        Assert.Equal(["running", "exited", "paused"], [_bench.Status(running), _bench.Status(off), _bench.Status(frozen)]);
        _bench.AssertWrites(running);
    }

    [Fact]
    public async Task A_failure_in_the_middle_resumes_what_stood_still()
    {
        string first = _bench.RunWriter();
        string second = _bench.RunWriter();
        string off = _bench.RunWriter();
        _bench.Engine.Docker("stop", off);
        // Said when it is decided what is paused.
        _bench.Observer.At = message => _ = message.Contains("is left so", StringComparison.Ordinal) ? _bench.Engine.Docker("rm", "-f", second) : null;

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => _bench.Pause(PauseMode.Paused, first, second, off).BeginAsync(_bench.Observer, CancellationToken.None));

        Assert.Equal(ErrorCodes.ContainerNotFound, failure.Code);
        _bench.AssertWrites(first);
        Assert.Empty(_bench.Journals);
        Assert.Empty(PauseBench.Guards(first));
    }

    [Fact]
    public async Task A_run_that_is_cancelled_while_it_stops_starts_again_what_it_stopped()
    {
        string database = _bench.RunWriter();
        using var cancellation = new CancellationTokenSource();
        // No program on this one's way hears SIGTERM, so that it takes its grace to stop.
        string slow = _bench.Engine.Run("--stop-timeout", "2", DockerImages.App, "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done");
        cancellation.CancelAfter(TimeSpan.FromSeconds(1));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _bench.Pause(PauseMode.Stopped, database, slow).BeginAsync(_bench.Observer, cancellation.Token));

        Assert.Equal(["running", "running"], [_bench.Status(database), _bench.Status(slow)]);
        Assert.Empty(_bench.Journals);
    }

    [Fact]
    public async Task A_container_that_is_removed_while_it_is_paused_is_named_and_the_others_go_on()
    {
        string first = _bench.RunWriter();
        string second = _bench.RunWriter();
        await using (IPausedApplication paused = await _bench.Pause(PauseMode.Paused, first, second).BeginAsync(_bench.Observer, CancellationToken.None))
        {
            _bench.Engine.Docker("rm", "-f", second);
            await paused.EndAsync();
            Assert.Contains($"'{paused.Containers[1]}' was removed", Assert.Single(_bench.Observer.Warnings), StringComparison.Ordinal);
        }

        _bench.AssertWrites(first);
        Assert.Empty(_bench.Journals);
    }

    [Fact]
    public async Task Somebody_who_resumes_a_container_during_the_snapshot_is_noticed()
    {
        string container = _bench.RunWriter();
        await using (IPausedApplication paused = await _bench.Pause(PauseMode.Paused, container).BeginAsync(_bench.Observer, CancellationToken.None))
            _bench.Engine.Docker("unpause", container);

        Assert.Contains("was resumed by another process", Assert.Single(_bench.Observer.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dependents_are_stopped_first_and_started_last_and_no_restart_policy_comes_between()
    {
        string project = _bench.Engine.NewName("shop");
        string database = _bench.RunWriter(
            "--restart", "always", "--label", $"com.docker.compose.project={project}", "--label", "com.docker.compose.service=db",
            "--health-cmd", "sleep 0.5", "--health-interval", "1s");
        string app = _bench.RunWriter(
            "--restart", "always", "--label", $"com.docker.compose.project={project}", "--label", "com.docker.compose.service=app",
            "--label", "com.docker.compose.depends_on=db:service_healthy:false");

        await using (await _bench.Pause(PauseMode.Stopped, database, app).BeginAsync(_bench.Observer, CancellationToken.None))
        {
            Assert.True(Time(app, "FinishedAt") < Time(database, "FinishedAt"));
            await Task.Delay(1500);
            Assert.Equal(["exited", "exited"], [_bench.Status(database), _bench.Status(app)]);
        }

        Assert.Equal("healthy", _bench.Engine.Inspect(database, "{{.State.Health.Status}}"));
        Assert.True(Time(app, "StartedAt") - Time(database, "StartedAt") > TimeSpan.FromSeconds(1));
        Assert.Equal(["always", "always"], [_bench.Engine.Inspect(database, "{{.HostConfig.RestartPolicy.Name}}"), _bench.Engine.Inspect(app, "{{.HostConfig.RestartPolicy.Name}}")]);
        Assert.Empty(_bench.Observer.Warnings);
        _bench.AssertWrites(app);
    }

    [Fact]
    public async Task A_container_that_would_be_removed_by_its_stop_is_refused_before_anything_is_touched()
    {
        string kept = _bench.RunWriter();
        string fleeting = _bench.RunWriter("--rm");
        string started = _bench.Engine.Inspect(kept, "{{.State.StartedAt}}");

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => _bench.Pause(PauseMode.Stopped, kept, fleeting).BeginAsync(_bench.Observer, CancellationToken.None));

        Assert.Equal(ErrorCodes.InvalidArgument, failure.Code);
        Assert.Equal(started, _bench.Engine.Inspect(kept, "{{.State.StartedAt}}"));
        Assert.Equal("running", _bench.Status(fleeting));
    }

    [Fact]
    public async Task Two_runs_that_pause_the_same_container_wait_for_each_other()
    {
        string container = _bench.RunWriter();
        IPausedApplication first = await _bench.Pause(PauseMode.Paused, container).BeginAsync(_bench.Observer, CancellationToken.None);
        Task<IPausedApplication> second = _bench.Pause(PauseMode.Paused, container).BeginAsync(_bench.Observer, CancellationToken.None);
        await Task.Delay(500);
        Assert.False(second.IsCompleted);
        await first.EndAsync();

        await using (IPausedApplication paused = await second)
        {
            Assert.Single(paused.Containers);
            Assert.Equal("paused", _bench.Status(container));
        }

        _bench.AssertWrites(container);
        Assert.Empty(_bench.Observer.Warnings);
    }

    private DateTimeOffset Time(string container, string what) =>
        DateTimeOffset.Parse(_bench.Engine.Inspect(container, $"{{{{.State.{what}}}}}"), System.Globalization.CultureInfo.InvariantCulture);
}
