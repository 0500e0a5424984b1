using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>
/// Where something of a Docker engine is, as manifests have it: <c>docker:///compose/shop/db/postgresql/orders</c>,
/// <c>docker+ssh://admin@nas/container/pats/path/app/data</c>, <c>docker:///volume/redis_data</c>. A compose service stays the same
/// source whatever its container is called today.
/// </summary>
public sealed record DockerLocation
{
    private const string LocalScheme = "docker://";
    private const string ComposeKind = "compose";
    private const string ContainerKind = "container";
    private const string VolumeKind = "volume";
    private const string PathPart = "path";

    /// <summary>The engine's address where it is on another machine; null for the engine of this one.</summary>
    public string? Host { get; init; }

    /// <summary>The compose project; null where a container or volume was named.</summary>
    public string? Project { get; init; }

    /// <summary>The compose service.</summary>
    public string? Service { get; init; }

    /// <summary>The container's name.</summary>
    public string? Container { get; init; }

    /// <summary>The volume's name.</summary>
    public string? Volume { get; init; }

    /// <summary>The kind of the server in it, as in <c>postgresql</c>; null for the container or volume itself, or for files.</summary>
    public string? Server { get; init; }

    /// <summary>The database; null for the server, or for files.</summary>
    public string? Database { get; init; }

    /// <summary>The absolute path in the container, or in the volume; null where none was named.</summary>
    public string? Path { get; init; }

    /// <summary>The words for the container, service or volume in a sentence.</summary>
    public string Subject => Volume is not null ? $"volume '{Volume}'" : Container is not null ? $"container '{Container}'" : $"service '{Service}' of the compose project '{Project}'";

    /// <summary>True if a text is such a location.</summary>
    public static bool IsOne(string? text) => text is not null && (text.StartsWith(LocalScheme, StringComparison.Ordinal) || text.StartsWith("docker+", StringComparison.Ordinal));

    /// <summary>The host part of an engine's address: null for the engine of this machine, whatever its socket is called.</summary>
    public static string? HostOf(DockerEndpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        return endpoint.IsLocal ? null : endpoint.ToString();
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="BackupFailure">It is no such location (<see cref="ErrorCodes.InvalidArgument"/>).</exception>
    public static DockerLocation Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text) ?? throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{text}' is no location of a Docker engine.", "It reads docker:///compose/project/service, docker:///container/name or docker:///volume/name.");
    }

    /// <summary>Reads what <see cref="ToString"/> wrote; null for any other text.</summary>
    public static DockerLocation? TryParse(string? text)
    {
        if (!IsOne(text))
            return null;
        string rest;
        string? host = null;
        if (text!.StartsWith("docker+", StringComparison.Ordinal) && text.IndexOf("://", StringComparison.Ordinal) is > 0 and var scheme && text.IndexOf('/', scheme + 3) is > 0 and var end)
        {
            host = text["docker+".Length..end];
            rest = text[(end + 1)..];
        }
        else
        {
            rest = text.StartsWith(LocalScheme + "/", StringComparison.Ordinal) ? text[(LocalScheme.Length + 1)..] : string.Empty;
        }

        string[] parts = [.. rest.Split('/').Select(Uri.UnescapeDataString)];
        DockerLocation? subject = parts switch
        {
            [ComposeKind, var project, var service, ..] => new DockerLocation { Host = host, Project = project, Service = service },
            [ContainerKind, var container, ..] => new DockerLocation { Host = host, Container = container },
            [VolumeKind, var volume, ..] => new DockerLocation { Host = host, Volume = volume },
            _ => null,
        };
        string[] tail = subject?.Project is not null ? parts[3..] : subject is not null ? parts[2..] : [];
        return (subject, tail) switch
        {
            (not null, []) => subject,
            (not null, [PathPart, .. var path]) => subject with { Path = "/" + string.Join('/', path) },
            (not null, [var server]) when IsKind(server) => subject with { Server = server },
            (not null, [var server, var database]) when IsKind(server) => subject with { Server = server, Database = database },
            _ => null,
        };
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        string start = Host is null ? LocalScheme + "/" : $"docker+{Host}/";
        string subject = Volume is not null ? $"{VolumeKind}/{Escape(Volume)}"
            : Container is not null ? $"{ContainerKind}/{Escape(Container)}" : $"{ComposeKind}/{Escape(Project!)}/{Escape(Service!)}";
        string end = Server is not null ? "/" + Server + (Database is null ? string.Empty : "/" + Escape(Database))
            : Path is null ? string.Empty : "/" + PathPart + "/" + string.Join('/', Path.Trim('/').Split('/').Select(Escape));
        return start + subject + end;
    }

    private static bool IsKind(string text) => text.Length > 0 && text.All(char.IsAsciiLetterLower);

    private static string Escape(string text) => Uri.EscapeDataString(text);
}
