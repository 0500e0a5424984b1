using System.Diagnostics;
using System.IO.Pipes;
using System.Text;

namespace DbBackup.Engine.Platform;

/// <summary>A program that runs on this machine.</summary>
internal sealed class LocalToolProcess : ToolProcess
{
    private readonly Process _process;
    private readonly TaskCompletionSource _errorsEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _ended;

    private LocalToolProcess(Process process, string name)
        : base(name)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) => KeepLine(line.Data);
        process.BeginErrorReadLine();
    }

    /// <summary>The process's number.</summary>
    public int ProcessId => _process.Id;

    public override Stream Output => _process.StandardOutput.BaseStream;

    public override Stream Input => _process.StandardInput.BaseStream;

    public static LocalToolProcess Begin(string path, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, ToolUse use, string? folder)
    {
        var start = new ProcessStartInfo(path)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            WorkingDirectory = folder ?? string.Empty,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string? value) in environment)
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }

        // Errors are recognised by their SQLSTATE or shown as they are; in the user's language they would be neither.
        start.Environment["LC_MESSAGES"] = "C";
        var process = new LocalToolProcess(Process.Start(start)!, Path.GetFileNameWithoutExtension(path));
        if (use != ToolUse.Feed)
            process._process.StandardInput.Close();
        if (use == ToolUse.Stream && process.Output is AnonymousPipeClientStream pipe)
            PipeCapacity.Widen(pipe.SafePipeHandle);
        return process;
    }

    public override async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        await _errorsEnded.Task.ConfigureAwait(false);
        _ended = true;
        return _process.ExitCode;
    }

    public override void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in the meantime.
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!_ended)
        {
            Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void KeepLine(string? line)
    {
        if (line is null)
            _errorsEnded.TrySetResult();
        else
            Keep(line + Environment.NewLine);
    }
}
