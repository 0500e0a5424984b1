using System.Management.Automation;

namespace DbBackup.PowerShell.Arguments;

/// <summary>Names and wildcards, compared without regard to case and to the session's culture: in Turkish the small letter of I is ı.</summary>
internal static class NamePattern
{
    private const WildcardOptions IgnoringCase = WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant;

    /// <summary>Returns the pattern of a name or wildcard.</summary>
    public static WildcardPattern Of(string text) => WildcardPattern.Get(text, IgnoringCase);
}
