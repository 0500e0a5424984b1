using System.Management.Automation;
using DbBackup.Engine.Repository;
using DbBackup.PowerShell.Arguments;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>A backup's name as the user gave it: the name alone, <c>source/name</c> as it is printed, or the path of the backup or its manifest; with wildcards.</summary>
internal sealed class GivenName
{
    private readonly WildcardPattern _pattern;
    private readonly string? _folder;

    public GivenName(string text, Func<string, string> resolvePath)
    {
        Text = text;
        _pattern = NamePattern.Of(text);
        // No name of a source or backup contains a separator.
        if (IsPattern || text.AsSpan().IndexOfAny('/', '\\') < 0)
            return;
        _folder = RepositoryLocation.BackupFolder(resolvePath(text));
    }

    /// <summary>What the user gave.</summary>
    public string Text { get; }

    /// <summary>True if the text names backups by a pattern, so that finding none is no error.</summary>
    public bool IsPattern => WildcardPattern.ContainsWildcardCharacters(Text);

    /// <summary>The folder of the repository in which the named backup lies; null if the text is not the path of an existing backup.</summary>
    public string? Repository => _folder is null ? null : RepositoryLocation.RepositoryFolder(_folder);

    /// <summary>Returns the folder of the repository in which a piped folder lies; null if the folder is no backup's.</summary>
    public static string? RepositoryOf(string? providerPath, Func<string, string> resolvePath) =>
        providerPath is null ? null : RepositoryLocation.RepositoryFolder(RepositoryLocation.BackupFolder(resolvePath(providerPath)));

    /// <summary>True if the backup is meant.</summary>
    public bool Fits(Backup backup) =>
        Text.AsSpan().IndexOfAny('/', '\\') < 0 ? _pattern.IsMatch(backup.Name)
        : _pattern.IsMatch(backup.ToString()) || string.Equals(_folder, backup.Location, StringComparison.Ordinal);
}
