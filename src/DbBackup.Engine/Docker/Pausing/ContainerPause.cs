using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>
/// Pauses the containers of an application, or stops and restarts them. It touches only running containers and resumes only those. A journal
/// on disk comes first, and a small guard process resumes them if this process is killed.
/// </summary>
internal sealed class ContainerPause : IApplicationPause
{
    private readonly DockerEndpoint _endpoint;
    private readonly DockerClient? _shared;
    private readonly IReadOnlyList<string> _containers;
    private readonly PauseMode _mode;

    /// <summary>Creates it; nothing is touched yet.</summary>
    /// <param name="endpoint">The engine.</param>
    /// <param name="containers">The containers' ids or names.</param>
    /// <param name="mode">Paused or stopped.</param>
    public ContainerPause(DockerEndpoint endpoint, IReadOnlyList<string> containers, PauseMode mode)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(containers);
        _endpoint = endpoint;
        _containers = containers;
        _mode = mode;
    }

    /// <summary>The same on a connection that the caller closes, not before the application is resumed.</summary>
    internal ContainerPause(DockerClient client, IReadOnlyList<string> containers, PauseMode mode)
        : this(client.Endpoint, containers, mode) => _shared = client;

    /// <summary>Where journals and locks lie; null for the user's folder.</summary>
    internal PauseFolder? Folder { get; init; }

    /// <inheritdoc/>
    public async Task<IPausedApplication> BeginAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observer);
        PauseFolder folder = Folder ?? PauseFolder.OfUser ?? throw PauseFolder.Unwritable("the user's data folder", "its location is unknown", null);
        var owned = new Stack<IDisposable>();
        try
        {
            DockerClient client = _shared ?? await DockerClient.ConnectAsync(_endpoint, cancellationToken).ConfigureAwait(false);
            if (_shared is null)
                owned.Push(client);
            ContainerInspect[] named = await InspectAsync(client, _containers, cancellationToken).ConfigureAwait(false);
            owned.Push(await folder.LockAsync(named.Select(container => (container.Id, container.ShortName)), observer, cancellationToken).ConfigureAwait(false));
            // Their state before another run released them says nothing.
            ContainerInspect[] present = await InspectAsync(client, [.. named.Select(container => container.Id)], cancellationToken).ConfigureAwait(false);
            var held = new PausedContainers(client, _mode, Choose(present, observer), observer);
            if (held.InOrder.Any())
                await HoldAsync(held, folder, observer, cancellationToken).ConfigureAwait(false);
            while (owned.TryPop(out IDisposable? each))
                held.Owned.Push(each);
            return held;
        }
        finally
        {
            while (owned.TryPop(out IDisposable? each))
                each.Dispose();
        }
    }

    /// <summary>Resumes what runs paused that were killed since. An engine that does not answer is a warning: the next run tries it again.</summary>
    /// <param name="observer">The observer of what was resumed.</param>
    /// <param name="cancellationToken">Stops it between two containers.</param>
    public static Task RecoverAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observer);
        return PauseFolder.OfUser is { } folder ? PauseRecovery.RunAsync(folder, observer, cancellationToken) : Task.CompletedTask;
    }

    private async Task HoldAsync(PausedContainers held, PauseFolder folder, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ContainerInspect[] ordered = [.. held.InOrder];
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            held.Guard = PauseGuard.TryStart(_endpoint, _mode, [.. ordered.Select(container => container.Id)], observer);
            var containers = ordered.Select(container => new PausedContainer(container.Id, container.ShortName)).ToArray();
            held.Journal = PauseJournal.Begin(folder, new PauseNote(ProcessIdentity.Current, held.Guard?.Identity, _endpoint, _mode, containers));
            await held.HoldAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await held.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<ContainerInspect[]> InspectAsync(DockerClient client, IEnumerable<string> containers, CancellationToken cancellationToken)
    {
        // All at once, so that as many connections are open when they are paused: through ssh each takes its time.
        ContainerInspect[] found = await Task.WhenAll(containers.Select(container => client.ContainerInspectAsync(container, cancellationToken))).ConfigureAwait(false);
        return [.. found.DistinctBy(container => container.Id)];
    }

    private ContainerInspect[] Choose(IEnumerable<ContainerInspect> present, IOperationObserver observer)
    {
        var chosen = new List<ContainerInspect>();
        foreach (ContainerInspect container in present)
        {
            if (OwnContainer.Is(container.Id))
                observer.Verbose($"The container '{container.ShortName}' runs this backup and is not paused.");
            else if (container.State.Paused || !(container.State.Running || container.State.Restarting))
                observer.Verbose($"The container '{container.ShortName}' is {container.State.Status} and is left so.");
            else if (_mode == PauseMode.Paused && container.State.Restarting)
                throw DockerFailures.NotRunning(container.ShortName, "restarting");
            else if (_mode == PauseMode.Stopped && container.HostConfig.AutoRemove)
                throw WouldBeRemoved(container.ShortName);
            else
                chosen.Add(container);
        }

        return [.. chosen];
    }

    private static BackupFailure WouldBeRemoved(string name) => new(
        ErrorCodes.InvalidArgument,
        FailureCategory.InvalidArgument,
        $"The container '{name}' was created with --rm, so stopping it would remove it. Nothing was stopped.",
        "Pause it instead (-Consistency Pause), or recreate it without --rm.")
    { Target = name };
}
