using DbBackup.Engine.Platform;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>A program that an upgrade step runs on this machine, and whose last output lines are kept.</summary>
internal sealed class UpgradeCommand
{
    // The last lines name the error; the observer receives all of them.
    private const int WordsLines = 5;
    private const int MostLines = 10_000;

    // The program waits for a line, so that the journal names its process before it does anything. End of input means that its parent has died.
    private const string Waiting = "read -r go || exit 1; exec \"$@\" </dev/null";

    private readonly string _program;
    private readonly string[] _arguments;
    private readonly string _text;
    private readonly string _folder;
    private readonly bool _isOfUser;
    private readonly IReadOnlyDictionary<string, string?> _environment;

    private UpgradeCommand(string program, string[] arguments, string text, string folder, IReadOnlyDictionary<string, string?> environment, bool isOfUser)
    {
        _isOfUser = isOfUser;
        _program = program;
        _arguments = arguments;
        _text = text;
        _folder = folder;
        _environment = environment;
    }

    /// <summary>A program with its arguments.</summary>
    /// <param name="program">Its full path.</param>
    /// <param name="arguments">The arguments, which must not contain secrets.</param>
    /// <param name="folder">The folder in which it runs.</param>
    /// <param name="environment">Variables to set; null removes one.</param>
    public static UpgradeCommand Of(string program, IEnumerable<string> arguments, string folder, IReadOnlyDictionary<string, string?> environment)
    {
        string[] list = [.. arguments];
        return new UpgradeCommand(program, list, string.Join(' ', list.Prepend(Path.GetFileNameWithoutExtension(program))), folder, environment, isOfUser: false);
    }

    /// <summary>A command line that the user wrote, run by the shell.</summary>
    public static UpgradeCommand OfShell(string line, string folder, IReadOnlyDictionary<string, string?> environment) => OperatingSystem.IsWindows()
        ? new UpgradeCommand(Path.Combine(Environment.SystemDirectory, "cmd.exe"), ["/d", "/s", "/c", line], line, folder, environment, isOfUser: true)
        : new UpgradeCommand("/bin/sh", ["-c", line], line, folder, environment, isOfUser: true);

    /// <summary>Runs the program to its end.</summary>
    /// <param name="timeout">The time after which the program and its children are terminated.</param>
    /// <param name="started">Receives the process before it does anything.</param>
    /// <param name="observer">Receives each output line.</param>
    /// <param name="cancellationToken">Terminates the program and its children.</param>
    /// <returns>The standard output, or its last part if it is very long.</returns>
    /// <exception cref="BackupFailure">The program failed or took too long.</exception>
    public async Task<string> RunAsync(TimeSpan timeout, Action<ProcessIdentity>? started, IOperationObserver observer, CancellationToken cancellationToken)
    {
        (string program, string[] arguments) = OperatingSystem.IsWindows() ? (_program, _arguments) : ("/bin/sh", ["-c", Waiting, "sh", _program, .. _arguments]);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        using var tool = (LocalToolProcess)ToolProcess.Start(program, arguments, _environment, ToolUse.Feed, _folder);
        if (ProcessIdentity.Of(tool.ProcessId) is { } process)
            started?.Invoke(process);
        await GoAsync(tool).ConfigureAwait(false);
        using CancellationTokenRegistration stop = limit.Token.Register(tool.Kill);
        var output = new Queue<string>();
        int exitCode;
        try
        {
            using var reader = new StreamReader(tool.Output);
            while (await reader.ReadLineAsync(limit.Token).ConfigureAwait(false) is { } line)
            {
                observer.Verbose(Hide(line));
                output.Enqueue(line);
                if (output.Count > MostLines)
                    output.Dequeue();
            }

            exitCode = await tool.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed(FormattableString.Invariant($"took longer than {timeout.TotalSeconds:0} s and was terminated"), Words(output, tool.Errors));
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
            throw Failed(FormattableString.Invariant($"failed with exit code {exitCode}"), Words(output, tool.Errors));
        return string.Join('\n', output);
    }

    /// <summary>Returns the last lines of a program's output.</summary>
    public static string Words(IEnumerable<string> output, string errors) =>
        string.Join(Environment.NewLine, output.TakeLast(WordsLines).Concat(errors.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).TakeLast(WordsLines)));

    /// <summary>Returns the error for a failed command.</summary>
    public static BackupFailure Failure(string command, string how, string words, string hint) => new(
        ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, $"'{command}' {how}{(words.Length == 0 ? "." : ":" + Environment.NewLine + words)}", hint)
    { Target = command };

    private BackupFailure Failed(string how, string words) => Failure(_text, how, Hide(words), $"Run it by hand in '{_folder}'{(_isOfUser ? " on a copy of the database" : string.Empty)} to see why.");

    // The output of a failed program may contain the URL it was given, and the journal keeps that output.
    private string Hide(string words)
    {
        foreach (string secret in _environment.Values.OfType<string>().SelectMany(DatabaseUrls.SecretsOf))
            words = words.Replace(secret, "***", StringComparison.Ordinal);
        return words;
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
            // The program has ended; its exit code says why.
        }
    }
}
