using Docker.DotNet;
using Docker.DotNet.Models;

namespace DbBackup.Engine.Docker.Api;

// Programs that run in a container.
internal sealed partial class DockerClient
{
    /// <summary>ContainerExec and ExecStart: starts a program in a container, with its three streams apart.</summary>
    /// <param name="container">The container's name or id.</param>
    /// <param name="command">The program and its arguments: no shell is between.</param>
    /// <param name="environment">Variables of its own, <c>NAME=value</c>: they stand in no process list.</param>
    /// <param name="feed">True if its standard input will be written; else it is empty.</param>
    /// <param name="endsWithReset">True if it may end before its input does; see <see cref="HijackedStream"/>.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    /// <exception cref="BackupException">The container does not run, or is not there.</exception>
    public async Task<ExecConnection> ExecAsync(
        string container, IReadOnlyList<string> command, IReadOnlyList<string> environment, bool feed, bool endsWithReset, CancellationToken cancellationToken)
    {
        ContainerExecCreateResponse exec = await CallAsync(
            api => api.Exec.CreateContainerExecAsync(
                Escape(container), new ContainerExecCreateParameters { AttachStdin = feed, AttachStdout = true, AttachStderr = true, Cmd = [.. command], Env = [.. environment] }, cancellationToken),
            container,
            $"preparing {command[0]}").ConfigureAwait(false);
        // A transport of its own: the library keeps the stream below its own one to itself.
        var transport = new DockerTransport(_handler, endsWithReset);
        MultiplexedStream streams = await CallAsync(
            Build(transport), api => api.Exec.StartContainerExecAsync(exec.ID, new ContainerExecStartParameters(), cancellationToken), container, $"starting {command[0]}").ConfigureAwait(false);
        return new ExecConnection(this, exec.ID, streams, transport.Hijacked!);
    }

    /// <summary>ExecInspect.</summary>
    public Task<ContainerExecInspectResponse> ExecInspectAsync(string id, CancellationToken cancellationToken) =>
        CallAsync(api => api.Exec.InspectContainerExecAsync(id, cancellationToken), null, "asking for an exit code");
}

/// <summary>The streams of a program in a container.</summary>
internal sealed class ExecConnection(DockerClient client, string id, MultiplexedStream streams, HijackedStream hijacked) : IDisposable
{
    // The engine notes the exit code a moment after the streams have ended.
    private static readonly TimeSpan ExitCodeTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ProcessNumberTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Its output and errors.</summary>
    public MultiplexedStream Streams => streams;

    /// <summary>Its input, below them.</summary>
    public HijackedStream Input => hijacked;

    /// <summary>The exit code, once the streams have ended; null where the program still runs, so that the connection must have been cut.</summary>
    public async Task<int?> ExitCodeAsync(CancellationToken cancellationToken)
    {
        DateTime end = DateTime.UtcNow + ExitCodeTimeout;
        while (true)
        {
            ContainerExecInspectResponse state = await client.ExecInspectAsync(id, cancellationToken).ConfigureAwait(false);
            if (!state.Running)
                return (int?)state.ExitCode;
            if (DateTime.UtcNow > end)
                return null;
            await Task.Delay(20, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The number of the program's process where the engine runs; null where it has ended.</summary>
    public async Task<int?> ProcessAsync(CancellationToken cancellationToken)
    {
        DateTime end = DateTime.UtcNow + ProcessNumberTimeout;
        while (true)
        {
            ContainerExecInspectResponse state = await client.ExecInspectAsync(id, cancellationToken).ConfigureAwait(false);
            if (state.Pid > 0)
                return (int)state.Pid;
            if (state.ExitCode is not null || DateTime.UtcNow > end)
                return null;
            // A program may have written already when the engine notes its number.
            await Task.Delay(20, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>True if the container itself has ended, or is about to: the engine notes that a moment after the ends of its programs.</summary>
    public async Task<bool> HasContainerEndedAsync(string container, CancellationToken cancellationToken)
    {
        for (int attempt = 0; attempt < 20; attempt++)
        {
            try
            {
                if (!(await client.ContainerInspectAsync(container, cancellationToken).ConfigureAwait(false)).State.Running)
                    return true;
            }
            catch (BackupFailure failure) when (failure.Code == ErrorCodes.ContainerNotFound)
            {
                return true;
            }

            await Task.Delay(50, cancellationToken).ConfigureAwait(false);
        }

        return false;
    }

    public void Dispose() => streams.Dispose();
}
