using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Docker.DotNet;
using Docker.DotNet.Models;

namespace DbBackup.Engine.Docker.Api;

// Containers, and the files in them.
internal sealed partial class DockerClient
{
    /// <summary>ContainerList.</summary>
    /// <param name="all">True if those that do not run are listed too.</param>
    /// <param name="filters">The API's filters, as in <c>label</c> → <c>com.docker.compose.project=shop</c>; null for none.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    public Task<IReadOnlyList<ContainerSummary>> ContainerListAsync(bool all, IReadOnlyDictionary<string, IReadOnlyList<string>>? filters, CancellationToken cancellationToken) =>
        GetAsync<IReadOnlyList<ContainerSummary>>(
            "/containers/json?" + Query(("all", all ? "1" : "0"), ("filters", filters is null ? null : JsonSerializer.Serialize(filters))), null, "listing containers", cancellationToken);

    /// <summary>ContainerInspect.</summary>
    public Task<ContainerInspect> ContainerInspectAsync(string id, CancellationToken cancellationToken) =>
        GetAsync<ContainerInspect>($"/containers/{Escape(id)}/json", id, "inspecting a container", cancellationToken);

    /// <summary>ContainerInspect, with all that the engine says: for another container that is to be the same.</summary>
    public Task<JsonObject> ContainerDefinitionAsync(string id, CancellationToken cancellationToken) =>
        GetAsync<JsonObject>($"/containers/{Escape(id)}/json", id, "inspecting a container", cancellationToken);

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
        ContainerProcessesResponse top = await CallAsync(
            api => api.Containers.ListProcessesAsync(Escape(id), new ContainerListProcessesParameters(), cancellationToken), id, "listing its processes").ConfigureAwait(false);
        return [.. (top.Processes ?? []).Where(row => row.Count > 0).Select(row => row[^1])];
    }

    /// <summary>ContainerStart; a running one stays as it is.</summary>
    public Task ContainerStartAsync(string id, CancellationToken cancellationToken) =>
        CallAsync(api => api.Containers.StartContainerAsync(Escape(id), null, cancellationToken), id, "starting a container");

    /// <summary>ContainerStop, within the time that the container's own setting gives it; a stopped one stays as it is.</summary>
    public Task ContainerStopAsync(string id, CancellationToken cancellationToken) =>
        CallAsync(api => api.Containers.StopContainerAsync(Escape(id), new ContainerStopParameters(), cancellationToken), id, "stopping a container");

    /// <summary>ContainerPause.</summary>
    public Task ContainerPauseAsync(string id, CancellationToken cancellationToken) =>
        CallAsync(api => api.Containers.PauseContainerAsync(Escape(id), cancellationToken), id, "pausing a container");

    /// <summary>ContainerUnpause.</summary>
    public Task ContainerUnpauseAsync(string id, CancellationToken cancellationToken) =>
        CallAsync(api => api.Containers.UnpauseContainerAsync(Escape(id), cancellationToken), id, "resuming a container");

    /// <summary>ContainerRename.</summary>
    public Task ContainerRenameAsync(string id, string name, CancellationToken cancellationToken) =>
        CallAsync(api => api.Containers.RenameContainerAsync(Escape(id), new ContainerRenameParameters { NewName = name }, cancellationToken), id, "renaming a container");

    /// <summary>ContainerCreate.</summary>
    /// <param name="name">Its name; null for the engine's choice.</param>
    /// <param name="configuration">The API's body, serialised as it is.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    /// <returns>The new container's id.</returns>
    public async Task<string> ContainerCreateAsync(string? name, object configuration, CancellationToken cancellationToken) =>
        (await PostAsync<IdAnswer>("/containers/create?" + Query(("name", name)), configuration, name, "creating a container", cancellationToken).ConfigureAwait(false)).Id;

    /// <summary>ContainerWait.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> ContainerWaitAsync(string id, CancellationToken cancellationToken) =>
        (int)(await CallAsync(api => api.Containers.WaitContainerAsync(Escape(id), cancellationToken), id, "waiting for a container").ConfigureAwait(false)).StatusCode;

    /// <summary>ContainerDelete, without its volumes: no volume of a user's container is ever removed.</summary>
    public Task ContainerDeleteAsync(string id, CancellationToken cancellationToken) => ContainerDeleteAsync(id, anonymousVolumes: false, cancellationToken);

    /// <summary>ContainerDelete of a container that this module made for itself, with the volumes that the engine made for it alone.</summary>
    public Task TrialContainerDeleteAsync(string id, CancellationToken cancellationToken) => ContainerDeleteAsync(id, anonymousVolumes: true, cancellationToken);

    private Task ContainerDeleteAsync(string id, bool anonymousVolumes, CancellationToken cancellationToken) => CallAsync(
        api => api.Containers.RemoveContainerAsync(Escape(id), new ContainerRemoveParameters { Force = true, RemoveVolumes = anonymousVolumes }, cancellationToken),
        id,
        "removing a container");

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
    public async Task<ContainerPathStatResponse?> ContainerArchiveInfoAsync(string id, string path, CancellationToken cancellationToken)
    {
        ContainerArchiveResponse? found = await CallAsync(
            async api =>
            {
                try
                {
                    return await api.Containers.GetArchiveFromContainerAsync(Escape(id), new ContainerPathStatParameters { Path = path }, statOnly: true, cancellationToken).ConfigureAwait(false);
                }
                catch (DockerContainerNotFoundException)
                {
                    return null;
                }
            },
            id,
            $"looking at '{path}'").ConfigureAwait(false);
        // The same status tells of a missing container.
        if (found is null)
            await ContainerInspectAsync(id, cancellationToken).ConfigureAwait(false);
        return found?.Stat;
    }

    /// <summary>ContainerArchive: a path as a tar stream whose entries begin with the path's last name. Works in every state of the container.</summary>
    public async Task<Stream> ContainerArchiveAsync(string id, string path, CancellationToken cancellationToken) =>
        (await CallAsync(
            api => api.Containers.GetArchiveFromContainerAsync(Escape(id), new ContainerPathStatParameters { Path = path }, statOnly: false, cancellationToken),
            id,
            $"reading '{path}'").ConfigureAwait(false)).Stream!;

    /// <summary>PutContainerArchive: unpacks a tar stream into a folder that exists. Owners and modes are the archive's.</summary>
    /// <param name="id">The container.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="write">Writes the archive.</param>
    /// <param name="cancellationToken">Stops it; what was unpacked stays.</param>
    public async Task PutContainerArchiveAsync(string id, string folder, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        using var content = new WrittenContent(write, cancellationToken);
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Put, Versioned($"/containers/{Escape(id)}/archive?" + Query(("path", folder))), content, id, $"writing into '{folder}'", cancellationToken).ConfigureAwait(false);
    }

    private async Task ReadLogsAsync(string id, int? lines, MemoryStream output, MemoryStream errors, CancellationToken cancellationToken)
    {
        var wanted = new ContainerLogsParameters { ShowStdout = true, ShowStderr = true, Tail = lines?.ToString(CultureInfo.InvariantCulture) };
        await CallAsync(
            async api =>
            {
                using MultiplexedStream log = await api.Containers.GetContainerLogsAsync(Escape(id), wanted, cancellationToken).ConfigureAwait(false);
                await log.CopyOutputToAsync(Stream.Null, output, errors, cancellationToken).ConfigureAwait(false);
            },
            id,
            "reading its log").ConfigureAwait(false);
    }

    private sealed record IdAnswer(string Id);

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
