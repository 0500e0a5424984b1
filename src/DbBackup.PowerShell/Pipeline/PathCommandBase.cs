using System.ComponentModel;
using System.Management.Automation;
using DbBackup.PowerShell.Parameters;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>A path that was given, and what it leads to.</summary>
/// <param name="Given">As the person wrote it.</param>
/// <param name="Resolved">The absolute path; null where it leads nowhere.</param>
/// <param name="ByWildcard">True if a wildcard found it.</param>
/// <param name="Failure">Why it leads nowhere.</param>
/// <param name="Url">The URL that was given in place of a path, with its password; <paramref name="Given"/> has none then.</param>
internal sealed record PathItem(string Given, string? Resolved, bool ByWildcard, BackupException? Failure = null, string? Url = null);

/// <summary>A command that takes files by -Path (with wildcards) or -LiteralPath.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[ParameterGroup<RepositoryParameters>(Members = [nameof(Repository)])]
public abstract partial class PathCommandBase : RepositoryCommandBase
{
    internal const string PathSet = "Path";
    internal const string LiteralPathSet = "LiteralPath";

    /// <summary>The files; wildcards are allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = PathSet)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Path { get; set; } = [];

    /// <summary>The files, taken as they are written.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralPathSet)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>The files that the parameters name. What leads nowhere comes with its failure, so that the others follow.</summary>
    private protected IEnumerable<PathItem> ResolveItems()
    {
        bool literal = ParameterSetName == LiteralPathSet;
        foreach (string given in literal ? LiteralPath : Path)
        {
            if (!literal && (UrlText.IsUrl(given) || (UrlText.IsKeyValues(given) && !ExistsAsWritten(given))))
            {
                string masked = UrlText.Mask(given);
                yield return new PathItem(masked, null, false, NoPath(masked), given);
                continue;
            }

            if (literal || !WildcardPattern.ContainsWildcardCharacters(given) || ExistsAsWritten(given))
            {
                yield return Single(given);
                continue;
            }

            foreach (PathItem match in Matches(given))
                yield return match;
        }
    }

    /// <summary>What a wildcard finds, in order.</summary>
    /// <exception cref="BackupException">It finds nothing.</exception>
    private protected IReadOnlyList<string> ExpandWildcard(string given)
    {
        try
        {
            List<string> matches = [.. GetResolvedProviderPathFromPSPath(given, out ProviderInfo provider).Order(StringComparer.Ordinal)];
            RequireFileSystem(given, provider);
            return matches.Count > 0 ? matches : throw NothingMatches(given, null);
        }
        catch (Exception exception) when (exception is ItemNotFoundException or System.Management.Automation.DriveNotFoundException or ProviderNotFoundException)
        {
            throw NothingMatches(given, exception);
        }
    }

    private IEnumerable<PathItem> Matches(string given)
    {
        try
        {
            return [.. ExpandWildcard(given).Select(match => new PathItem(given, match, true))];
        }
        catch (BackupException failure)
        {
            return [new PathItem(given, null, true, failure)];
        }
    }

    // A file may be called "report [2024].db": where one of that very name is there, it is meant.
    private bool ExistsAsWritten(string given)
    {
        try
        {
            return File.Exists(ResolvePath(given));
        }
        catch (BackupException)
        {
            return false;
        }
    }

    private PathItem Single(string given)
    {
        try
        {
            return new PathItem(given, System.IO.Path.TrimEndingDirectorySeparator(ResolvePath(given)), false);
        }
        catch (BackupException failure)
        {
            return new PathItem(given, null, false, failure);
        }
    }

    private static BackupFailure NoPath(string masked) => new(
        ErrorCodes.SourceNotFound,
        FailureCategory.InvalidArgument,
        $"'{masked}' is a URL or connection string, not a path.",
        "Give a path. New-DbBackup also takes a URL of PostgreSQL: postgresql://user@host/database.")
    { Target = masked };

    private static BackupFailure NothingMatches(string given, Exception? inner) => new(
        ErrorCodes.SourceNotFound,
        FailureCategory.NotFound,
        $"No file matches '{given}'.",
        "Check the path; nothing was created.",
        inner)
    { Target = given };
}
