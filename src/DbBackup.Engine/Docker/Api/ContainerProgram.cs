using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Api;

/// <summary>A program that runs in a container.</summary>
internal sealed class ContainerProgram : ToolProcess
{
    // What docker's own command line returns for a program that cannot be started (docs.docker.com/engine/containers/run, "Exit status").
    public const int NotFoundExitCode = 127;
    public const int NotExecutableExitCode = 126;

    // 128 and the number of KILL, which all programs of a container get when its first one has ended.
    private const int KilledExitCode = 137;

    private readonly ExecConnection _exec;
    private readonly DemultiplexedOutput _output;
    private readonly InputStream _input;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly string _container;
    private readonly string? _endMark;
    private readonly TaskCompletionSource _inputEnough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ContainerPipe? _pipe;
    private Task? _passing;
    private bool _killed;

    /// <param name="name">The program's name.</param>
    /// <param name="container">The container, for messages.</param>
    /// <param name="exec">Its streams.</param>
    /// <param name="endMark">Where the program is fed, the text on standard error that says that it has ended.</param>
    public ContainerProgram(string name, string container, ExecConnection exec, string? endMark = null)
        : base(name)
    {
        _exec = exec;
        _container = container;
        _input = new InputStream(exec.Input);
        _endMark = endMark is null ? null : endMark + "\n";
        _output = new DemultiplexedOutput(exec.Streams, KeepBytes);
    }

    /// <summary>What is released with the program: the connection on which it was started, if it is the program's own.</summary>
    public IDisposable? Connection { get; set; }

    /// <summary>True if the output comes without the engine between.</summary>
    public bool IsDirect => _pipe is not null;

    public override Stream Output => _pipe is null ? _output : _pipe;

    public override Task InputEnough => _inputEnough.Task;

    public override Stream Input => _input;

    /// <summary>Agrees with the script that starts the program on the way that the output takes.</summary>
    /// <exception cref="BackupException">The program was ended meanwhile.</exception>
    public async Task TakePipeAsync(string mark, CancellationToken cancellationToken)
    {
        try
        {
            if (await ReadLineAsync(cancellationToken).ConfigureAwait(false) == "pipe" && await _exec.ProcessAsync(cancellationToken).ConfigureAwait(false) is { } process)
                _pipe = ContainerPipe.Open(process, mark);
            await _input.WriteAsync(Encoding.ASCII.GetBytes(_pipe is null ? "none\n" : "pipe\n"), cancellationToken).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            Dispose();
            throw Cut(exception);
        }
        catch
        {
            Dispose();
            throw;
        }

        // What it writes to standard error still comes from the engine; unread, it would hold the program up.
        if (_pipe is not null)
            _passing = _output.CopyToAsync(Stream.Null, CancellationToken.None);
    }

    public override async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Nobody asked for what is left.
            await Output.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            if (_passing is not null)
                await _passing.WaitAsync(cancellationToken).ConfigureAwait(false);
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
        _pipe?.End();
        // The program's guard in the container sees the end of its input and ends it; see ContainerHost.
        _exec.Dispose();
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _exec.Dispose();
        _pipe?.Dispose();
        Connection?.Dispose();
    }

    private BackupFailure Cut(Exception? inner) => new(
        ErrorCodes.ContainerNotRunning,
        FailureCategory.Busy,
        _killed ? $"{Name} in the container '{_container}' was ended." : $"The connection to {Name} in the container '{_container}' was cut before it ended{(Errors.Length == 0 ? string.Empty : ": " + Errors)}.",
        $"See whether the container and the engine still run (docker ps -a, docker logs {_container}), then try again.",
        inner)
    { Target = _container, CanRetry = true };

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (await _output.ReadAsync(one, cancellationToken).ConfigureAwait(false) > 0 && one[0] != '\n')
            line.Append((char)one[0]);
        return line.ToString();
    }

    private void KeepBytes(ReadOnlySpan<byte> bytes)
    {
        char[] text = new char[bytes.Length + 1];
        int count = _decoder.GetChars(bytes, text, flush: false);
        Keep(text.AsSpan(0, count));
        if (_endMark is not null && TakeOff(_endMark))
            _inputEnough.TrySetResult();
    }

    /// <summary>The program's input. Closing it leaves the connection open, on which its output still comes.</summary>
    private sealed class InputStream(HijackedStream input) : ForwardedStream(input)
    {
        private bool _closed;

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_closed)
            {
                _closed = true;
                try
                {
                    input.CloseWrite();
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
