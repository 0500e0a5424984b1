using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DbBackup.Engine.Platform.Docker;

// Images, volumes and networks.
internal sealed partial class DockerClient
{
    /// <summary>VolumeList.</summary>
    public async Task<IReadOnlyList<VolumeModel>> VolumeListAsync(CancellationToken cancellationToken) =>
        (await GetAsync<VolumesAnswer>("/volumes", null, "listing volumes", cancellationToken).ConfigureAwait(false)).Volumes ?? [];

    /// <summary>VolumeInspect.</summary>
    public Task<VolumeModel> VolumeInspectAsync(string name, CancellationToken cancellationToken) =>
        GetAsync<VolumeModel>($"/volumes/{Uri.EscapeDataString(name)}", name, "looking at a volume", cancellationToken);

    /// <summary>VolumeCreate.</summary>
    public async Task<VolumeModel> VolumeCreateAsync(string name, IReadOnlyDictionary<string, string>? labels, CancellationToken cancellationToken) =>
        (await PostAsync<VolumeModel>("/volumes/create", new { Name = name, Labels = labels }, name, "creating a volume", cancellationToken).ConfigureAwait(false))!;

    /// <summary>VolumeDelete: only for those that this product has made for a moment.</summary>
    public async Task VolumeDeleteAsync(string name, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Delete, $"{_version}/volumes/{Uri.EscapeDataString(name)}", null, name, "removing a volume", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>NetworkConnect.</summary>
    /// <param name="network">The network.</param>
    /// <param name="container">The container.</param>
    /// <param name="endpoint">The API's EndpointConfig.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    public Task NetworkConnectAsync(string network, string container, JsonNode? endpoint, CancellationToken cancellationToken) =>
        PostAsync($"/networks/{Uri.EscapeDataString(network)}/connect", new { Container = container, EndpointConfig = endpoint }, network, "connecting a container to a network", cancellationToken);

    /// <summary>ImageList.</summary>
    public Task<IReadOnlyList<ImageSummary>> ImageListAsync(CancellationToken cancellationToken) =>
        GetAsync<IReadOnlyList<ImageSummary>>("/images/json", null, "listing images", cancellationToken);

    /// <summary>ImageInspect.</summary>
    public Task<ImageInspect> ImageInspectAsync(string name, CancellationToken cancellationToken) =>
        GetAsync<ImageInspect>($"/images/{Uri.EscapeDataString(name)}/json", name, "looking at an image", cancellationToken);

    /// <summary>ImageInspect, with all that the engine says.</summary>
    public Task<JsonObject> ImageDefinitionAsync(string name, CancellationToken cancellationToken) =>
        GetAsync<JsonObject>($"/images/{Uri.EscapeDataString(name)}/json", name, "looking at an image", cancellationToken);

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
        return PostAsync($"/images/{Uri.EscapeDataString(id)}/tag?" + Query(("repo", repository), ("tag", tag)), null, id, "naming an image", cancellationToken);
    }

    /// <summary>ImageDelete of one name; the image itself stays for as long as it has another one, or a container.</summary>
    public async Task ImageUntagAsync(string reference, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Delete, $"{_version}/images/{Uri.EscapeDataString(reference)}?noprune=1", null, reference, "removing the name of an image", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>ImageCreate: pulls an image. The engine answers at once, and tells of failures in what follows.</summary>
    /// <param name="reference">Its name, <c>repository:tag</c>.</param>
    /// <param name="heard">Hears what the engine says of it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task ImagePullAsync(string reference, Action<string> heard, CancellationToken cancellationToken)
    {
        (string repository, string? tag) = SplitReference(reference);
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Post, $"{_version}/images/create?" + Query(("fromImage", repository), ("tag", tag ?? "latest")), null, reference, "pulling an image", cancellationToken).ConfigureAwait(false);
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
        while (await lines.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            PullProgress? progress = line.Length == 0 ? null : JsonSerializer.Deserialize<PullProgress>(line, s_json);
            if (progress?.Error is { } error)
                throw DockerFailures.Answered(Endpoint, HttpStatusCode.OK, error, reference, "pulling an image");
            if (progress is { Status: { } status, Progress: null })
                heard(status);
        }
    }

    /// <summary>The repository and the tag of an image's name; a digest counts as the repository's.</summary>
    internal static (string Repository, string? Tag) SplitReference(string reference)
    {
        int colon = reference.LastIndexOf(':');
        return colon > reference.LastIndexOf('/') && !reference.Contains('@', StringComparison.Ordinal) ? (reference[..colon], reference[(colon + 1)..]) : (reference, null);
    }

    private sealed record PullProgress(string? Status, string? Progress, string? Error);
}
