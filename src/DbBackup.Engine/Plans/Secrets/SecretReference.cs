using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Secrets;

/// <summary>Where a secret is: a plan names that, and never the secret itself.</summary>
/// <param name="Kind">The kind of place: <c>env</c>, <c>file</c>, <c>vault</c> or <c>dpapi</c>.</param>
/// <param name="Place">The variable, the file, <c>vault/name</c>, or the text that Windows has encrypted for this user.</param>
public sealed record SecretReference(string Kind, string Place)
{
    /// <summary>An environment variable of the process that runs the plan.</summary>
    public const string OfEnvironment = "env";

    /// <summary>The first line of a file, such as docker's <c>/run/secrets/name</c>.</summary>
    public const string OfFile = "file";

    /// <summary>A secret of the module SecretManagement: its name, or vault and name.</summary>
    public const string OfVault = "vault";

    /// <summary>What ConvertFrom-SecureString writes on Windows: only this user on this machine can read it.</summary>
    public const string OfWindows = "dpapi";

    private const long LongestSecret = 64 << 10;
    private static readonly string[] s_kinds = [OfEnvironment, OfFile, OfVault, OfWindows];

    /// <summary>Reads a reference; null where the text is none.</summary>
    public static SecretReference? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split(':', 2) is [var kind, { Length: > 0 } place] && s_kinds.Contains(kind, StringComparer.OrdinalIgnoreCase)
            ? new SecretReference(kind.ToLowerInvariant(), place)
            : null;
    }

    /// <summary>Reads a reference.</summary>
    /// <param name="text">The text.</param>
    /// <param name="what">What it is the secret of, as in <c>-Credential</c>.</param>
    /// <exception cref="BackupException">It is none, and may be the secret itself, which is not repeated.</exception>
    public static SecretReference Parse(string text, string what) => TryParse(text) ?? throw new BackupFailure(
        ErrorCodes.SecretInPlan,
        FailureCategory.InvalidArgument,
        $"The password of {what} is no reference to a secret, and a plan holds no secrets.",
        "Write where the secret is: env:NAME, file:/path, vault:Vault/Name (SecretManagement), or on Windows dpapi: with the text of ConvertFrom-SecureString.");

    /// <summary>Fetches the secret.</summary>
    /// <param name="ofShell">Fetches those that only PowerShell can reach: from a vault, or of Windows.</param>
    /// <exception cref="BackupException">It is not there.</exception>
    public string Resolve(Func<SecretReference, string> ofShell)
    {
        ArgumentNullException.ThrowIfNull(ofShell);
        return Kind switch
        {
            OfEnvironment => Environment.GetEnvironmentVariable(Place) is { Length: > 0 } value ? value : throw Missing("the variable is not set", "Set it for the user and the service that runs the plan."),
            OfFile => ReadFile(),
            _ => ofShell(this),
        };
    }

    /// <summary>The failure for a secret that is not there.</summary>
    public BackupFailure Missing(string why, string hint, Exception? inner = null) =>
        new(ErrorCodes.SecretNotFound, FailureCategory.NotFound, $"The secret '{this}' could not be read: {why}.", hint, inner) { Target = ToString() };

    /// <inheritdoc/>
    public override string ToString() => Kind == OfWindows ? OfWindows + ":…" : $"{Kind}:{Place}";

    private string ReadFile()
    {
        try
        {
            using FileStream file = RegularFile.Open(Place);
            if (file.Length > LongestSecret)
                throw Missing("it is longer than 64 KiB", "Name a file that holds the secret alone.");
            using var reader = new StreamReader(file);
            return reader.ReadLine() is { Length: > 0 } line ? line : throw Missing("the file is empty", "Write the secret into its first line.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Missing(exception.Message.TrimEnd('.'), "Let the user that runs the plan read it.", exception);
        }
    }
}
