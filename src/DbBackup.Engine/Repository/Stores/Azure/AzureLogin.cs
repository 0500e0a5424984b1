using System.Net;
using Azure;
using Azure.Identity;
using Azure.Storage;
using Azure.Storage.Blobs;

namespace DbBackup.Engine.Repository.Stores.Azure;

/// <summary>
/// How a login at a storage account is found: the one that was given (the account and its key, or a SAS token as the password), the variables of
/// Azure's own tools, and else the identity of Microsoft Entra ID (a managed identity, a service principal's variables, az login).
/// </summary>
internal static class AzureLogin
{
    /// <summary>Opens a container; touches nothing.</summary>
    /// <param name="place">The container.</param>
    /// <param name="login">The login that was given; null where none was.</param>
    /// <param name="options">The client's options.</param>
    /// <exception cref="BackupException">What was given is no login for this account.</exception>
    public static BlobContainerClient Open(AzurePlace place, NetworkCredential? login, BlobClientOptions options)
    {
        IReadOnlyDictionary<string, string> connection = ConnectionText();
        bool isForThis = connection.GetValueOrDefault("AccountName") is not { } named || named == place.Account;
        Uri container = place.ContainerAt(isForThis ? connection.GetValueOrDefault("BlobEndpoint") : null);
        if (login?.Password is { Length: > 0 } given)
            return IsToken(given) ? WithToken(given) : WithKey(given, "the password");
        if (isForThis && connection.GetValueOrDefault("AccountKey") is { } key)
            return WithKey(key, "AZURE_STORAGE_CONNECTION_STRING");
        if (isForThis && connection.GetValueOrDefault("SharedAccessSignature") is { } token)
            return WithToken(token);
        bool isAccount = Variable("AZURE_STORAGE_ACCOUNT") is not { } account || account == place.Account;
        if (isAccount && Variable("AZURE_STORAGE_KEY") is { } variableKey)
            return WithKey(variableKey, "AZURE_STORAGE_KEY");
        if (isAccount && Variable("AZURE_STORAGE_SAS_TOKEN") is { } variableToken)
            return WithToken(variableToken);
        if (container.Scheme != Uri.UriSchemeHttps)
        {
            throw new BackupFailure(
                ErrorCodes.AuthenticationFailed, FailureCategory.PermissionDenied, $"There is no login for the storage account '{place.Account}', and Entra ID needs https.",
                "Run Connect-DbBackupRepository -Credential with the account and its key, or set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN.")
            { Target = place.Account };
        }

        return new BlobContainerClient(container, new DefaultAzureCredential(), options);

        BlobContainerClient WithToken(string text) => new(container, new AzureSasCredential(text.TrimStart('?')), options);

        BlobContainerClient WithKey(string text, string where)
        {
            try
            {
                return new BlobContainerClient(container, new StorageSharedKeyCredential(place.Account, text), options);
            }
            catch (FormatException)
            {
                // Its text is a secret, and so is what the exception says of it.
                throw new BackupFailure(
                    ErrorCodes.AuthenticationFailed, FailureCategory.PermissionDenied, $"{char.ToUpperInvariant(where[0])}{where[1..]} holds no key of the storage account '{place.Account}': it is not base64.",
                    $"Copy the account's key (az storage account keys list --account-name {place.Account}) or a SAS token.")
                { Target = place.Account };
            }
        }
    }

    private static bool IsToken(string text) => text.Contains("sig=", StringComparison.Ordinal);

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static Dictionary<string, string> ConnectionText() => (Variable("AZURE_STORAGE_CONNECTION_STRING") ?? string.Empty)
        .Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part => part.Split('=', 2)).Where(part => part.Length == 2)
        .DistinctBy(part => part[0], StringComparer.OrdinalIgnoreCase).ToDictionary(part => part[0], part => part[1], StringComparer.OrdinalIgnoreCase);
}
