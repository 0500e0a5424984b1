using System.Collections.Concurrent;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>Paused containers, and what is needed to resume them.</summary>
/// <param name="client">The engine.</param>
/// <param name="mode">Paused or stopped.</param>
/// <param name="containers">Those that ran; the others stay as they are.</param>
/// <param name="observer">The observer of what became of them.</param>
internal sealed class PausedContainers(DockerClient client, PauseMode mode, IReadOnlyList<ContainerInspect> containers, IOperationObserver observer) : IPausedApplication
{
    private readonly IReadOnlyList<IReadOnlyList<ContainerInspect>> _startOrder = StartOrder.Of(containers);

    // True once Docker has confirmed the pause; until then it may be paused.
    private readonly ConcurrentDictionary<string, bool> _touched = new();
    private int _ended;

    public IReadOnlyList<string> Containers => [.. containers.Where(container => _touched.ContainsKey(container.Id)).Select(container => container.ShortName)];

    /// <summary>The containers in the order in which they are started.</summary>
    public IEnumerable<ContainerInspect> InOrder => _startOrder.SelectMany(group => group);

    /// <summary>Released when all are resumed; null without one.</summary>
    public PauseGuard? Guard { get; set; }

    /// <summary>Deleted when all are resumed; null if nothing is touched.</summary>
    public PauseJournal? Journal { get; set; }

    /// <summary>What else is to be released at the end: the last first.</summary>
    public Stack<IDisposable> Owned { get; } = new();

    /// <summary>Pauses them. Sent requests are awaited even after a cancellation: Docker carries them out.</summary>
    /// <exception cref="BackupException">One of them cannot be paused; others may be.</exception>
    public async Task HoldAsync(CancellationToken cancellationToken)
    {
        if (mode == PauseMode.Paused)
        {
            await Task.WhenAll(containers.Select(PauseAsync)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            return;
        }

        foreach (IReadOnlyList<ContainerInspect> group in _startOrder.Reverse())
        {
            await Task.WhenAll(group.Select(StopAsync)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public async Task EndAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 1)
            return;
        var failed = new ConcurrentDictionary<ContainerInspect, BackupException>();
        try
        {
            foreach (IReadOnlyList<ContainerInspect> group in mode == PauseMode.Paused ? [containers] : _startOrder)
            {
                await Task.WhenAll(group.Select(container => ResumeAsync(container, failed))).ConfigureAwait(false);
                if (mode == PauseMode.Stopped)
                    await WaitUntilHealthyAsync(group).ConfigureAwait(false);
            }

            if (failed.IsEmpty)
                await (Guard?.ReleaseAsync() ?? Task.CompletedTask).ConfigureAwait(false);
            else
                LeaveToOthers();
        }
        finally
        {
            Release();
        }

        if (!failed.IsEmpty)
            throw Stuck([.. failed.Keys], failed.Values.First());
    }

    public async Task LeaveAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 1)
            return;
        await (Guard?.ReleaseAsync() ?? Task.CompletedTask).ConfigureAwait(false);
        Release();
    }

    public PauseInfo Describe(TimeSpan duration) => new(mode, duration.TotalMilliseconds, Containers);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await EndAsync().ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            // Another failure is on its way already.
            observer.Warning($"{failure.Message} {failure.Hint}");
        }
    }

    private async Task PauseAsync(ContainerInspect container)
    {
        try
        {
            _touched[container.Id] = false;
            await client.ContainerPauseAsync(container.Id, CancellationToken.None).ConfigureAwait(false);
            _touched[container.Id] = true;
        }
        catch (BackupException failure) when (failure.Code != ErrorCodes.ServerUnreachable)
        {
            // The engine has answered, so it was not paused by this.
            _touched.TryRemove(container.Id, out _);
            if (failure.Code == ErrorCodes.ContainerNotFound)
                throw;
            ContainerState now = (await client.ContainerInspectAsync(container.Id, CancellationToken.None).ConfigureAwait(false)).State;
            // In the meantime it has ended, or another process has paused it: then it stays so.
            if (now.Paused || (!now.Running && !now.Restarting))
                return;
            throw;
        }
    }

    private async Task StopAsync(ContainerInspect container)
    {
        _touched[container.Id] = false;
        await client.ContainerStopAsync(container.Id, CancellationToken.None).ConfigureAwait(false);
        _touched[container.Id] = true;
        // A stop by hand ends what the restart policy does, but not what another program does.
        if ((await client.ContainerInspectAsync(container.Id, CancellationToken.None).ConfigureAwait(false)).State.Running)
            throw DockerFailures.Answered(client.Endpoint, System.Net.HttpStatusCode.Conflict, "it was started again at once", container.ShortName, "stopping a container");
    }

    private async Task ResumeAsync(ContainerInspect container, ConcurrentDictionary<ContainerInspect, BackupException> failed)
    {
        if (!_touched.TryGetValue(container.Id, out bool wasPaused))
            return;
        try
        {
            string? fate = await ContainerResume.RunAsync(client, container.Id, mode).ConfigureAwait(false);
            if (fate is not null && wasPaused)
                observer.Warning($"The container '{container.ShortName}' {fate} while its snapshot was taken.");
        }
        catch (BackupException failure)
        {
            failed[container] = failure;
        }
    }

    private async Task WaitUntilHealthyAsync(IReadOnlyList<ContainerInspect> started)
    {
        foreach (ContainerInspect container in started.Where(each => _touched.ContainsKey(each.Id) && StartOrder.MustBeHealthy(each, containers)))
        {
            if (!await ContainerResume.WaitUntilHealthyAsync(client, container.Id).ConfigureAwait(false))
                observer.Warning($"The container '{container.ShortName}' was started but is not healthy yet; the containers that depend on it are started nevertheless.");
        }
    }

    private void LeaveToOthers()
    {
        Guard?.TakeOver();
        Journal?.GiveUp();
    }

    private void Release()
    {
        Guard?.Dispose();
        try
        {
            Journal?.Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            observer.Warning($"Could not delete the pause journal '{Journal!.Path}', which is no longer needed: {exception.Message}");
        }

        while (Owned.TryPop(out IDisposable? owned))
            owned.Dispose();
    }

    private BackupFailure Stuck(IReadOnlyList<ContainerInspect> stuck, BackupException inner)
    {
        string names = string.Join("', '", stuck.Select(container => container.ShortName));
        string command = $"docker {(mode == PauseMode.Paused ? "unpause" : "start")} {string.Join(' ', stuck.Select(container => container.ShortName))}";
        return new BackupFailure(
            ErrorCodes.DockerFailed,
            FailureCategory.Busy,
            $"'{names}' could not be {(mode == PauseMode.Paused ? "resumed" : "started again")} after the snapshot: {inner.Message}",
            $"Check that Docker runs, then run: {command}. The next backup retries it too.",
            inner)
        { Target = names };
    }
}
