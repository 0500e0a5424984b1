using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text.RegularExpressions;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>The command as it was typed, which the shell keeps in each error record and shows with the error of a script.</summary>
internal static partial class TypedCommand
{
    /// <summary>Hides the passwords of URLs and connection strings in what records of this command show.</summary>
    public static void HidePasswords(InvocationInfo invocation)
    {
        string line = invocation.Line.TrimEnd();
        string masked = Mask(line);
        bool isGiven = invocation.BoundParameters.Values.SelectMany(TextsOf).Any(text => Mask(text) != text);
        int column = invocation.OffsetInLine;
        if ((masked == line && !isGiven) || column < 1 || column > line.Length)
            return;
        // Only the first line, to its end: where the command ends is not told, and the lines that follow may have a password too.
        int shown = Mask(line[..(column - 1)]).Length + 1;
        invocation.DisplayScriptPosition = new ScriptExtent(
            new ScriptPosition(invocation.ScriptName, invocation.ScriptLineNumber, shown, masked),
            new ScriptPosition(invocation.ScriptName, invocation.ScriptLineNumber, masked.Length + 1, masked));
    }

    /// <summary>Returns the text without passwords; so much may be hidden that is none.</summary>
    internal static string Mask(string text) => Setting().Replace(Url().Replace(text, "$1:***@"), "$1***");

    private static IEnumerable<string> TextsOf(object? value) => value switch
    {
        string text => [text],
        IEnumerable<string> several => several,
        _ => [],
    };

    // The last @ ends the password even if it has one that was not encoded.
    [GeneratedRegex(@"([a-z][a-z0-9+.-]*://[^\s:@/'""]*):[^\s'""]*@", RegexOptions.IgnoreCase)]
    private static partial Regex Url();

    // Of a connection string or a URL's query; a variable's name is none.
    [GeneratedRegex(@"(?<![$:\w])((?:ssl)?(?:password|pwd)\s*=\s*)(?:""[^""]*""|'[^']*'|[^;&'""]+)", RegexOptions.IgnoreCase)]
    private static partial Regex Setting();
}
