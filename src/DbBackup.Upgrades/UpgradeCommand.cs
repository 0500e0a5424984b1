using DbBackup.Engine.Platform;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>A program that a step of an upgrade runs on this machine, and whose last words are kept.</summary>
internal sealed class UpgradeCommand
{
    // Programs end with what matters; what is above is heard by the observer.
    private const int WordsLines = 5;
    private const int MostLines = 10_000;

    // It begins when it is told to, so that it is known on disk before it does anything. Where nobody tells it, its parent has died.
    private const string Waiting = "read -r go || exit 1; exec \"$@\" </dev/null";

    private readonly string _program;
    private readonly string[] _arguments;
    private readonly string _text;
    private readonly string _folder;
    private readonly bool _isOfPerson;
    private readonly IReadOnlyDictionary<string, string?> _environment;

    private UpgradeCommand(string program, string[] arguments, string text, string folder, IReadOnlyDictionary<string, string?> environment, bool isOfPerson)
    {
        _isOfPerson = isOfPerson;
        _program = program;
        _arguments = arguments;
        _text = text;
        _folder = folder;
        _environment = environment;
    }

    /// <summary>A program with its arguments.</summary>
    /// <param name="program">Its full path.</param>
    /// <param name="arguments">Its arguments; nothing secret belongs among them.</param>
    /// <param name="folder">The folder in which it runs.</param>
    /// <param name="environment">Variables to set; null removes one.</param>
    public static UpgradeCommand Of(string program, IEnumerable<string> arguments, string folder, IReadOnlyDictionary<string, string?> environment)
    {
        string[] list = [.. arguments];
        return new UpgradeCommand(program, list, string.Join(' ', list.Prepend(Path.GetFileNameWithoutExtension(program))), folder, environment, isOfPerson: false);
    }

    /// <summary>A command line of a person, as a shell takes it.</summary>
    public static UpgradeCommand OfShell(string line, string folder, IReadOnlyDictionary<string, string?> environment) => OperatingSystem.IsWindows()
        ? new UpgradeCommand(Path.Combine(Environment.SystemDirectory, "cmd.exe"), ["/d", "/s", "/c", line], line, folder, environment, isOfPerson: true)
        : new UpgradeCommand("/bin/sh", ["-c", line], line, folder, environment, isOfPerson: true);

    /// <summary>Runs it to its end.</summary>
    /// <param name="timeout">After this it is ended with all its children.</param>
    /// <param name="started">Hears which process it is, before anything comes of it.</param>
    /// <param name="observer">Hears each line that it writes.</param>
    /// <param name="cancellationToken">Ends it with all its children.</param>
    /// <returns>What it wrote to its standard output; of very much, the end.</returns>
    /// <exception cref="BackupFailure">It failed or took too long, with its last words.</exception>
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
            throw Failed(FormattableString.Invariant($"took longer than {timeout.TotalSeconds:0} s and was ended"), Words(output, tool.Errors));
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
            throw Failed(FormattableString.Invariant($"ended with exit code {exitCode}"), Words(output, tool.Errors));
        return string.Join('\n', output);
    }

    /// <summary>The last lines of what a program wrote.</summary>
    public static string Words(IEnumerable<string> output, string errors) =>
        string.Join(Environment.NewLine, output.TakeLast(WordsLines).Concat(errors.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).TakeLast(WordsLines)));

    /// <summary>What is thrown for a command that failed.</summary>
    public static BackupFailure Failure(string command, string how, string words, string hint) => new(
        ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, $"'{command}' {how}{(words.Length == 0 ? "." : ":" + Environment.NewLine + words)}", hint)
    { Target = command };

    private BackupFailure Failed(string how, string words) => Failure(_text, how, Hide(words), $"Run it by hand in '{_folder}'{(_isOfPerson ? " on a copy of the database" : string.Empty)} to see why.");

    // Programs that fail like to tell with what; their words are kept in the journal.
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
            // It has gone; its exit code says why.
        }
    }
}
