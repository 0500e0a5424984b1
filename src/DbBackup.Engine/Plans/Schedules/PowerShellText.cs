namespace DbBackup.Engine.Plans.Schedules;

/// <summary>Texts within PowerShell.</summary>
internal static class PowerShellText
{
    // PowerShell takes the typographic ones for quotation marks too.
    private const string Quotes = "'\u2018\u2019\u201a\u201b";

    /// <summary>An argument, in quotation marks if it needs them.</summary>
    public static string Quote(string text) =>
        text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] == '/') && text.All(c => char.IsAsciiLetterOrDigit(c) || "._-/:\\".Contains(c, StringComparison.Ordinal))
            ? text
            : $"'{string.Concat(text.Select(c => Quotes.Contains(c, StringComparison.Ordinal) ? new string(c, 2) : c.ToString()))}'";
}
