using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DbBackup.Engine.Platform.Docker;

/// <summary>
/// A thin client of the Docker Engine API (docs.docker.com/reference/api/engine): one method an operation, under the operation's own name.
/// </summary>
internal sealed partial class DockerClient : IDisposable
{
    // What of the API is used has been the same from 1.41 (20.10) to 1.51; a newer engine is spoken to as the latter.
    private static readonly Version s_newestKnown = new(1, 51);
    private static readonly JsonSerializerOptions s_json = new() { PropertyNameCaseInsensitive = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private const string KernelRelease = "/proc/sys/kernel/osrelease";
    private readonly HttpClient _http;
    private string _version = string.Empty;
    private bool? _isSameKernel;

    private DockerClient(DockerEndpoint endpoint)
    {
        Endpoint = endpoint;
        var handler = new SocketsHttpHandler
        {
            // A connection that idles is a process of its own where ssh is between.
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            UseProxy = false,
            ConnectCallback = async (_, token) => new OwnedStream(await DockerConnection.OpenAsync(endpoint, token).ConfigureAwait(false)),
        };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://docker/"), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The engine.</summary>
    public DockerEndpoint Endpoint { get; }

    /// <summary>Connects and agrees on a version of the API.</summary>
    /// <exception cref="BackupException">The engine does not answer or may not be used.</exception>
    public static async Task<DockerClient> ConnectAsync(DockerEndpoint endpoint, CancellationToken cancellationToken)
    {
        var client = new DockerClient(endpoint);
        try
        {
            using HttpResponseMessage answer = await client.SendAsync(HttpMethod.Get, "/_ping", null, null, "asking for the engine", cancellationToken).ConfigureAwait(false);
            string offered = answer.Headers.TryGetValues("Api-Version", out IEnumerable<string>? values) ? values.First() : "1.41";
            client._version = "/v" + (Version.TryParse(offered, out Version? version) && version > s_newestKnown ? s_newestKnown.ToString() : offered);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>SystemVersion.</summary>
    public Task<DockerVersion> VersionAsync(CancellationToken cancellationToken) => GetAsync<DockerVersion>("/version", null, "asking for the version", cancellationToken);

    /// <summary>
    /// Whether the engine's containers run on this machine's own kernel, so that paths, processes and locks of theirs are to be found here. In
    /// Docker Desktop's virtual machine they are not.
    /// </summary>
    public async Task<bool> IsSameKernelAsync(CancellationToken cancellationToken) =>
        _isSameKernel ??= Endpoint.IsLocal && OperatingSystem.IsLinux() && File.Exists(KernelRelease)
            && (await File.ReadAllTextAsync(KernelRelease, cancellationToken).ConfigureAwait(false)).Trim() == (await VersionAsync(cancellationToken).ConfigureAwait(false)).KernelVersion;

    private async Task<T> GetAsync<T>(string path, string? target, string action, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, _version + path, null, target, action, cancellationToken).ConfigureAwait(false);
        return (await ReadAsync<T>(answer, action, cancellationToken).ConfigureAwait(false))!;
    }

    private async Task<T?> PostAsync<T>(string path, object? body, string? target, string action, CancellationToken cancellationToken)
    {
        using HttpContent? content = body is null ? null : Json(body);
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, _version + path, content, target, action, cancellationToken).ConfigureAwait(false);
        return await ReadAsync<T>(answer, action, cancellationToken).ConfigureAwait(false);
    }

    private async Task PostAsync(string path, object? body, string? target, string action, CancellationToken cancellationToken)
    {
        using HttpContent? content = body is null ? null : Json(body);
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, _version + path, content, target, action, cancellationToken).ConfigureAwait(false);
    }

    private static StringContent Json(object body) => new(JsonSerializer.Serialize(body, s_json), Encoding.UTF8, "application/json");

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, HttpContent? content, string? target, string action, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        HttpResponseMessage answer;
        try
        {
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            throw Find(exception) ?? DockerFailures.Unreachable(Endpoint, exception.InnerException?.Message ?? exception.Message, exception);
        }
        catch (IOException exception)
        {
            throw Find(exception) ?? DockerFailures.Unreachable(Endpoint, exception.Message, exception);
        }

        if (answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.NotModified)
            return answer;
        using (answer)
            throw DockerFailures.Answered(Endpoint, answer.StatusCode, await MessageAsync(answer.Content, cancellationToken).ConfigureAwait(false), target, action);
    }

    private static BackupException? Find(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is BackupException failure)
                return failure;
        }

        return null;
    }

    private static async Task<string> MessageAsync(HttpContent content, CancellationToken cancellationToken) =>
        Message(await content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false));

    internal static string Message(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.TryGetProperty("message", out JsonElement message) ? message.GetString() ?? text : text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private async Task<T?> ReadAsync<T>(HttpResponseMessage answer, string action, CancellationToken cancellationToken)
    {
        try
        {
            using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            return await JsonSerializer.DeserializeAsync<T>(body, s_json, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is JsonException or HttpRequestException or IOException)
        {
            throw new BackupFailure(
                ErrorCodes.DockerFailed, FailureCategory.Busy, $"The answer of the engine at '{Endpoint}' to {action} cannot be read: {exception.Message}", "Is this address really a Docker engine's?", exception)
            { Target = Endpoint.ToString() };
        }
    }

    private static string Query(params (string Name, object? Value)[] parts) => string.Join('&', parts.Where(part => part.Value is not null)
        .Select(part => part.Name + "=" + Uri.EscapeDataString(Convert.ToString(part.Value, CultureInfo.InvariantCulture)!)));

    private sealed record VolumesAnswer(IReadOnlyList<VolumeModel>? Volumes);

    /// <summary>A connection's stream, which takes the connection with it when the pool lets it go.</summary>
    private sealed class OwnedStream(DockerConnection connection) : ForwardedStream(connection.Stream)
    {
        protected override void Dispose(bool disposing)
        {
            if (disposing)
                connection.Dispose();
            base.Dispose(disposing);
        }
    }
}
