using System.Management.Automation.Language;

namespace DbBackup.PowerShell.Completion;

/// <summary>Text that can be typed at the prompt as it stands.</summary>
internal static class CommandText
{
    /// <summary>An argument, in quotes where the shell needs them.</summary>
    public static string Quote(string text) =>
        text.Length > 0 && text[0] != '-' && text.All(character => char.IsLetterOrDigit(character) || character is '.' or '_' or '-' or '/' or '\\' or ':')
            ? text
            : $"'{CodeGeneration.EscapeSingleQuotedStringContent(text)}'";
}
