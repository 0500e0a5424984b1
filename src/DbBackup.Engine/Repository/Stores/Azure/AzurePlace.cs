namespace DbBackup.Engine.Repository.Stores.Azure;

/// <summary>A container of a storage account, and the part of its names that is the repository.</summary>
/// <param name="Account">The account.</param>
/// <param name="Container">The container.</param>
/// <param name="Prefix">What the names of all objects begin with: empty, or ended by <c>/</c>.</param>
/// <param name="Endpoint">The service's own address; null for Azure's.</param>
internal sealed record AzurePlace(string Account, string Container, string Prefix, string? Endpoint)
{
    /// <summary>Reads a location.</summary>
    /// <exception cref="BackupException">It names no container, or no valid endpoint.</exception>
    public static AzurePlace Of(StoreAddress address)
    {
        string[] parts = address.Path.Split('/', 2);
        if (parts[0].Length == 0)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{address.Text}' names no container.", "Write azblob://account/container, or azblob://account/container/prefix.")
            { Target = address.Text };
        }

        string? endpoint = address.Option("endpoint");
        if (endpoint is not null && !(Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri.Query.Length == 0 && uri.UserInfo.Length == 0))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "The option 'endpoint' is no address of a blob service.", "Write it as https://account.blob.core.windows.net, without a token.")
            { Target = address.Server };
        }

        return new AzurePlace(address.Host, parts[0], parts.Length > 1 ? parts[1] + "/" : string.Empty, endpoint);
    }

    /// <summary>The container's address.</summary>
    /// <param name="endpoint">The endpoint where the location names none; null for Azure's.</param>
    public Uri ContainerAt(string? endpoint) => new($"{(Endpoint ?? endpoint ?? $"https://{Account}.blob.core.windows.net").TrimEnd('/')}/{Container}");
}
