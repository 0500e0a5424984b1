using System.Text.RegularExpressions;

namespace DbBackup;

/// <summary>Hides passwords in text that is shown, wherever a user put them: a URL where a path or name belongs, say.</summary>
public static partial class SecretText
{
    /// <summary>Returns the text without the passwords of URLs and connection strings; so much may be hidden that is none.</summary>
    public static string Masked(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Setting().Replace(Url().Replace(text, "$1:***@"), "$1***");
    }

    // The last @ ends the password even if it has one that was not encoded.
    [GeneratedRegex(@"([a-z][a-z0-9+.-]*://[^\s:@/'""]*):[^\s'""]*@", RegexOptions.IgnoreCase)]
    private static partial Regex Url();

    // Of a connection string or a URL's query; a variable's name is none.
    [GeneratedRegex(@"(?<![$:\w])((?:ssl)?(?:password|pwd)\s*=\s*)(?:""[^""]*""|'[^']*'|[^;&'""]+)", RegexOptions.IgnoreCase)]
    private static partial Regex Setting();
}
