using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>The environment in which docker's own command lines reach the same engine.</summary>
internal static class DockerEnvironment
{
    public static Dictionary<string, string?> For(DockerEndpoint endpoint) => new()
    {
        ["DOCKER_HOST"] = endpoint.ToString(),
        ["DOCKER_CONTEXT"] = null,
        ["DOCKER_TLS_VERIFY"] = endpoint is { UsesTls: true, VerifiesServer: true } ? "1" : null,
        ["DOCKER_TLS"] = endpoint is { UsesTls: true, VerifiesServer: false } ? "1" : null,
        ["DOCKER_CERT_PATH"] = endpoint.UsesTls ? endpoint.CertificateFolder : null,
    };
}
