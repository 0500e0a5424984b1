using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>
/// What the location of a remote repository says: <c>s3://bucket/prefix?endpoint=https://minio:9000&amp;region=eu-1</c>,
/// <c>sftp://user@host:22/path</c>, <c>rclone:remote:path</c>. It holds no secret: one that has a password is refused.
/// </summary>
/// <param name="Scheme">The kind of store, in lower case: <c>s3</c>.</param>
/// <param name="Host">The bucket, container, machine or remote.</param>
/// <param name="Path">The path below it, without slashes at its ends; empty for all of it.</param>
/// <param name="User">The user that logs in; null where none is named.</param>
/// <param name="Port">The port; null for the usual one.</param>
/// <param name="Options">What follows the question mark, by name; names do not differ by case.</param>
internal sealed record StoreAddress(string Scheme, string Host, string Path, string? User, int? Port, IReadOnlyDictionary<string, string> Options)
{
    private const string Rclone = "rclone";

    /// <summary>The place with its options, as it is shown and remembered: read again, it leads to the same.</summary>
    public string Text => Place + (Options.Count == 0 ? null
        : "?" + string.Join('&', Options.OrderBy(option => option.Key, StringComparer.OrdinalIgnoreCase).Select(option => $"{Uri.EscapeDataString(option.Key)}={Uri.EscapeDataString(option.Value)}")));

    private string Place => Scheme == Rclone
        ? $"{Scheme}:{Host}:{Path}"
        : $"{Scheme}://{(User is null ? null : Uri.EscapeDataString(User) + "@")}{Host}{(Port is { } port ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $":{port}") : null)}{(Path.Length > 0 ? "/" + Path : null)}";

    /// <summary>The part that says with whom one talks: what a login is for.</summary>
    public string Server => (this with { Path = string.Empty }).Place + (Option("endpoint") is { } endpoint ? " " + endpoint : null);

    /// <summary>The kind of store that a text names; null where it is a path.</summary>
    public static string? SchemeOf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.StartsWith(Rclone + ":", StringComparison.OrdinalIgnoreCase) && text.IndexOf(':', Rclone.Length + 1) > 0)
            return Rclone;
        // "C:/x" and "TestDrive:/x" are paths.
        int end = text.IndexOf("://", StringComparison.Ordinal);
        return end < 1 || !text[..end].All(character => char.IsAsciiLetterOrDigit(character) || character is '+' or '-' or '.') ? null : text[..end].ToLowerInvariant();
    }

    /// <summary>Reads a location.</summary>
    /// <param name="text">What was typed.</param>
    /// <param name="options">The options that its kind of store knows.</param>
    /// <exception cref="BackupException">It is none, holds a password, or has an option that its store does not know.</exception>
    public static StoreAddress Parse(string text, IReadOnlyCollection<string> options)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(options);
        string? scheme = SchemeOf(text);
        if (scheme == Rclone)
        {
            int colon = text.IndexOf(':', Rclone.Length + 1);
            return new StoreAddress(Rclone, text[(Rclone.Length + 1)..colon], text[(colon + 1)..].TrimEnd('/'), null, null, new Dictionary<string, string>());
        }

        if (scheme is null || UriText.TryParse(text) is not { Host.Length: > 0 } uri || uri.Fragment.Length > 0)
            throw Invalid(SecretText.Masked(text), $"'{SecretText.Masked(text)}' is not a valid location.", "Write it as s3://bucket/prefix or sftp://user@host/path.");
        string[] login = uri.UserInfo.Split(':', 2);
        if (login.Length > 1)
            throw Secret(uri);
        var given = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string[] pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=', 2)))
        {
            string name = Uri.UnescapeDataString(pair[0]);
            if (!options.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                throw Invalid(
                    Shown(uri), $"'{Shown(uri)}' has the option '{name}', which '{scheme}://' does not know.",
                    options.Count == 0 ? "It takes none: leave out the question mark and what follows." : $"It takes: {string.Join(", ", options)}. Secrets never stand in a location.");
            }

            given[name] = pair.Length > 1 ? Uri.UnescapeDataString(pair[1]) : "true";
        }

        string path = Uri.UnescapeDataString(uri.AbsolutePath).Trim('/');
        if (path.Split('/').Any(name => name is "." or "..") || path.Any(char.IsControl))
            throw Invalid(Shown(uri), $"'{Shown(uri)}' is not a valid location: its path leads elsewhere.", "Write the path as it is, without dots and control characters.");
        return new StoreAddress(scheme, uri.Host, path, login[0].Length > 0 ? Uri.UnescapeDataString(login[0]) : null, uri.IsDefaultPort || uri.Port < 0 ? null : uri.Port, given);
    }

    /// <summary>The value of an option; null where it was not given.</summary>
    public string? Option(string name) => Options.GetValueOrDefault(name);

    private static string Shown(Uri uri) => uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    private static BackupFailure Secret(Uri uri) => Invalid(
        Shown(uri), $"The location of '{Shown(uri)}' holds a password. Locations stand in logs, plans and listings.",
        "Leave it out: the store's own means are used (the AWS credential chain, an ssh key or agent, rclone's configuration), or Connect-DbBackupRepository -Credential.");

    private static BackupFailure Invalid(string target, string message, string hint) =>
        new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint) { Target = target };
}
