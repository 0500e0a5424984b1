using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Upgrades;

/// <summary>Runs a command line of a person as a shell takes it, and keeps its last words.</summary>
/// <param name="command">The command line.</param>
/// <param name="folder">The folder in which it runs.</param>
/// <param name="environment">Variables to set.</param>
internal sealed class ShellCommand(string command, string folder, IReadOnlyDictionary<string, string?> environment)
{
    // Programs end with what matters; what is above is heard by the observer.
    private const int KeptLines = 5;

    // It begins when it is told to, so that it is known on disk before it does anything. Where nobody tells it, its parent has died.
    private const string Waiting = "read -r go || exit 1; exec sh -c \"$1\" </dev/null";

    /// <summary>Runs it to its end.</summary>
    /// <param name="timeout">After this it is ended with all its children.</param>
    /// <param name="started">Hears which process it is, before anything comes of it.</param>
    /// <param name="observer">Hears each line that it writes.</param>
    /// <param name="cancellationToken">Ends it with all its children.</param>
    /// <exception cref="BackupFailure">It failed or took too long, with its last words.</exception>
    public async Task RunAsync(TimeSpan timeout, Action<ProcessIdentity>? started, IOperationObserver observer, CancellationToken cancellationToken)
    {
        (string shell, string[] arguments) = OperatingSystem.IsWindows()
            ? (Path.Combine(Environment.SystemDirectory, "cmd.exe"), new[] { "/d", "/s", "/c", command })
            : ("/bin/sh", new[] { "-c", Waiting, "sh", command });
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        using var tool = (LocalToolProcess)ToolProcess.Start(shell, arguments, environment, ToolUse.Feed, folder);
        if (ProcessIdentity.Of(tool.ProcessId) is { } process)
            started?.Invoke(process);
        await GoAsync(tool).ConfigureAwait(false);
        using CancellationTokenRegistration stop = limit.Token.Register(tool.Kill);
        var last = new Queue<string>();
        int exitCode;
        try
        {
            using var reader = new StreamReader(tool.Output);
            while (await reader.ReadLineAsync(limit.Token).ConfigureAwait(false) is { } line)
            {
                observer.Verbose(line);
                last.Enqueue(line);
                if (last.Count > KeptLines)
                    last.Dequeue();
            }

            exitCode = await tool.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed(FormattableString.Invariant($"took longer than {timeout.TotalSeconds:0} s and was ended"), Words(last, tool));
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
            throw Failed(FormattableString.Invariant($"ended with exit code {exitCode}"), Words(last, tool));
    }

    private static async Task GoAsync(LocalToolProcess tool)
    {
        try
        {
            if (!OperatingSystem.IsWindows())
                await tool.Input.WriteAsync("\n"u8.ToArray()).ConfigureAwait(false);
            await tool.Input.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It has gone; its exit code says why.
        }
    }

    private static string Words(Queue<string> output, LocalToolProcess tool)
    {
        IEnumerable<string> errors = tool.Errors.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).TakeLast(KeptLines);
        return string.Join(Environment.NewLine, output.Concat(errors));
    }

    private BackupFailure Failed(string how, string words) => new(
        ErrorCodes.UpgradeStepFailed,
        FailureCategory.InvalidData,
        $"'{command}' {how}{(words.Length == 0 ? "." : ":" + Environment.NewLine + words)}",
        $"Run it by hand in '{folder}' on a copy of the database to see why.")
    { Target = command };
}
