using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Docker.DotNet;
using Docker.DotNet.Models;
using DockerApi = Docker.DotNet.DockerClient;

namespace DbBackup.Engine.Docker.Api;

/// <summary>
/// The Docker Engine API (docs.docker.com/reference/api/engine) as this product uses it: one method an operation, under the operation's own name,
/// and every failure an error that says what to do next. What is done goes through Docker.DotNet; what is read is read here, into the few
/// properties that are used (docs/architecture.md says why).
/// </summary>
internal sealed partial class DockerClient : IDisposable
{
    // What of the API is used has been the same from 1.41 (20.10) to 1.51; a newer engine is spoken to as the latter.
    private static readonly System.Version s_oldestKnown = new(1, 41);
    private static readonly System.Version s_newestKnown = new(1, 51);
    private static readonly JsonSerializerOptions s_json = new() { PropertyNameCaseInsensitive = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
    private const string KernelRelease = "/proc/sys/kernel/osrelease";
    private readonly DockerHandler _handler;
    private readonly HttpClient _http;
    private DockerApi? _api;
    private System.Version? _version;
    private bool? _isSameKernel;

    private DockerClient(DockerEndpoint endpoint)
    {
        Endpoint = endpoint;
        _handler = new DockerHandler(endpoint);
        _http = new HttpClient(_handler) { BaseAddress = DockerHandler.Address, Timeout = Timeout.InfiniteTimeSpan };
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
            using HttpResponseMessage answer = await client.SendAsync(HttpMethod.Get, "/_ping", null, null, "pinging the engine", cancellationToken).ConfigureAwait(false);
            bool isKnown = System.Version.TryParse(answer.Headers.TryGetValues("Api-Version", out IEnumerable<string>? values) ? values.First() : null, out System.Version? offered);
            client._version = !isKnown ? s_oldestKnown : offered > s_newestKnown ? s_newestKnown : offered;
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
    public Task<VersionResponse> VersionAsync(CancellationToken cancellationToken) =>
        CallAsync(api => api.System.GetVersionAsync(cancellationToken), null, "asking for the version");

    /// <summary>
    /// True if the engine's containers run on this machine's own kernel, so that paths, processes and locks of theirs are to be found here. In
    /// Docker Desktop's virtual machine they are not.
    /// </summary>
    public async Task<bool> IsSameKernelAsync(CancellationToken cancellationToken) =>
        _isSameKernel ??= Endpoint.IsLocal && OperatingSystem.IsLinux() && File.Exists(KernelRelease)
            && (await File.ReadAllTextAsync(KernelRelease, cancellationToken).ConfigureAwait(false)).Trim() == (await VersionAsync(cancellationToken).ConfigureAwait(false)).KernelVersion;

    // Nothing that runs before this knows the library, for loading it takes longer than all that a search reads.
    private DockerApi Build(DockerTransport transport) => new DockerClientBuilder()
        .WithEndpoint(DockerHandler.Address)
        .WithApiVersion(_version)
        .WithTimeout(Timeout.InfiniteTimeSpan)
        .WithTransportOptions(transport, Endpoint)
        .Build();

    private async Task CallAsync(Func<DockerApi, Task> call, string? target, string action) =>
        await CallAsync(
            async api =>
            {
                await call(api).ConfigureAwait(false);
                return true;
            },
            target,
            action).ConfigureAwait(false);

    private Task<T> CallAsync<T>(Func<DockerApi, Task<T>> call, string? target, string action) =>
        CallAsync(_api ??= Build(new DockerTransport(_handler)), call, target, action);

    // Nothing that the library throws gets out of here, nor does a name get into a path of its that is not escaped: it takes both as they come.
    private async Task<T> CallAsync<T>(DockerApi api, Func<DockerApi, Task<T>> call, string? target, string action)
    {
        try
        {
            return await call(api).ConfigureAwait(false);
        }
        catch (DockerApiException exception)
        {
            throw DockerFailures.Answered(Endpoint, exception.StatusCode, Message(exception.ResponseBody ?? string.Empty), target, action);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw Unreachable(exception);
        }
        catch (Exception exception) when (exception is JsonException or FormatException or NotSupportedException or NotImplementedException or (InvalidOperationException and not ObjectDisposedException))
        {
            throw Unreadable(exception, action);
        }
    }

    private async Task<T> GetAsync<T>(string path, string? target, string action, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, Versioned(path), null, target, action, cancellationToken).ConfigureAwait(false);
        return (await ReadAsync<T>(answer, action, cancellationToken).ConfigureAwait(false))!;
    }

    private async Task<T> PostAsync<T>(string path, object body, string? target, string action, CancellationToken cancellationToken)
    {
        using StringContent content = Json(body);
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, Versioned(path), content, target, action, cancellationToken).ConfigureAwait(false);
        return (await ReadAsync<T>(answer, action, cancellationToken).ConfigureAwait(false))!;
    }

    private async Task PostAsync(string path, object body, string? target, string action, CancellationToken cancellationToken)
    {
        using StringContent content = Json(body);
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, Versioned(path), content, target, action, cancellationToken).ConfigureAwait(false);
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
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw Unreachable(exception);
        }

        if (answer.IsSuccessStatusCode || answer.StatusCode == HttpStatusCode.NotModified)
            return answer;
        using (answer)
            throw DockerFailures.Answered(Endpoint, answer.StatusCode, await MessageAsync(answer.Content, cancellationToken).ConfigureAwait(false), target, action);
    }

    private BackupException Unreachable(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is BackupException failure)
                return failure;
        }

        return DockerFailures.Unreachable(Endpoint, exception.InnerException?.Message ?? exception.Message, exception);
    }

    private BackupFailure Unreadable(Exception exception, string action) => new(
        ErrorCodes.DockerFailed, FailureCategory.Busy, $"The answer of the engine at '{Endpoint}' to {action} cannot be read: {exception.Message}", "Is this address really a Docker engine's?", exception)
    { Target = Endpoint.ToString() };

    private static async Task<string> MessageAsync(HttpContent content, CancellationToken cancellationToken) =>
        Message(await content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false));

    internal static string Message(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("message", out JsonElement message) ? message.GetString() ?? text : text;
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
            throw Unreadable(exception, action);
        }
    }

    private string Versioned(string path) => _version is null ? path : $"/v{_version}{path}";

    private static string Escape(string name) => Uri.EscapeDataString(name);

    private static string Query(params (string Name, object? Value)[] parts) => string.Join('&', parts.Where(part => part.Value is not null)
        .Select(part => part.Name + "=" + Uri.EscapeDataString(Convert.ToString(part.Value, CultureInfo.InvariantCulture)!)));

    private sealed record VolumesAnswer(IReadOnlyList<VolumeModel>? Volumes);
}
