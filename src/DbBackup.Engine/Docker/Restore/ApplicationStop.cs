using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>
/// The containers of an application that are stopped while what they use is replaced, and started again afterwards. Those that were off stay off.
/// </summary>
internal sealed class ApplicationStop : IAsyncDisposable
{
    private static readonly TimeSpan s_healthTimeout = TimeSpan.FromMinutes(2);
    // A container without a health check of its own that lives so long has started.
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(2);

    private readonly DockerClient _client;
    private readonly IPausedApplication _stopped;
    private readonly System.Diagnostics.Stopwatch _down = System.Diagnostics.Stopwatch.StartNew();

    private ApplicationStop(DockerClient client, IPausedApplication stopped)
    {
        _client = client;
        _stopped = stopped;
    }

    /// <summary>For how long it was stopped; null where nothing was.</summary>
    public TimeSpan? Downtime { get; private set; }

    /// <summary>The containers that are stopped.</summary>
    public IReadOnlyList<string> Containers => _stopped.Containers;

    /// <summary>Stops the running ones among some containers, and what depends on them in their projects.</summary>
    /// <param name="client">The engine.</param>
    /// <param name="users">Containers that use what is replaced.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops it; those that are stopped already are started again.</param>
    public static async Task<ApplicationStop> BeginAsync(DockerClient client, IEnumerable<ContainerSummary> users, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ContainerSummary[] running = await WithDependentsAsync(client, users, cancellationToken).ConfigureAwait(false);
        var pause = new ContainerPause(client, [.. running.Select(container => container.Id)], PauseMode.Stopped);
        return new ApplicationStop(client, await pause.BeginAsync(observer, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The running containers among some, and those of their projects that depend on them.</summary>
    public static async Task<ContainerSummary[]> WithDependentsAsync(DockerClient client, IEnumerable<ContainerSummary> users, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(all: false, filters: null, cancellationToken).ConfigureAwait(false);
        var chosen = new Dictionary<string, ContainerSummary>(StringComparer.Ordinal);
        var open = new Queue<ContainerSummary>(users);
        while (open.TryDequeue(out ContainerSummary? next))
        {
            if (all.FirstOrDefault(container => container.Id == next.Id) is { } runs && !chosen.TryAdd(runs.Id, runs))
                continue;
            foreach (ContainerSummary dependent in all.Where(container => DependsOn(container, next) && !chosen.ContainsKey(container.Id)))
                open.Enqueue(dependent);
        }

        return [.. chosen.Values];
    }

    /// <summary>The running containers that use a server in a container: those that depend on its service, and those with sessions there.</summary>
    /// <param name="client">The engine.</param>
    /// <param name="server">The server's container.</param>
    /// <param name="addresses">From where sessions come.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<IReadOnlyList<ContainerSummary>> UsersOfServerAsync(
        DockerClient client, ContainerInspect server, IReadOnlyCollection<string> addresses, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(all: false, filters: null, cancellationToken).ConfigureAwait(false);
        ContainerSummary? own = all.FirstOrDefault(container => container.Id == server.Id);
        return
        [
            .. all.Where(container => container.Id != server.Id
                && ((own is not null && DependsOn(container, own)) || container.Addresses.Any(addresses.Contains))),
        ];
    }

    /// <summary>Starts what was stopped and waits until it is healthy; or leaves it stopped, for an administrator to decide.</summary>
    /// <returns>The containers that were left stopped.</returns>
    public async Task<IReadOnlyList<string>> EndAsync(bool leaveStopped, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string[] names = [.. _stopped.Containers];
        if (leaveStopped)
        {
            await _stopped.LeaveAsync().ConfigureAwait(false);
            return names;
        }

        await _stopped.EndAsync().ConfigureAwait(false);
        Downtime = names.Length == 0 ? null : _down.Elapsed;
        foreach (string name in names)
        {
            if (await ContainerHealth.FindTroubleAsync(_client, name, s_settled, s_healthTimeout, cancellationToken).ConfigureAwait(false) is { } trouble)
                observer.Warning($"The container '{name}' was started on the restored state and {trouble}. See 'docker logs {name}'; the state before is in the safety backup.");
        }

        return [];
    }

    /// <summary>Starts containers that an earlier restore left stopped and that do not run now.</summary>
    public static async Task StartAsync(DockerClient client, IReadOnlyList<string> names, IOperationObserver observer, CancellationToken cancellationToken)
    {
        foreach (string name in names)
        {
            try
            {
                ContainerInspect container = await client.ContainerInspectAsync(name, cancellationToken).ConfigureAwait(false);
                if (container.State?.Running != true)
                    await client.ContainerStartAsync(container.Id, cancellationToken).ConfigureAwait(false);
            }
            catch (BackupException failure)
            {
                observer.Warning($"The container '{name}' ran before the restore that was undone, and could not be started: {failure.Message}");
            }
        }
    }

    public ValueTask DisposeAsync() => _stopped.DisposeAsync();

    private static bool DependsOn(ContainerSummary container, ContainerSummary other) =>
        container.Label(ComposeLabels.Project) is { } project && project == other.Label(ComposeLabels.Project)
        && StartOrder.Dependencies(container.Label(ComposeLabels.DependsOn)).Any(dependency => dependency.Service == other.Label(ComposeLabels.Service));
}
