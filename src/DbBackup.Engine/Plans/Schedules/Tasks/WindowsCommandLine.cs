using System.Text;

namespace DbBackup.Engine.Plans.Schedules.Tasks;

/// <summary>Arguments as Windows programs read them: https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments.</summary>
internal static class WindowsCommandLine
{
    /// <summary>Joins arguments.</summary>
    public static string Join(IEnumerable<string> arguments) => string.Join(' ', arguments.Select(Quote));

    private static string Quote(string argument)
    {
        if (argument.Length > 0 && !argument.Any(c => char.IsWhiteSpace(c) || c == '"'))
            return argument;
        var quoted = new StringBuilder("\"");
        int backslashes = 0;
        foreach (char letter in argument)
        {
            // Backslashes are themselves unless a quotation mark follows.
            if (letter == '"')
                quoted.Append('\\', backslashes + 1);
            backslashes = letter == '\\' ? backslashes + 1 : 0;
            quoted.Append(letter);
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }
}
