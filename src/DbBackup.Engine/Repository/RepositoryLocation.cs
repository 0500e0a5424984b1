using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Where a repository is, as a person writes it: a path, or a URL of a kind that there is a store for.</summary>
public sealed record RepositoryLocation
{
    // A new store is a class and a line here.
    private static readonly Dictionary<string, Func<string, IObjectStore>> Stores = new(StringComparer.OrdinalIgnoreCase)
    {
        [Uri.UriSchemeFile] = text => new DirectoryStore(text),
    };

    private readonly string _scheme;

    private RepositoryLocation(string scheme, string text)
    {
        _scheme = scheme;
        Text = text;
    }

    /// <summary>The location: an absolute path, or a URL.</summary>
    public string Text { get; }

    /// <summary>Reads a location.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="resolvePath">Makes a path absolute from where the shell is.</param>
    /// <exception cref="BackupException">There is no store for its kind.</exception>
    public static RepositoryLocation Parse(string text, Func<string, string> resolvePath)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(resolvePath);
        // "C:/x" and "TestDrive:/x" are paths.
        int end = text.IndexOf("://", StringComparison.Ordinal);
        if (end < 1 || !text[..end].All(character => char.IsAsciiLetterOrDigit(character) || character is '+' or '-' or '.'))
            return new RepositoryLocation(Uri.UriSchemeFile, Path.TrimEndingDirectorySeparator(resolvePath(text)));
        string scheme = text[..end];
        if (!Stores.ContainsKey(scheme))
        {
            throw new BackupFailure(
                ErrorCodes.RepositoryNotSupported,
                FailureCategory.NotSupported,
                $"'{text}' cannot be a repository: there is no store for '{scheme}://'.",
                "Use a folder or a mounted share: a path, or file:///path.")
            { Target = text };
        }

        if (!scheme.Equals(Uri.UriSchemeFile, StringComparison.OrdinalIgnoreCase))
            return new RepositoryLocation(scheme, text);
        if (UriText.TryParse(text) is not { } uri)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{text}' is not a valid URI.", "Write file:///path with three slashes, or the path itself.")
            { Target = text };
        }

        return new RepositoryLocation(Uri.UriSchemeFile, Path.TrimEndingDirectorySeparator(resolvePath(uri.LocalPath)));
    }

    /// <summary>Opens the store; touches nothing.</summary>
    public IObjectStore OpenStore() => Stores[_scheme](Text);

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>Returns the folder of a backup, given it or its manifest.</summary>
    /// <param name="path">An absolute path.</param>
    public static string BackupFolder(string path)
    {
        string trimmed = Path.TrimEndingDirectorySeparator(path);
        return Path.GetFileName(trimmed) == RepositoryKeys.Manifest ? Path.GetDirectoryName(trimmed)! : trimmed;
    }

    /// <summary>Returns the folder of the repository in which a backup's folder lies; null if there is no backup at that path.</summary>
    /// <param name="folder">The backup's folder.</param>
    public static string? RepositoryFolder(string folder) =>
        File.Exists(Path.Join(folder, RepositoryKeys.Manifest)) ? Path.GetDirectoryName(Path.GetDirectoryName(folder)) : null;
}
