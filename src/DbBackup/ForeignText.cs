using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace DbBackup;

/// <summary>
/// Text of foreign origin (a path, a tag, a server's message) as a terminal, a log or a text file may get it: control characters would steer
/// the terminal, forge lines, or show something else than there is. Objects keep it as it is; whatever shows it passes it through here.
/// Bytes of a name that is not UTF-8, which are lone surrogates in a text, are shown as <c>\xe9</c>.
/// </summary>
public static class ForeignText
{
    /// <summary>A text of several lines, with control characters other than line ends and tabs escaped.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? Shown(string? text) => Escape(text, keepLines: true);

    /// <summary>A text of one line, with all control characters escaped.</summary>
    [return: NotNullIfNotNull(nameof(text))]
    public static string? ShownLine(string? text) => Escape(text, keepLines: false);

    /// <summary>True for a control character, and for what turns the direction of the text around it or ends a line of it.</summary>
    public static bool IsControl(char character) =>
        char.IsControl(character) || character is (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\u2028' or '\u2029';

    private static string? Escape(string? text, bool keepLines)
    {
        if (text is null || !text.Any(character => IsControl(character) || char.IsSurrogate(character)))
            return text;
        var shown = new StringBuilder(text.Length + 16);
        for (int i = 0; i < text.Length; i++)
        {
            char character = text[i];
            if (char.IsHighSurrogate(character) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                shown.Append(character).Append(text[++i]);
            else if (character is >= '\udc80' and <= '\udcff')
                shown.Append(CultureInfo.InvariantCulture, $"\\x{character - 0xdc00:x2}");
            else if (char.IsSurrogate(character))
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else if (!IsControl(character) || (keepLines && (character is '\n' or '\t' || (character == '\r' && i + 1 < text.Length && text[i + 1] == '\n'))))
                shown.Append(character);
            else
                shown.Append(CultureInfo.InvariantCulture, $"{(character > 0xff ? "\\u" : "\\x")}{((int)character).ToString(character > 0xff ? "x4" : "x2", CultureInfo.InvariantCulture)}");
        }

        return shown.ToString();
    }
}
