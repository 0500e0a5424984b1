using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DbBackup.Engine.Platform.Docker;

// Containers, and the files in them.
internal sealed partial class DockerClient
{
    /// <summary>ContainerList.</summary>
    /// <param name="all">Whether those that do not run are listed too.</param>
    /// <param name="filters">The API's filters, as in <c>label</c> → <c>com.docker.compose.project=shop</c>; null for none.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    public Task<IReadOnlyList<ContainerSummary>> ContainerListAsync(bool all, IReadOnlyDictionary<string, IReadOnlyList<string>>? filters, CancellationToken cancellationToken) =>
        GetAsync<IReadOnlyList<ContainerSummary>>(
            "/containers/json?" + Query(("all", all ? "1" : "0"), ("filters", filters is null ? null : JsonSerializer.Serialize(filters))), null, "listing containers", cancellationToken);

    /// <summary>ContainerInspect.</summary>
    public Task<ContainerInspect> ContainerInspectAsync(string id, CancellationToken cancellationToken) =>
        GetAsync<ContainerInspect>($"/containers/{Uri.EscapeDataString(id)}/json", id, "looking at a container", cancellationToken);

    /// <summary>ContainerInspect, with all that the engine says: for another container that is to be the same.</summary>
    public Task<JsonObject> ContainerDefinitionAsync(string id, CancellationToken cancellationToken) =>
        GetAsync<JsonObject>($"/containers/{Uri.EscapeDataString(id)}/json", id, "looking at a container", cancellationToken);

    /// <summary>ContainerInspect; null where there is no such container.</summary>
    public async Task<ContainerInspect?> ContainerFindAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return await ContainerInspectAsync(id, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.ContainerNotFound)
        {
            return null;
        }
    }

    /// <summary>ContainerTop: the commands of the processes in it.</summary>
    public async Task<IReadOnlyList<string>> ContainerTopAsync(string id, CancellationToken cancellationToken)
    {
        ContainerTop top = await GetAsync<ContainerTop>($"/containers/{Uri.EscapeDataString(id)}/top", id, "listing its processes", cancellationToken).ConfigureAwait(false);
        return [.. (top.Processes ?? []).Where(row => row.Count > 0).Select(row => row[^1])];
    }

    /// <summary>ContainerStart; a running one stays as it is.</summary>
    public Task ContainerStartAsync(string id, CancellationToken cancellationToken) =>
        PostAsync($"/containers/{Uri.EscapeDataString(id)}/start", null, id, "starting a container", cancellationToken);

    /// <summary>ContainerStop; a stopped one stays as it is.</summary>
    /// <param name="id">The container.</param>
    /// <param name="seconds">How long it has until it is killed; null for its own setting.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task ContainerStopAsync(string id, int? seconds, CancellationToken cancellationToken) =>
        PostAsync($"/containers/{Uri.EscapeDataString(id)}/stop?" + Query(("t", seconds)), null, id, "stopping a container", cancellationToken);

    /// <summary>ContainerPause.</summary>
    public Task ContainerPauseAsync(string id, CancellationToken cancellationToken) =>
        PostAsync($"/containers/{Uri.EscapeDataString(id)}/pause", null, id, "pausing a container", cancellationToken);

    /// <summary>ContainerUnpause.</summary>
    public Task ContainerUnpauseAsync(string id, CancellationToken cancellationToken) =>
        PostAsync($"/containers/{Uri.EscapeDataString(id)}/unpause", null, id, "resuming a container", cancellationToken);

    /// <summary>ContainerRename.</summary>
    public Task ContainerRenameAsync(string id, string name, CancellationToken cancellationToken) =>
        PostAsync($"/containers/{Uri.EscapeDataString(id)}/rename?" + Query(("name", name)), null, id, "renaming a container", cancellationToken);

    /// <summary>ContainerCreate.</summary>
    /// <param name="name">Its name; null for the engine's choice.</param>
    /// <param name="configuration">The API's body, serialised as it is.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    /// <returns>The new container's id.</returns>
    public async Task<string> ContainerCreateAsync(string? name, object configuration, CancellationToken cancellationToken) =>
        (await PostAsync<IdAnswer>("/containers/create?" + Query(("name", name)), configuration, name, "creating a container", cancellationToken).ConfigureAwait(false))!.Id;

    /// <summary>ContainerWait.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ContainerWaitAsync(string id, CancellationToken cancellationToken) =>
        (await PostAsync<WaitAnswer>($"/containers/{Uri.EscapeDataString(id)}/wait", null, id, "waiting for a container", cancellationToken).ConfigureAwait(false))!.StatusCode;

    /// <summary>ContainerDelete, without its volumes: volumes are never removed.</summary>
    public async Task ContainerDeleteAsync(string id, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Delete, $"{_version}/containers/{Uri.EscapeDataString(id)}?force=1&v=0", null, id, "removing a container", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>ContainerLogs: the last lines of both streams.</summary>
    public async Task<string> ContainerLogsAsync(string id, int lines, CancellationToken cancellationToken)
    {
        using var text = new MemoryStream();
        await ReadLogsAsync(id, lines, text, text, cancellationToken).ConfigureAwait(false);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>ContainerLogs: all that it wrote, its two streams apart.</summary>
    public async Task<(string Output, string Errors)> ContainerOutputAsync(string id, CancellationToken cancellationToken)
    {
        using var output = new MemoryStream();
        using var errors = new MemoryStream();
        await ReadLogsAsync(id, null, output, errors, cancellationToken).ConfigureAwait(false);
        return (Encoding.UTF8.GetString(output.ToArray()), Encoding.UTF8.GetString(errors.ToArray()));
    }

    /// <summary>ContainerArchiveInfo: what lies at a path; null where nothing does.</summary>
    public async Task<PathStat?> ContainerArchiveInfoAsync(string id, string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, ArchivePath(id, path));
        using HttpResponseMessage answer = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            // The same status tells of a missing container.
            await ContainerInspectAsync(id, cancellationToken).ConfigureAwait(false);
            return null;
        }

        if (!answer.IsSuccessStatusCode)
            throw DockerFailures.Answered(Endpoint, answer.StatusCode, answer.ReasonPhrase ?? string.Empty, id, $"looking at '{path}'");
        return StatOf(answer.Headers);
    }

    /// <summary>ContainerArchive: a path as a tar stream whose entries begin with the path's last name. Works in every state of the container.</summary>
    public async Task<DownloadedArchive> ContainerArchiveAsync(string id, string path, CancellationToken cancellationToken)
    {
        HttpResponseMessage answer = await SendAsync(HttpMethod.Get, ArchivePath(id, path), null, id, $"reading '{path}'", cancellationToken).ConfigureAwait(false);
        return new DownloadedArchive(answer, await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), StatOf(answer.Headers));
    }

    /// <summary>PutContainerArchive: unpacks a tar stream into a folder that exists. Owners and modes are the archive's.</summary>
    /// <param name="id">The container.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="write">Writes the archive.</param>
    /// <param name="cancellationToken">Stops it; what was unpacked stays.</param>
    public async Task PutContainerArchiveAsync(string id, string folder, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using var content = new WrittenContent(write, cancellationToken);
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Put, ArchivePath(id, folder), content, id, $"writing into '{folder}'", cancellationToken).ConfigureAwait(false);
    }

    private async Task ReadLogsAsync(string id, int? lines, MemoryStream output, MemoryStream errors, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Get, $"{_version}/containers/{Uri.EscapeDataString(id)}/logs?" + Query(("stdout", 1), ("stderr", 1), ("tail", lines)), null, id, "reading its log", cancellationToken).ConfigureAwait(false);
        using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var frames = new FramedOutput(body, bytes => errors.Write(bytes));
        byte[] buffer = new byte[1 << 16];
        int read;
        while ((read = await frames.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            output.Write(buffer, 0, read);
    }

    private string ArchivePath(string id, string path) => $"{_version}/containers/{Uri.EscapeDataString(id)}/archive?" + Query(("path", path));

    private static PathStat? StatOf(HttpResponseHeaders headers) =>
        headers.TryGetValues("X-Docker-Container-Path-Stat", out IEnumerable<string>? values)
            ? JsonSerializer.Deserialize<PathStat>(Convert.FromBase64String(values.First()), s_json)
            : null;

    private sealed record IdAnswer(string Id);

    private sealed record WaitAnswer(int StatusCode);

    /// <summary>A request's body that is made while it is sent.</summary>
    private sealed class WrittenContent : HttpContent
    {
        private readonly Func<Stream, CancellationToken, Task> _write;
        private readonly CancellationToken _cancellation;

        public WrittenContent(Func<Stream, CancellationToken, Task> write, CancellationToken cancellation)
        {
            _write = write;
            _cancellation = cancellation;
            Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _write(stream, _cancellation);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

/// <summary>A path of a container on its way here.</summary>
internal sealed class DownloadedArchive(HttpResponseMessage answer, Stream content, PathStat? stat) : IDisposable
{
    public Stream Content => content;

    public PathStat? Stat => stat;

    public void Dispose()
    {
        content.Dispose();
        answer.Dispose();
    }
}
