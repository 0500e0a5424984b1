using System.Diagnostics;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>Waits until started containers are healthy, and watches them.</summary>
internal static class ContainerHealth
{
    private const string Healthy = "healthy";
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    /// <summary>Waits until a container is healthy or, without a health check, has run for a while.</summary>
    /// <param name="client">The engine.</param>
    /// <param name="name">The container.</param>
    /// <param name="settled">How long a container without a health check must run.</param>
    /// <param name="timeout">How long it may take to become healthy.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>What is wrong with it, as in "is exited (exit code 3)"; null if it has started and is healthy.</returns>
    public static async Task<string?> FindTroubleAsync(DockerClient client, string name, TimeSpan settled, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            ContainerInspect container = await client.ContainerInspectAsync(name, cancellationToken).ConfigureAwait(false);
            if (Describe(container, allowsStarting: true) is { } trouble)
                return trouble;
            bool hasCheck = HealthOf(container) is not null;
            if (hasCheck ? HealthOf(container) == Healthy : waited.Elapsed > settled)
                return null;
            if (hasCheck && waited.Elapsed > timeout)
                return Describe(container, allowsStarting: false);
            await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Watches running containers.</summary>
    /// <param name="client">The engine.</param>
    /// <param name="names">The containers.</param>
    /// <param name="time">For how long.</param>
    /// <param name="cancellationToken">Stops watching.</param>
    /// <returns>What went wrong with one of them; null if all stayed healthy.</returns>
    public static async Task<string?> WatchAsync(DockerClient client, IReadOnlyList<string> names, TimeSpan time, CancellationToken cancellationToken)
    {
        var restarts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var watched = Stopwatch.StartNew(); ; await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false))
        {
            foreach (string name in names)
            {
                ContainerInspect container = await client.ContainerInspectAsync(name, cancellationToken).ConfigureAwait(false);
                restarts.TryAdd(name, container.RestartCount);
                string? trouble = Describe(container, allowsStarting: false);
                if (trouble is null && container.RestartCount != restarts[name])
                    trouble = $"ended and was restarted (exit code {container.State.ExitCode})";
                if (trouble is not null)
                    return $"the container '{container.ShortName}' {trouble}";
            }

            if (watched.Elapsed >= time)
                return null;
        }
    }

    private static string? HealthOf(ContainerInspect container) => container.State.Health?.Status is null or "" or "none" ? null : container.State.Health.Status;

    private static string? Describe(ContainerInspect container, bool allowsStarting)
    {
        ContainerState state = container.State;
        if (!state.Running || state.Restarting)
            return FormattableString.Invariant($"is {state.Status} (exit code {state.ExitCode})");
        return HealthOf(container) is null or Healthy || (allowsStarting && state.Health!.Status == "starting")
            ? null
            : $"is {state.Health!.Status}: {(state.Health.Log is { Count: > 0 } log ? log[^1].Output?.Trim() : null)}";
    }
}
