using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Runs;

/// <summary>A command line of a plan, run by the system's shell.</summary>
public static class PlanHook
{
    private const int WordsLines = 5;

    /// <summary>Runs it to its end.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="environment">Variables to set.</param>
    /// <param name="output">Receives each line of its output.</param>
    /// <param name="cancellationToken">Ends it and its children.</param>
    /// <exception cref="BackupException">It ended with another exit code than 0.</exception>
    public static async Task RunAsync(string line, IReadOnlyDictionary<string, string?> environment, Action<string> output, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(output);
        // Both streams into one, in the order in which they are written.
        (string program, string[] arguments) = OperatingSystem.IsWindows()
            ? (Path.Combine(Environment.SystemDirectory, "cmd.exe"), (string[])["/d", "/s", "/c", $"({line}) 2>&1"])
            : ("/bin/sh", ["-c", $"exec 2>&1\n{line}"]);
        using ToolProcess tool = ToolProcess.Start(program, arguments, environment);
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        var last = new Queue<string>();
        using (var reader = new StreamReader(tool.Output))
        {
            while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } text)
            {
                output(text);
                last.Enqueue(text);
                if (last.Count > WordsLines)
                    last.Dequeue();
            }
        }

        int exitCode = await tool.WaitAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
        {
            throw new BackupFailure(
                ErrorCodes.ToolFailed,
                FailureCategory.InvalidData,
                FormattableString.Invariant($"The command '{line}' of the plan ended with exit code {exitCode}{(last.Count == 0 ? "." : ": " + string.Join(' ', last))}"),
                "Run it by hand as the same user to see why.")
            { Target = line };
        }
    }
}
