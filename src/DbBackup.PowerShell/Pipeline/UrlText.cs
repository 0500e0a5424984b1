using System.Text.RegularExpressions;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>URLs among what is typed as a path, and the passwords in them.</summary>
internal static partial class UrlText
{
    /// <summary>True for a URL of any kind but <c>file://</c>. A path of a PowerShell provider has <c>::</c>, one of Windows a letter and a colon.</summary>
    public static bool IsUrl(string text) => Url().IsMatch(text);

    /// <summary>True for a URL of PostgreSQL, also with a driver's name as SQLAlchemy has it.</summary>
    public static bool IsPostgreSql(string text) => PostgreSql().IsMatch(text);

    /// <summary>True for a connection string of key=value pairs, as libpq and Npgsql have it.</summary>
    public static bool IsKeyValues(string text) => KeyValues().IsMatch(text);

    /// <summary>Returns the URL without its password, and without the values of its query.</summary>
    public static string Mask(string text)
    {
        // The last @ ends the password even if it has one that was not encoded; so much may be hidden that is none.
        string masked = Password().Replace(text, "$1***@");
        return SecretText.Masked(Query().Replace(masked, "$1***"));
    }

    [GeneratedRegex(@"\A(?!file://)[A-Za-z][A-Za-z0-9+.-]+://", RegexOptions.IgnoreCase)]
    private static partial Regex Url();

    [GeneratedRegex(@"\Apostgres(?:ql)?(?:\+\w+)?://", RegexOptions.IgnoreCase)]
    private static partial Regex PostgreSql();

    [GeneratedRegex(@"\A\s*(?:host|hostaddr|server|data source|dbname|database|service)\s*=\s*\S", RegexOptions.IgnoreCase)]
    private static partial Regex KeyValues();

    [GeneratedRegex(@"\A([^:]+://[^:@/]*):.*@", RegexOptions.Singleline)]
    private static partial Regex Password();

    [GeneratedRegex(@"([?&][^=&]*=)[^&]*")]
    private static partial Regex Query();
}
