using System.Text.RegularExpressions;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>What pg_restore and psql say of statements that the server refused.</summary>
internal static partial class LoadErrors
{
    private const string Error = "ERROR:  ";
    private const string Command = "Command was: ";
    private const int LongestCommand = 100;

    /// <summary>True if a load failed because the server refused what the dump says, which could itself be read.</summary>
    public static bool IsRefusal(BackupException failure) =>
        (failure as ToolFailedException ?? (failure.Code == ErrorCodes.TargetInvalid ? failure.InnerException as ToolFailedException : null)) is { WasKilled: false } tool
        && tool.LastLines.Contains(Error, StringComparison.Ordinal);

    /// <summary>One line for each statement that pg_restore could not run; none if it failed for another reason.</summary>
    /// <param name="words">What it wrote to standard error; of a long text its end.</param>
    public static IReadOnlyList<string> OfArchive(string words)
    {
        // The last line of a run that came to its end.
        if (!words.Contains("errors ignored on restore: ", StringComparison.Ordinal))
            return [];
        var found = new List<string>();
        string[] lines = words.Split('\n');
        for (int index = 0; index < lines.Length; index++)
        {
            if (lines[index].IndexOf(Error, StringComparison.Ordinal) is >= 0 and int start)
                found.Add(lines[index][(start + Error.Length)..].Trim());
            else if (lines[index].StartsWith(Command, StringComparison.Ordinal) && found.Count > 0)
                found[^1] += $" ({Shortened(string.Join(' ', lines[index..].TakeWhile(line => line.Length > 0))[Command.Length..])})";
        }

        return found;
    }

    /// <summary>One line for each statement that psql could not run.</summary>
    public static IReadOnlyList<string> OfText(string words) =>
        [.. words.Split('\n').Where(line => line.Contains(Error, StringComparison.Ordinal)).Select(line => Line().Replace(line, "line $1: ").Trim())];

    private static string Shortened(string command)
    {
        string line = Blanks().Replace(command, " ").Trim();
        return line.Length <= LongestCommand ? line : line[..LongestCommand] + "…";
    }

    // "psql:<stdin>:120: ERROR:  relation ..."
    [GeneratedRegex(@"^psql:[^ ]*?:(\d+): ERROR:  ", RegexOptions.CultureInvariant)]
    private static partial Regex Line();

    [GeneratedRegex(@"\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Blanks();
}
