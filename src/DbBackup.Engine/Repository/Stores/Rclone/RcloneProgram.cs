using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores.Rclone;

/// <summary>The user's own rclone, with the user's own configuration. It is started for each call; some run at once.</summary>
/// <param name="password">Opens an encrypted configuration; null where none was given.</param>
internal sealed partial class RcloneProgram(string? password)
{
    /// <summary>The oldest version with all that is used: "lsjson --stat" came with it.</summary>
    public static readonly Version Oldest = new(1, 57);

    private static readonly ConcurrentDictionary<string, Version?> s_versions = new(StringComparer.Ordinal);
    private static readonly SemaphoreSlim s_atOnce = new(8, 8);

    /// <summary>Runs a command and returns what it prints.</summary>
    /// <param name="arguments">The command and its arguments.</param>
    /// <param name="input">What it is fed; null for nothing.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RcloneException">It failed.</exception>
    /// <exception cref="BackupException">It is missing, or too old.</exception>
    public async Task<byte[]> RunAsync(IReadOnlyList<string> arguments, ReadOnlyMemory<byte>? input, CancellationToken cancellationToken)
    {
        await s_atOnce.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using ToolProcess process = Start(arguments, input is null ? ToolUse.Ask : ToolUse.Feed);
            using CancellationTokenRegistration stop = cancellationToken.Register(process.Kill);
            if (input is { } content)
                await FeedAsync(process, content, cancellationToken).ConfigureAwait(false);
            using var output = new MemoryStream();
            await process.Output.CopyToAsync(output, cancellationToken).ConfigureAwait(false);
            await RequireSuccessAsync(process, cancellationToken).ConfigureAwait(false);
            return output.ToArray();
        }
        finally
        {
            s_atOnce.Release();
        }
    }

    /// <summary>Starts a command whose streams the caller reads or writes.</summary>
    /// <exception cref="BackupException">It is missing, or too old.</exception>
    public ToolProcess Start(IReadOnlyList<string> arguments, ToolUse use)
    {
        string path = Find();
        // Asked for a password it would wait for ever; repeated are the calls, here.
        return ToolProcess.Start(path, [.. arguments, "--ask-password=false", "--retries=1", "--stats=0", "--log-level=NOTICE"], Environment(), use);
    }

    /// <summary>Waits for the end of a command.</summary>
    /// <exception cref="RcloneException">It failed.</exception>
    public static async Task RequireSuccessAsync(ToolProcess process, CancellationToken cancellationToken)
    {
        int code = await process.WaitAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (code != 0)
            throw new RcloneException(code, process.Errors);
    }

    // Where the program has ended before its input, its own words say why.
    private static async Task FeedAsync(ToolProcess process, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        try
        {
            await process.Input.WriteAsync(content, cancellationToken).ConfigureAwait(false);
            process.Input.Close();
        }
        catch (IOException)
        {
            await RequireSuccessAsync(process, cancellationToken).ConfigureAwait(false);
            throw;
        }
    }

    private Dictionary<string, string?> Environment()
    {
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal);
        if (password is not null)
            variables["RCLONE_CONFIG_PASS"] = password;
        return variables;
    }

    private static string Find()
    {
        string path = ExternalTool.Find("rclone") ?? throw new BackupFailure(
            ErrorCodes.ToolMissing, FailureCategory.MissingTool, "The program 'rclone' is not on the path.",
            "Install it (apt install rclone, or https://rclone.org/install), and set up the remote: rclone config.")
        { Target = "rclone" };
        Version? version = s_versions.GetOrAdd(path, static each => VersionOf(ExternalTool.FirstLine(each, ["version"])));
        return version >= Oldest ? path : throw new BackupFailure(
            ErrorCodes.ToolMissing, FailureCategory.MissingTool, $"'{path}' is rclone {version?.ToString() ?? "of an unknown version"}; {Oldest} is the oldest that can be used.",
            "Install a newer one: https://rclone.org/install, or the backports of your distribution.")
        { Target = path };
    }

    /// <summary>Reads the first line that "rclone version" prints: <c>rclone v1.60.1-DEV</c>.</summary>
    internal static Version? VersionOf(string line) => VersionText().Match(line) is { Success: true } match ? new Version(Number(match, 1), Number(match, 2)) : null;

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^rclone v(\d{1,5})\.(\d{1,5})")]
    private static partial Regex VersionText();
}
