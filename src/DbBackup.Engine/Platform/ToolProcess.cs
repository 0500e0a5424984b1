using System.Diagnostics;
using System.Text;

namespace DbBackup.Engine.Platform;

/// <summary>
/// A stock program that works on streams: started with an environment of its own, fed and read as bytes, and ended with its whole
/// process tree when the work is cancelled or this object goes. Arguments travel as a list, never through a shell; nothing secret
/// belongs among them.
/// </summary>
internal sealed class ToolProcess : IDisposable
{
    private const int KeptErrorCharacters = 4000;
    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly TaskCompletionSource _errorsEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _ended;

    private ToolProcess(Process process, string name)
    {
        _process = process;
        Name = name;
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginErrorReadLine();
    }

    /// <summary>The program's name, as people know it.</summary>
    public string Name { get; }

    /// <summary>Its standard output.</summary>
    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>Its standard input.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>The end of what it wrote to standard error so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString().Trim();
        }
    }

    /// <summary>Starts a program.</summary>
    /// <param name="path">Its full path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables to set; null removes one.</param>
    /// <param name="feed">Whether <see cref="Input"/> will be written; else it is empty.</param>
    public static ToolProcess Start(string path, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, bool feed = false)
    {
        var start = new ProcessStartInfo(path)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            CreateNoWindow = true,
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
        var process = new ToolProcess(Process.Start(start)!, Path.GetFileNameWithoutExtension(path));
        if (!feed)
            process._process.StandardInput.Close();
        return process;
    }

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        await _errorsEnded.Task.ConfigureAwait(false);
        _ended = true;
        return _process.ExitCode;
    }

    /// <summary>Waits for the end and fails where the exit code is not 0.</summary>
    /// <exception cref="ToolFailedException">With the program's own words.</exception>
    public async Task RequireSuccessAsync(string hint, CancellationToken cancellationToken)
    {
        int exitCode = await WaitAsync(cancellationToken).ConfigureAwait(false);
        if (exitCode != 0)
            throw new ToolFailedException(Name, exitCode, Errors, hint);
    }

    /// <summary>Ends it with all its children. A program that is fed must not take a broken-off input for a complete one.</summary>
    public void Kill()
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

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_ended)
        {
            Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            _errorsEnded.TrySetResult();
            return;
        }

        lock (_errors)
        {
            _errors.AppendLine(line);
            if (_errors.Length > KeptErrorCharacters)
                _errors.Remove(0, _errors.Length - KeptErrorCharacters);
        }
    }
}
