using System.Diagnostics;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>Resumes paused or stopped containers. Ignores cancellation, and retries while Docker is briefly unavailable.</summary>
internal static class ContainerResume
{
    // Between the attempts. An engine that is restarted is back within seconds.
    private static readonly TimeSpan[] s_waits = [.. new[] { 0, 0.1, 0.5, 1, 2, 4, 8 }.Select(TimeSpan.FromSeconds)];

    // For one request; a start may have much to mount.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan HealthInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Resumes one container.</summary>
    /// <returns>What became of it meanwhile, as the end of a sentence; null if it was still paused.</returns>
    /// <exception cref="BackupException">No attempt could resume it.</exception>
    public static async Task<string?> RunAsync(DockerClient client, string id, PauseMode mode)
    {
        BackupException? last = null;
        foreach (TimeSpan wait in s_waits)
        {
            await Task.Delay(wait).ConfigureAwait(false);
            using var limit = new CancellationTokenSource(RequestTimeout);
            try
            {
                return mode == PauseMode.Paused
                    ? await UnpauseAsync(client, id, limit.Token).ConfigureAwait(false)
                    : await StartAsync(client, id, limit.Token).ConfigureAwait(false);
            }
            catch (BackupException failure) when (failure.Code == ErrorCodes.ContainerNotFound)
            {
                return "was removed";
            }
            catch (BackupException failure)
            {
                last = failure;
            }
            catch (OperationCanceledException)
            {
                last = DockerFailures.Unreachable(client.Endpoint, $"no answer within {RequestTimeout.TotalSeconds:0} s", null);
            }
        }

        throw last!;
    }

    /// <summary>Waits until a container is healthy, where it says whether it is.</summary>
    /// <returns>True if it is, or says nothing.</returns>
    public static async Task<bool> WaitUntilHealthyAsync(DockerClient client, string id)
    {
        var waited = Stopwatch.StartNew();
        using var limit = new CancellationTokenSource(HealthTimeout);
        try
        {
            while (waited.Elapsed < HealthTimeout)
            {
                ContainerInspect now = await client.ContainerInspectAsync(id, limit.Token).ConfigureAwait(false);
                if (!now.State.Running || now.State.Health is null or { Status: "healthy" or "none" })
                    return true;
                await Task.Delay(HealthInterval, limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is BackupException or OperationCanceledException)
        {
            // It has been started; more is not ours to enforce.
        }

        return false;
    }

    // The first request is the one that counts: the application waits for it.
    private static async Task<string?> UnpauseAsync(DockerClient client, string id, CancellationToken cancellationToken)
    {
        try
        {
            await client.ContainerUnpauseAsync(id, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (BackupException failure) when (failure.Code != ErrorCodes.ContainerNotFound)
        {
            ContainerState state = (await client.ContainerInspectAsync(id, cancellationToken).ConfigureAwait(false)).State;
            if (state.Paused)
                throw;
            return state.Running ? "was resumed by another process" : "ended";
        }
    }

    private static async Task<string?> StartAsync(DockerClient client, string id, CancellationToken cancellationToken)
    {
        ContainerState state = (await client.ContainerInspectAsync(id, cancellationToken).ConfigureAwait(false)).State;
        if (state.Running)
            return "was started by another process";
        await client.ContainerStartAsync(id, cancellationToken).ConfigureAwait(false);
        return null;
    }
}
