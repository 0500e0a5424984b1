using System.Text;

namespace DbBackup.Engine.Platform.Docker;

/// <summary>A program that runs in a container.</summary>
internal sealed class ContainerProgram : ToolProcess
{
    // What docker's own command line returns for a program that cannot be started (docs.docker.com/engine/containers/run, "Exit status").
    public const int NotFoundExitCode = 127;
    public const int NotExecutableExitCode = 126;

    // 128 and the number of KILL, which all programs of a container get when its first one has ended.
    private const int KilledExitCode = 137;

    private readonly ExecConnection _exec;
    private readonly FramedOutput _output;
    private readonly InputStream _input;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly string _container;
    private bool _killed;

    public ContainerProgram(string name, string container, ExecConnection exec, bool isFed = false)
        : base(name)
    {
        _exec = exec;
        _container = container;
        _input = new InputStream(exec.Connection);
        _output = new FramedOutput(exec.Connection.Stream, KeepBytes, isFed);
    }

    public override Stream Output => _output;

    public override Stream Input => _input;

    public override async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        byte[] rest = new byte[1 << 16];
        try
        {
            while (await _output.ReadAsync(rest, cancellationToken).ConfigureAwait(false) > 0)
            {
                // Nobody asked for it.
            }
        }
        catch (Exception exception) when ((exception is IOException or ObjectDisposedException) && !cancellationToken.IsCancellationRequested)
        {
            throw Cut(exception);
        }

        int? exitCode;
        try
        {
            exitCode = await _exec.ExitCodeAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.DockerFailed or ErrorCodes.ServerUnreachable)
        {
            // The engine forgets a program together with its container, and was perhaps itself ended.
            throw Cut(failure);
        }

        if (exitCode == KilledExitCode && Errors.Length == 0 && await _exec.HasContainerEndedAsync(_container, cancellationToken).ConfigureAwait(false))
            throw Cut(null);
        return exitCode is { } code && !_output.WasCut ? code : throw Cut(null);
    }

    public override void Kill()
    {
        _killed = true;
        // The program's guard in the container sees the end of its input and ends it; see ContainerHost.
        _exec.Dispose();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _exec.Dispose();
    }

    private BackupFailure Cut(Exception? inner) => new(
        ErrorCodes.ContainerNotRunning,
        FailureCategory.Busy,
        _killed ? $"{Name} in the container '{_container}' was ended." : $"The connection to {Name} in the container '{_container}' was cut before it ended{(Errors.Length == 0 ? string.Empty : ": " + Errors)}.",
        $"See whether the container and the engine still run (docker ps -a, docker logs {_container}), then try again.",
        inner)
    { Target = _container, CanRetry = true };

    private void KeepBytes(ReadOnlySpan<byte> bytes)
    {
        char[] text = new char[bytes.Length + 1];
        int count = _decoder.GetChars(bytes, text, flush: false);
        Keep(text.AsSpan(0, count));
    }

    /// <summary>The program's input. Closing it leaves the connection open, on which its output still comes.</summary>
    private sealed class InputStream(DockerConnection connection) : ForwardedStream(connection.Stream)
    {
        private bool _closed;

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_closed)
            {
                _closed = true;
                try
                {
                    connection.CloseWriteAsync().AsTask().GetAwaiter().GetResult();
                }
                catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException or ObjectDisposedException)
                {
                    // It has ended by itself; its exit code says how.
                }
            }

            base.Dispose(disposing);
        }
    }
}
