using Azure;
using Azure.Storage.Blobs.Models;

namespace DbBackup.Engine.Repository.Stores.Azure;

/// <summary>Whether everybody reads the container.</summary>
internal sealed partial class AzureStore : IExposedStore
{
    /// <inheritdoc/>
    public Task<StoreExposure> FindExposureAsync(CancellationToken cancellationToken) => RunAsync("reading the container's public access", writes: false, s_short, async (container, _, token) =>
    {
        try
        {
            // Absent where nobody but logins may read.
            PublicAccessType? access = (await container.GetPropertiesAsync(cancellationToken: token).ConfigureAwait(false)).Value.PublicAccess;
            return new StoreExposure(access is PublicAccessType.Blob or PublicAccessType.BlobContainer ? [$"the container lets everybody read its {(access == PublicAccessType.Blob ? "blobs" : "blobs, and list them")}"] : [], []);
        }
        catch (RequestFailedException exception) when (exception.Status is 401 or 403 or 404)
        {
            // A token of a container allows no question about the container itself.
            return new StoreExposure([], ["its public access"]);
        }
    }, cancellationToken);
}
