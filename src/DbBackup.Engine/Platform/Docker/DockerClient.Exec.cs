using System.Globalization;
using System.Net;
using System.Text;

namespace DbBackup.Engine.Platform.Docker;

// Programs that run in a container.
internal sealed partial class DockerClient
{
    /// <summary>ContainerExec and ExecStart: starts a program in a container, with its three streams apart.</summary>
    /// <param name="container">The container's name or id.</param>
    /// <param name="command">The program and its arguments: no shell is between.</param>
    /// <param name="environment">Variables of its own, <c>NAME=value</c>: they stand in no process list.</param>
    /// <param name="feed">Whether its standard input will be written; else it is empty.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    /// <exception cref="BackupException">The container does not run, or is not there.</exception>
    public async Task<ExecConnection> ExecAsync(
        string container, IReadOnlyList<string> command, IReadOnlyList<string> environment, bool feed, CancellationToken cancellationToken)
    {
        IdAnswer exec = (await PostAsync<IdAnswer>(
            $"/containers/{Uri.EscapeDataString(container)}/exec",
            new { AttachStdin = feed, AttachStdout = true, AttachStderr = true, Tty = false, Cmd = command, Env = environment },
            container,
            $"preparing {command[0]}",
            cancellationToken).ConfigureAwait(false))!;
        DockerConnection connection = await DockerConnection.OpenAsync(Endpoint, cancellationToken).ConfigureAwait(false);
        try
        {
            byte[] body = Encoding.UTF8.GetBytes("""{"Detach":false,"Tty":false}""");
            string head = string.Create(
                CultureInfo.InvariantCulture,
                $"POST {_version}/exec/{exec.Id}/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n");
            await connection.Stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body], cancellationToken).ConfigureAwait(false);
            await connection.Stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            (int status, string words) = await ReadHeadAsync(connection.Stream, cancellationToken).ConfigureAwait(false);
            if (status is not (101 or 200))
                throw DockerFailures.Answered(Endpoint, (HttpStatusCode)status, words, container, $"starting {command[0]}");
            return new ExecConnection(this, exec.Id, connection);
        }
        catch (IOException exception)
        {
            connection.Dispose();
            throw DockerFailures.Unreachable(Endpoint, exception.Message, exception);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>ExecInspect.</summary>
    public Task<ExecInspect> ExecInspectAsync(string id, CancellationToken cancellationToken) =>
        GetAsync<ExecInspect>($"/exec/{id}/json", null, "asking for an exit code", cancellationToken);

    // Byte by byte: what follows the empty line belongs to the program's streams already.
    private static async Task<(int Status, string Words)> ReadHeadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!(head.Length >= 4 && head[^1] == '\n' && head[^2] == '\r' && head[^3] == '\n'))
        {
            if (await stream.ReadAsync(one, cancellationToken).ConfigureAwait(false) == 0)
                throw new IOException("the connection was closed before the answer");
            head.Append((char)one[0]);
        }

        string[] lines = head.ToString().Split("\r\n");
        int status = int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture);
        if (status is 101 or 200)
            return (status, string.Empty);
        string? length = Array.Find(lines, line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        byte[] body = new byte[length is null ? 0 : Math.Min(1 << 16, int.Parse(length["Content-Length:".Length..].Trim(), CultureInfo.InvariantCulture))];
        await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return (status, Message(Encoding.UTF8.GetString(body)));
    }
}

/// <summary>The streams of a program in a container.</summary>
internal sealed class ExecConnection(DockerClient client, string id, DockerConnection connection) : IDisposable
{
    // The engine notes the exit code a moment after the streams have ended.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PatienceWithNumber = TimeSpan.FromSeconds(2);

    public DockerConnection Connection => connection;

    /// <summary>The exit code, once the streams have ended; null where the program still runs, so that the connection must have been cut.</summary>
    public async Task<int?> ExitCodeAsync(CancellationToken cancellationToken)
    {
        DateTime end = DateTime.UtcNow + Patience;
        while (true)
        {
            ExecInspect state = await client.ExecInspectAsync(id, cancellationToken).ConfigureAwait(false);
            if (!state.Running)
                return state.ExitCode;
            if (DateTime.UtcNow > end)
                return null;
            await Task.Delay(20, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The number of the program's process where the engine runs; null where it has ended.</summary>
    public async Task<int?> ProcessAsync(CancellationToken cancellationToken)
    {
        DateTime end = DateTime.UtcNow + PatienceWithNumber;
        while (true)
        {
            ExecInspect state = await client.ExecInspectAsync(id, cancellationToken).ConfigureAwait(false);
            if (state.Pid > 0)
                return state.Pid;
            if (state.ExitCode is not null || DateTime.UtcNow > end)
                return null;
            // A program may have written already when the engine notes its number.
            await Task.Delay(20, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the container itself has ended, or is about to: the engine notes that a moment after the ends of its programs.</summary>
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

    public void Dispose() => connection.Dispose();
}
