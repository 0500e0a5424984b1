using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>What pg_restore and psql say of statements that the server refused.</summary>
internal static partial class LoadErrors
{
    private const string Error = "ERROR:  ";
    private const string Command = "Command was: ";
    private const int LongestCommand = 100;

    // What is wrong with the data or the definition, and not with the server: https://www.postgresql.org/docs/current/errcodes-appendix.html.
    private static readonly string[] s_ofData = ["0A", "22", "23", "2F", "38", "39", "42", "54", "P0"];

    /// <summary>True if a load failed because the server refused what the dump says, which could itself be read.</summary>
    public static bool IsRefusal(BackupException failure) =>
        failure is { Code: ErrorCodes.TargetInvalid, InnerException: PostgresException }
        || ((failure as ToolFailedException ?? (failure.Code == ErrorCodes.TargetInvalid ? failure.InnerException as ToolFailedException : null)) is { WasKilled: false } tool
            && tool.LastLines.Contains(Error, StringComparison.Ordinal));

    /// <summary>The failure of a row that the server refused; null if it failed for another reason.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="table">The table, as SQL names it.</param>
    /// <param name="rowOf">The row in the table's data of a line that the server counted.</param>
    public static BackupFailure? OfRow(BackupException failure, string table, Func<long, long> rowOf)
    {
        PostgresException? error = failure.InnerException as PostgresException ?? failure.InnerException?.InnerException as PostgresException;
        if (error is null || !s_ofData.Any(kind => error.SqlState.StartsWith(kind, StringComparison.Ordinal)))
            return null;
        string place = PlaceIn().Match(error.Where ?? string.Empty) is { Success: true } found && long.TryParse(found.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long line)
            ? string.Create(CultureInfo.InvariantCulture, $", row {rowOf(line)}{found.Groups[2].Value}") : string.Empty;
        return new BackupFailure(
            ErrorCodes.TargetInvalid,
            FailureCategory.InvalidData,
            $"The server refused data of {table}{place}: {error.MessageText}{(error.Detail is { Length: > 0 } detail ? $" ({detail.TrimEnd('.')})" : string.Empty)}.",
            "Use another backup of this source (Get-DbBackup), or a server of the version that was dumped.",
            error)
        { Target = failure.Target };
    }

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

    // "COPY big, line 12, column id: "x"", in the server's language; a function that was called at the row says more on lines of its own.
    [GeneratedRegex(@"^COPY .*?, \D+ (\d+)(, [^:\n]+)?(?::|$)", RegexOptions.CultureInvariant | RegexOptions.Multiline)]
    private static partial Regex PlaceIn();

    [GeneratedRegex(@"\s+", RegexOptions.CultureInvariant)]
    private static partial Regex Blanks();
}
