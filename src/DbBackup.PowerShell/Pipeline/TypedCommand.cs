using System.Management.Automation;
using System.Management.Automation.Language;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>The command as it was typed, which the shell keeps in each error record and shows with the error of a script.</summary>
internal static class TypedCommand
{
    /// <summary>Hides the passwords of URLs and connection strings in what records of this command show.</summary>
    public static void HidePasswords(InvocationInfo invocation)
    {
        string line = invocation.Line.TrimEnd();
        string masked = SecretText.Masked(line);
        bool isGiven = invocation.BoundParameters.Values.SelectMany(TextsOf).Any(text => SecretText.Masked(text) != text);
        int column = invocation.OffsetInLine;
        if ((masked == line && !isGiven) || column < 1 || column > line.Length)
            return;
        // Only the first line, to its end: where the command ends is not told, and the lines that follow may have a password too.
        int shown = SecretText.Masked(line[..(column - 1)]).Length + 1;
        invocation.DisplayScriptPosition = new ScriptExtent(
            new ScriptPosition(invocation.ScriptName, invocation.ScriptLineNumber, shown, masked),
            new ScriptPosition(invocation.ScriptName, invocation.ScriptLineNumber, masked.Length + 1, masked));
    }

    private static IEnumerable<string> TextsOf(object? value) => value switch
    {
        string text => [text],
        IEnumerable<string> several => several,
        _ => [],
    };
}
