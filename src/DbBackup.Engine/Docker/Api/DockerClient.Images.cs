using System.Net;
using System.Text.Json.Nodes;
using Docker.DotNet.Models;

namespace DbBackup.Engine.Docker.Api;

// Images, volumes and networks.
internal sealed partial class DockerClient
{
    /// <summary>VolumeList.</summary>
    public async Task<IReadOnlyList<VolumeModel>> VolumeListAsync(CancellationToken cancellationToken) =>
        (await GetAsync<VolumesAnswer>("/volumes", null, "listing volumes", cancellationToken).ConfigureAwait(false)).Volumes ?? [];

    /// <summary>VolumeInspect.</summary>
    public Task<VolumeModel> VolumeInspectAsync(string name, CancellationToken cancellationToken) =>
        GetAsync<VolumeModel>($"/volumes/{Escape(name)}", name, "inspecting a volume", cancellationToken);

    /// <summary>VolumeCreate.</summary>
    public Task VolumeCreateAsync(string name, IReadOnlyDictionary<string, string> labels, CancellationToken cancellationToken) =>
        CallAsync(api => api.Volumes.CreateAsync(new VolumesCreateParameters { Name = name, Labels = new Dictionary<string, string>(labels) }, cancellationToken), name, "creating a volume");

    /// <summary>VolumeDelete: for temporary volumes, and for those that an ended upgrade has kept.</summary>
    public Task VolumeDeleteAsync(string name, CancellationToken cancellationToken) =>
        CallAsync(api => api.Volumes.RemoveAsync(Escape(name), cancellationToken: cancellationToken), name, "removing a volume");

    /// <summary>NetworkConnect.</summary>
    /// <param name="network">The network.</param>
    /// <param name="container">The container.</param>
    /// <param name="endpoint">The API's EndpointConfig.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    public Task NetworkConnectAsync(string network, string container, JsonNode? endpoint, CancellationToken cancellationToken) =>
        PostAsync($"/networks/{Escape(network)}/connect", new { Container = container, EndpointConfig = endpoint }, network, "connecting a container to a network", cancellationToken);

    /// <summary>ImageList.</summary>
    public Task<IReadOnlyList<ImageSummary>> ImageListAsync(CancellationToken cancellationToken) =>
        GetAsync<IReadOnlyList<ImageSummary>>("/images/json", null, "listing images", cancellationToken);

    /// <summary>ImageInspect.</summary>
    public Task<ImageInspect> ImageInspectAsync(string name, CancellationToken cancellationToken) =>
        GetAsync<ImageInspect>($"/images/{Escape(name)}/json", name, "inspecting an image", cancellationToken);

    /// <summary>ImageInspect, with all that the engine says.</summary>
    public Task<JsonObject> ImageDefinitionAsync(string name, CancellationToken cancellationToken) =>
        GetAsync<JsonObject>($"/images/{Escape(name)}/json", name, "inspecting an image", cancellationToken);

    /// <summary>ImageInspect; null where there is no such image.</summary>
    public async Task<ImageInspect?> ImageFindAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return await ImageInspectAsync(name, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.ImageNotFound)
        {
            return null;
        }
    }

    /// <summary>ImageTag.</summary>
    /// <param name="id">The image.</param>
    /// <param name="reference">The name that it gets, <c>repository:tag</c>.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    public Task ImageTagAsync(string id, string reference, CancellationToken cancellationToken)
    {
        (string repository, string? tag) = SplitReference(reference);
        return CallAsync(api => api.Images.TagImageAsync(Escape(id), new ImageTagParameters { RepositoryName = repository, Tag = tag }, cancellationToken), id, "naming an image");
    }

    /// <summary>ImageDelete of one name; the image itself stays for as long as it has another one, or a container.</summary>
    public Task ImageUntagAsync(string reference, CancellationToken cancellationToken) =>
        CallAsync(api => api.Images.DeleteImageAsync(Escape(reference), new ImageDeleteParameters { NoPrune = true }, cancellationToken), reference, "removing the name of an image");

    /// <summary>ImageCreate: pulls an image. The engine answers at once, and tells of failures in what follows.</summary>
    /// <param name="reference">Its name, <c>repository:tag</c>.</param>
    /// <param name="heard">Receives Docker's messages.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public Task ImagePullAsync(string reference, Action<string> heard, CancellationToken cancellationToken)
    {
        (string repository, string? tag) = SplitReference(reference);
        var progress = new PullProgress(message =>
        {
            if (message.Error is { } error)
                throw DockerFailures.Answered(Endpoint, HttpStatusCode.OK, error.Message ?? "no reason given", reference, "pulling an image");
            // Not each step of a bar.
            if (message is { Status: { } status, Progress: null or { Current: null or 0 } })
                heard(status);
        });
        return CallAsync(
            api => api.Images.CreateImageAsync(new ImagesCreateParameters { FromImage = repository, Tag = tag ?? "latest" }, null, progress, cancellationToken), reference, "pulling an image");
    }

    /// <summary>The repository and the tag of an image's name; a digest counts as the repository's.</summary>
    internal static (string Repository, string? Tag) SplitReference(string reference)
    {
        int colon = reference.LastIndexOf(':');
        return colon > reference.LastIndexOf('/') && !reference.Contains('@', StringComparison.Ordinal) ? (reference[..colon], reference[(colon + 1)..]) : (reference, null);
    }

    // The framework's Progress tells of things later, and in any order.
    private sealed class PullProgress(Action<JSONMessage> heard) : IProgress<JSONMessage>
    {
        public void Report(JSONMessage value) => heard(value);
    }
}
