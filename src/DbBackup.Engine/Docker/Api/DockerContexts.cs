using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace DbBackup.Engine.Docker.Api;

/// <summary>Finds the engine as the docker command does: what was said, DOCKER_HOST, DOCKER_CONTEXT, the chosen context, the default.</summary>
/// <param name="variable">Reads an environment variable; null where it is not set.</param>
/// <param name="homeFolder">The user's home folder.</param>
/// <param name="windows">True if Windows' default applies.</param>
internal sealed class DockerContexts(Func<string, string?> variable, string homeFolder, bool windows)
{
    private const string DefaultContext = "default";

    /// <summary>The contexts of this user.</summary>
    public static DockerContexts OfUser { get; } = new(
        Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), OperatingSystem.IsWindows());

    private string ConfigFolder => Value("DOCKER_CONFIG") ?? Path.Combine(homeFolder, ".docker");

    /// <summary>Where the engine is.</summary>
    /// <param name="host">An address or the name of a context that was given; null for none.</param>
    /// <exception cref="BackupFailure">There is no such context, or its address cannot be read.</exception>
    public DockerEndpoint Resolve(string? host)
    {
        if (host is not null)
            return LooksLikeAddress(host) ? WithVariables(DockerEndpoint.Parse(host, "-DockerHost")) : OfContext(host, "-DockerHost");
        if (Value("DOCKER_HOST") is { } named)
            return WithVariables(DockerEndpoint.Parse(named, "DOCKER_HOST"));
        if ((Value("DOCKER_CONTEXT") ?? CurrentContext()) is { } context && context != DefaultContext)
            return OfContext(context, Value("DOCKER_CONTEXT") is null ? "the docker configuration" : "DOCKER_CONTEXT");
        return DockerEndpoint.Default(windows);
    }

    /// <summary>True if an engine that a backup names is another than the one that this user's commands reach without naming one.</summary>
    public static bool IsOther(string? host) => host is not null && OfUser.Resolve(null).ToString() != host;

    /// <summary>The names of this user's contexts.</summary>
    public IEnumerable<string> Names()
    {
        string folder = Path.Combine(ConfigFolder, "contexts", "meta");
        if (!Directory.Exists(folder))
            yield break;
        foreach (string file in Directory.EnumerateDirectories(folder).Select(each => Path.Combine(each, "meta.json")).Where(File.Exists))
        {
            if (Text(Read(file), "Name") is { } text)
                yield return text;
        }
    }

    private static bool LooksLikeAddress(string host) => host.Contains("://", StringComparison.Ordinal) || host.Contains(':', StringComparison.Ordinal);

    // DOCKER_TLS_VERIFY is any text for yes; without it DOCKER_TLS has TLS without a check (docs.docker.com/reference/cli/docker/#environment-variables).
    private DockerEndpoint WithVariables(DockerEndpoint endpoint)
    {
        if (endpoint.Kind != DockerTransportKind.Tcp)
            return endpoint;
        bool verify = Value("DOCKER_TLS_VERIFY") is not null;
        bool tls = verify || Value("DOCKER_TLS") is not null || endpoint.UsesTls;
        return tls ? endpoint with { UsesTls = true, VerifiesServer = verify || endpoint.UsesTls, CertificateFolder = Value("DOCKER_CERT_PATH") ?? ConfigFolder } : endpoint;
    }

    private DockerEndpoint OfContext(string name, string origin)
    {
        if (name == DefaultContext)
            return DockerEndpoint.Default(windows);
        // The docker command keeps a context below the SHA-256 of its name.
        string id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
        string file = Path.Combine(ConfigFolder, "contexts", "meta", id, "meta.json");
        JsonElement? docker = Member(Member(Read(file), "Endpoints"), "docker");
        if (Text(docker, "Host") is not { } address)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.NotFound,
                $"There is no docker context '{name}', which {origin} names.",
                "See 'docker context ls', or give an address: ssh://user@host, tcp://host:2376.")
            { Target = name };
        }

        DockerEndpoint endpoint = DockerEndpoint.Parse(address, $"the context '{name}'");
        if (endpoint.Kind != DockerTransportKind.Tcp)
            return endpoint;
        string certificates = Path.Combine(ConfigFolder, "contexts", "tls", id, "docker");
        bool skip = Member(docker, "SkipTLSVerify")?.ValueKind == JsonValueKind.True;
        return Directory.Exists(certificates)
            ? endpoint with { UsesTls = true, VerifiesServer = !skip, CertificateFolder = certificates }
            : endpoint with { VerifiesServer = !skip };
    }

    private string? CurrentContext() => Text(Read(Path.Combine(ConfigFolder, "config.json")), "currentContext");

    private string? Value(string name) => variable(name) is { Length: > 0 } value ? value : null;

    private static JsonElement? Member(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } && parent.Value.TryGetProperty(name, out JsonElement member) ? member : null;

    // Half of a surrogate pair is no text, and thrown as an invalid operation.
    private static string? Text(JsonElement? parent, string name)
    {
        try
        {
            return Member(parent, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static JsonElement? Read(string file)
    {
        try
        {
            if (!File.Exists(file))
                return null;
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
