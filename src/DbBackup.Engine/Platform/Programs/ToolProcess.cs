using System.Text;

namespace DbBackup.Engine.Platform;

/// <summary>
/// A stock program that works on streams: started with an environment of its own, fed and read as bytes, and ended with its whole
/// process tree when the work is cancelled or this object goes. Arguments travel as a list, never through a shell; nothing secret
/// belongs among them.
/// </summary>
internal abstract class ToolProcess : IDisposable
{
    private const int KeptErrorCharacters = 4000;
    private static readonly TaskCompletionSource s_never = new();
    private readonly StringBuilder _errors = new();

    protected ToolProcess(string name) => Name = name;

    /// <summary>The program's name, as people know it.</summary>
    public string Name { get; }

    /// <summary>Its standard output.</summary>
    public abstract Stream Output { get; }

    /// <summary>Its standard input; closing it ends the input.</summary>
    public abstract Stream Input { get; }

    /// <summary>The end of what it wrote to standard error so far.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
                return _errors.ToString().Trim();
        }
    }

    /// <summary>True if it has said that it needs no more input; where it just closes its end, the next write fails.</summary>
    public bool HasInputEnough => InputEnough.IsCompleted;

    /// <summary>Completes when it says that it needs no more input; never where it does not say that.</summary>
    public virtual Task InputEnough => s_never.Task;

    /// <summary>Starts a program of this machine.</summary>
    /// <param name="path">Its full path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables to set; null removes one.</param>
    /// <param name="use">What is done with its streams.</param>
    /// <param name="folder">The folder in which it runs; null for that of this process.</param>
    public static ToolProcess Start(string path, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, ToolUse use = ToolUse.Ask, string? folder = null) =>
        LocalToolProcess.Begin(path, arguments, environment, use, folder);

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public abstract Task<int> WaitAsync(CancellationToken cancellationToken);

    /// <summary>Waits for the end and fails where the exit code is not 0.</summary>
    /// <exception cref="ToolFailedException">With the program's own words.</exception>
    public async Task RequireSuccessAsync(string hint, CancellationToken cancellationToken)
    {
        int exitCode = await WaitAsync(cancellationToken).ConfigureAwait(false);
        if (exitCode != 0)
            throw new ToolFailedException(Name, exitCode, Errors, hint);
    }

    /// <summary>Ends it with all its children. A program that is fed must not take a broken-off input for a complete one.</summary>
    public abstract void Kill();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);

    /// <summary>Takes a text that is not the program's own off the end of what was kept.</summary>
    /// <returns>True if it was there.</returns>
    protected bool TakeOff(string text)
    {
        lock (_errors)
        {
            int start = _errors.Length - text.Length;
            if (start < 0 || _errors.ToString(start, text.Length) != text)
                return false;
            _errors.Length = start;
            return true;
        }
    }

    /// <summary>Keeps the end of what comes on standard error.</summary>
    protected void Keep(ReadOnlySpan<char> text)
    {
        lock (_errors)
        {
            _errors.Append(text);
            if (_errors.Length > KeptErrorCharacters)
                _errors.Remove(0, _errors.Length - KeptErrorCharacters);
        }
    }
}
