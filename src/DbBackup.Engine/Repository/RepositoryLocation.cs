using System.Net;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Where a repository is, as a person writes it: a path, or a URL of a kind that there is a store for.</summary>
public sealed record RepositoryLocation
{
    private readonly StoreAddress? _address;

    private RepositoryLocation(string text, StoreAddress? address)
    {
        Text = text;
        _address = address;
    }

    /// <summary>The location: an absolute path, or a URL with its options.</summary>
    public string Text { get; }

    /// <summary>Reads a location.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="resolvePath">Makes a path absolute from where the shell is.</param>
    /// <exception cref="BackupException">There is no store for its kind, or it is none.</exception>
    public static RepositoryLocation Parse(string text, Func<string, string> resolvePath)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(resolvePath);
        string? scheme = StoreAddress.SchemeOf(text);
        if (scheme is null)
            return new RepositoryLocation(Path.TrimEndingDirectorySeparator(resolvePath(text)), null);
        if (scheme == Uri.UriSchemeFile)
        {
            if (UriText.TryParse(text) is { } uri)
                return new RepositoryLocation(Path.TrimEndingDirectorySeparator(resolvePath(uri.LocalPath)), null);
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{text}' is not a valid URI.", "Write file:///path with three slashes, or the path itself.")
            { Target = text };
        }

        if (StoreKind.All.GetValueOrDefault(scheme) is { } kind)
        {
            StoreAddress address = StoreAddress.Parse(text, kind.Options);
            return new RepositoryLocation(address.Text, address);
        }

        throw new BackupFailure(
            ErrorCodes.RepositoryNotSupported,
            FailureCategory.NotSupported,
            $"'{SecretText.Masked(text)}' cannot be a repository: there is no store for '{scheme}://'.",
            $"Use a folder or a mounted share (a path, or file:///path){string.Concat(StoreKind.All.Values.Select(each => $", or {each.Example}"))}.")
        { Target = SecretText.Masked(text) };
    }

    /// <summary>The kind of its store: <c>folder</c>, or the scheme of its URL.</summary>
    public string Kind => _address?.Scheme ?? "folder";

    /// <summary>Returns the location with further options, which replace those of the same name.</summary>
    /// <exception cref="BackupException">Its kind of store does not know one of them.</exception>
    public RepositoryLocation With(IReadOnlyDictionary<string, string> options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Count == 0)
            return this;
        string[] known = _address is null ? [] : [.. StoreKind.All[_address.Scheme].Options];
        if (options.Keys.FirstOrDefault(name => !known.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The repository '{Text}' has no option '{unknown}'.",
                known.Length == 0 ? "A folder takes none: leave the parameter out." : $"It takes: {string.Join(", ", known)}.")
            { Target = Text };
        }

        StoreAddress address = _address! with { Options = _address.Options.Where(option => !options.ContainsKey(option.Key)).Concat(options).ToDictionary(StringComparer.OrdinalIgnoreCase) };
        return new RepositoryLocation(address.Text, address);
    }

    /// <summary>Keeps a login for the location's server while this process runs, if an action that uses it succeeds; else the one before is kept.</summary>
    /// <param name="login">The login; null to use what is there.</param>
    /// <param name="use">The action.</param>
    /// <exception cref="BackupException">A folder takes no login; or the action's own failure.</exception>
    public async Task<T> LogInAsync<T>(NetworkCredential? login, Func<Task<T>> use)
    {
        ArgumentNullException.ThrowIfNull(use);
        if (login is null)
            return await use().ConfigureAwait(false);
        if (_address is null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The repository '{Text}' is a folder, which takes no login.", "Leave -Credential out. Mount a share with its own login first.")
            { Target = Text };
        }

        NetworkCredential? before = StoreLogins.Find(_address);
        StoreLogins.Remember(_address, login);
        try
        {
            return await use().ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.AuthenticationFailed)
        {
            StoreLogins.Restore(_address, before);
            throw;
        }
    }

    /// <summary>Opens the store; touches nothing.</summary>
    public IObjectStore OpenStore() => _address is null ? new DirectoryStore(Text) : StoreKind.All[_address.Scheme].Open(_address);

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
