using System.Management.Automation;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>A backup's name as the user gave it: the name alone, <c>source/name</c> as it is printed, or the backup's path; with wildcards.</summary>
internal sealed class GivenName(string text, Func<string, string> resolvePath)
{
    private readonly WildcardPattern _pattern = WildcardPattern.Get(text, WildcardOptions.IgnoreCase);

    /// <summary>True if the text names backups by a pattern, so that finding none is no error.</summary>
    public bool IsPattern => WildcardPattern.ContainsWildcardCharacters(text);

    /// <summary>True if the backup is meant.</summary>
    public bool Fits(Backup backup)
    {
        // No name of a source or backup contains a separator.
        if (text.AsSpan().IndexOfAny('/', '\\') < 0)
            return _pattern.IsMatch(backup.Name);
        return _pattern.IsMatch(backup.ToString()) || (!IsPattern && string.Equals(Path.TrimEndingDirectorySeparator(resolvePath(text)), backup.Location, StringComparison.Ordinal));
    }
}
