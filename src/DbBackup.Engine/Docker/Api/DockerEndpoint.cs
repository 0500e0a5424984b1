using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Api;

/// <summary>How an engine is reached.</summary>
public enum DockerTransportKind
{
    /// <summary>A Unix socket of this machine.</summary>
    UnixSocket,

    /// <summary>A named pipe of Windows.</summary>
    NamedPipe,

    /// <summary>TCP, with TLS or without.</summary>
    Tcp,

    /// <summary>ssh, and <c>docker system dial-stdio</c> at its other end.</summary>
    Ssh,
}

/// <summary>Where a Docker engine is: one of the forms that <c>docker --host</c> takes.</summary>
public sealed record DockerEndpoint
{
    /// <summary>The port of ssh and of an engine's TCP socket without and with TLS, where none is said.</summary>
    private const int SshPort = 22;
    private const int PlainPort = 2375;
    private const int TlsPort = 2376;

    /// <summary>How it is reached.</summary>
    public required DockerTransportKind Kind { get; init; }

    /// <summary>The socket's path, the pipe's name without <c>\\.\pipe\</c>, or the host's name.</summary>
    public required string Address { get; init; }

    /// <summary>The port; 0 where there is none.</summary>
    public int Port { get; init; }

    /// <summary>The user of ssh; null for ssh's own choice.</summary>
    public string? User { get; init; }

    /// <summary>True if TCP is wrapped in TLS.</summary>
    public bool UsesTls { get; init; }

    /// <summary>True if the engine's certificate is checked.</summary>
    public bool VerifiesServer { get; init; } = true;

    /// <summary>The folder with <c>ca.pem</c>, <c>cert.pem</c> and <c>key.pem</c>; null for the system's authorities and no client certificate.</summary>
    public string? CertificateFolder { get; init; }

    /// <summary>Where it was found, for an error: <c>DOCKER_HOST</c>, <c>the context 'prod'</c>.</summary>
    public string Origin { get; init; } = "the default";

    /// <summary>True if the engine runs on this machine, so that its volumes may be folders here.</summary>
    public bool IsLocal => Kind is DockerTransportKind.UnixSocket or DockerTransportKind.NamedPipe;

    /// <summary>This system's default engine.</summary>
    public static DockerEndpoint Default(bool windows) => windows
        ? new DockerEndpoint { Kind = DockerTransportKind.NamedPipe, Address = "docker_engine" }
        : new DockerEndpoint { Kind = DockerTransportKind.UnixSocket, Address = "/var/run/docker.sock" };

    /// <summary>Reads an address.</summary>
    /// <param name="text"><c>unix://</c>, <c>npipe://</c>, <c>tcp://</c>, <c>http(s)://</c> or <c>ssh://</c>; a bare name with a port is TCP.</param>
    /// <param name="origin">Where it was found, for an error.</param>
    /// <exception cref="BackupFailure">It is none of these (<see cref="ErrorCodes.InvalidArgument"/>).</exception>
    public static DockerEndpoint Parse(string text, string origin)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.StartsWith("unix://", StringComparison.OrdinalIgnoreCase) && text.Length > 7)
            return new DockerEndpoint { Kind = DockerTransportKind.UnixSocket, Address = text[7..], Origin = origin };
        if (text.StartsWith("npipe://", StringComparison.OrdinalIgnoreCase))
        {
            string pipe = text[8..].Replace('\\', '/').TrimStart('/');
            pipe = pipe.StartsWith("./pipe/", StringComparison.OrdinalIgnoreCase) ? pipe[7..] : pipe;
            if (pipe.Length > 0)
                return new DockerEndpoint { Kind = DockerTransportKind.NamedPipe, Address = pipe, Origin = origin };
        }

        string uriText = text.Contains("://", StringComparison.Ordinal) ? text : "tcp://" + text;
        if (UriText.TryParse(uriText) is { } uri && HostOf(uri) is { Length: > 0 } host)
        {
            if (uri.Scheme is "ssh")
            {
                if (uri.UserInfo.Contains(':', StringComparison.Ordinal))
                    throw Invalid(origin, "holds a password, which ssh does not take from there", "Use a key: ssh-copy-id, then ssh://user@host.");
                string? user = uri.UserInfo.Length == 0 ? null : Uri.UnescapeDataString(uri.UserInfo);
                return new DockerEndpoint { Kind = DockerTransportKind.Ssh, Address = host, Port = uri.Port > 0 ? uri.Port : SshPort, User = user, Origin = origin };
            }

            if (uri.Scheme is "tcp" or "http" or "https")
            {
                bool tls = uri.Scheme == "https";
                int port = text.EndsWith(":" + uri.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)
                    || text.Contains($":{uri.Port}/", StringComparison.Ordinal) ? uri.Port : tls ? TlsPort : PlainPort;
                return new DockerEndpoint { Kind = DockerTransportKind.Tcp, Address = host, Port = port, UsesTls = tls, Origin = origin };
            }
        }

        throw Invalid(origin, "is no address of a Docker engine", "It reads unix:///var/run/docker.sock, npipe:////./pipe/docker_engine, tcp://host:2376 or ssh://user@host.");
    }

    /// <summary>The address in the form that <c>DOCKER_HOST</c> has; it holds no secret.</summary>
    public override string ToString() => Kind switch
    {
        DockerTransportKind.UnixSocket => "unix://" + Address,
        DockerTransportKind.NamedPipe => "npipe:////./pipe/" + Address,
        DockerTransportKind.Ssh => $"ssh://{(User is null ? string.Empty : User + "@")}{Address}{(Port == SshPort ? string.Empty : FormattableString.Invariant($":{Port}"))}",
        _ => FormattableString.Invariant($"tcp://{Address}:{Port}"),
    };

    // A name with letters that no domain has is found only when it is turned into the form that name servers know.
    private static string? HostOf(Uri uri)
    {
        try
        {
            return uri.IdnHost;
        }
        catch (UriFormatException)
        {
            return null;
        }
    }

    private static BackupFailure Invalid(string origin, string what, string hint) =>
        new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The Docker host that {origin} names {what}.", hint);
}
