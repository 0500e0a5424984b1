using System.Diagnostics;
using System.Globalization;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Api;

/// <summary>The stock ssh client with <c>docker system dial-stdio</c> at its other end, as the docker command uses it.</summary>
internal static class SshCommand
{
    /// <summary>The arguments. ssh must not prompt: a scheduled task cannot answer.</summary>
    public static IEnumerable<string> Arguments(DockerEndpoint endpoint)
    {
        yield return "-o";
        yield return "ConnectTimeout=15";
        yield return "-o";
        yield return "BatchMode=yes";
        yield return "-T";
        if (endpoint.User is { } user)
        {
            yield return "-l";
            yield return user;
        }

        if (endpoint.Port != 22)
        {
            yield return "-p";
            yield return endpoint.Port.ToString(CultureInfo.InvariantCulture);
        }

        yield return "--";
        yield return endpoint.Address;
        yield return "docker system dial-stdio";
    }

    /// <summary>Starts it.</summary>
    /// <exception cref="BackupFailure">There is no ssh here.</exception>
    public static Process Start(DockerEndpoint endpoint)
    {
        string program = ExternalTool.Find("ssh") ?? throw new BackupFailure(
            ErrorCodes.ToolMissing,
            FailureCategory.MissingTool,
            $"ssh is not on PATH, and '{endpoint}' is reached through it.",
            "Install OpenSSH's client (apt install openssh-client; on Windows the optional feature OpenSSH.Client).")
        { Target = endpoint.ToString() };
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (string argument in Arguments(endpoint))
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}

/// <summary>The two pipes of an ssh process as one stream. Where they end before anything was read, ssh's own words are the error.</summary>
internal sealed class SshStream : Stream
{
    private readonly DockerEndpoint _endpoint;
    private readonly Process _ssh;
    private readonly StringBuilder _errors = new();
    private bool _answered;

    public SshStream(DockerEndpoint endpoint, Process ssh)
    {
        _endpoint = endpoint;
        _ssh = ssh;
        ssh.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
                _errors.AppendLine(line.Data);
        };
        ssh.BeginErrorReadLine();
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        await ReadAsync(buffer.AsMemory(offset, count), cancellationToken).ConfigureAwait(false);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await _ssh.StandardOutput.BaseStream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (read == 0 && buffer.Length > 0)
            await RequireOrderlyEndAsync(cancellationToken).ConfigureAwait(false);

        _answered |= read > 0;
        return read;
    }

    // The end of the stream is the other side's word that there is no more only if ssh did not lose it.
    private async Task RequireOrderlyEndAsync(CancellationToken cancellationToken)
    {
        await _ssh.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        if (_answered && _ssh.ExitCode == 0)
            return;
        string words;
        lock (_errors)
            words = _errors.ToString().Trim();
        throw _answered
            ? new IOException(FormattableString.Invariant($"ssh ended with exit code {_ssh.ExitCode}. {words}").TrimEnd())
            : DockerFailures.Unreachable(_endpoint, words.Length == 0 ? "ssh ended without a message" : words, null);
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        _ssh.StandardInput.BaseStream.Write(buffer, offset, count);
        _ssh.StandardInput.BaseStream.Flush();
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await _ssh.StandardInput.BaseStream.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            await _ssh.StandardInput.BaseStream.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException) when (!_answered)
        {
            // ssh has gone; what it said is found where the answer is read.
        }
    }

    public override void Flush() => _ssh.StandardInput.BaseStream.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
