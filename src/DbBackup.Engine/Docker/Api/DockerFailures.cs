using System.Net;
using System.Net.Sockets;

namespace DbBackup.Engine.Docker.Api;

/// <summary>Turns what goes wrong on the way to an engine, and what it answers, into errors that say what to do next.</summary>
internal static class DockerFailures
{
    // winerror.h: the file (here, the pipe) was not found; access is denied.
    private const int AccessDenied = unchecked((int)0x80070005);

    public static BackupException From(Exception exception, DockerEndpoint endpoint)
    {
        bool refused = exception is UnauthorizedAccessException || exception is SocketException { SocketErrorCode: SocketError.AccessDenied }
            || exception.HResult == AccessDenied;
        return refused
            ? new BackupFailure(
                ErrorCodes.PermissionDenied,
                FailureCategory.PermissionDenied,
                $"This user is not allowed to use the Docker engine at '{endpoint}' ({endpoint.Origin}).",
                OperatingSystem.IsWindows()
                    ? "Run as an administrator, or join the group docker-users and sign in again."
                    : "Run as root, or join the group that owns the socket (usually: usermod -aG docker $USER) and sign in again.",
                exception)
            { Target = endpoint.ToString() }
            : Unreachable(endpoint, exception is SocketException { SocketErrorCode: var code } ? Words(code, exception.Message) : exception.Message, exception);
    }

    public static BackupFailure Unreachable(DockerEndpoint endpoint, string words, Exception? inner) => new(
        ErrorCodes.ServerUnreachable,
        FailureCategory.Busy,
        $"The Docker engine at '{endpoint}' ({endpoint.Origin}) cannot be reached: {words.TrimEnd('.')}.",
        endpoint.Kind switch
        {
            DockerTransportKind.Ssh => $"Try it by hand: ssh {(endpoint.Port == 22 ? string.Empty : FormattableString.Invariant($"-p {endpoint.Port} "))}{(endpoint.User is null ? string.Empty : endpoint.User + "@")}{endpoint.Address} docker version. ssh must work without a question (a key or an agent), and docker must be installed there.",
            DockerTransportKind.Tcp => "Check the address, the firewall and the certificates; then 'docker version' with the same DOCKER_HOST.",
            DockerTransportKind.NamedPipe => "Start Docker Desktop or the docker service, then try again.",
            _ => "Start the engine (systemctl start docker), or name another one with -DockerHost or DOCKER_HOST.",
        },
        inner)
    { Target = endpoint.ToString(), CanRetry = true };

    /// <summary>What the engine answered.</summary>
    /// <param name="endpoint">The engine.</param>
    /// <param name="status">Its status code.</param>
    /// <param name="words">Its message.</param>
    /// <param name="target">The container, volume or image that the request was about.</param>
    /// <param name="action">What was wanted, as in "starting it".</param>
    public static BackupFailure Answered(DockerEndpoint endpoint, HttpStatusCode status, string words, string? target, string action)
    {
        string text = words.Trim().TrimEnd('.');
        if (status == HttpStatusCode.NotFound && text.Contains("No such container", StringComparison.OrdinalIgnoreCase))
        {
            return new BackupFailure(
                ErrorCodes.ContainerNotFound,
                FailureCategory.NotFound,
                $"The engine at '{endpoint}' has no container '{target}' (any more).",
                "See what there is: Find-DbBackupSource. A compose service is found again under a new container when it is named with -ComposeProject and -Service.")
            { Target = target, CanRetry = true };
        }

        if (status == HttpStatusCode.NotFound && text.Contains("no such volume", StringComparison.OrdinalIgnoreCase))
        {
            return new BackupFailure(
                ErrorCodes.VolumeNotFound, FailureCategory.NotFound, $"The engine at '{endpoint}' has no volume '{target}'.", "See what there is: Find-DbBackupSource.")
            { Target = target };
        }

        if (status == HttpStatusCode.NotFound && text.Contains("no such image", StringComparison.OrdinalIgnoreCase))
        {
            return new BackupFailure(
                ErrorCodes.ImageNotFound, FailureCategory.NotFound, $"The engine at '{endpoint}' has no image '{target}'.", "Check its name ('docker images' shows what is there), or have it pulled with -Pull.")
            { Target = target };
        }

        if (status == HttpStatusCode.Conflict && text.Contains("is not running", StringComparison.OrdinalIgnoreCase))
            return NotRunning(target ?? "?", "stopped");
        if (status == HttpStatusCode.Conflict && text.Contains("is restarting", StringComparison.OrdinalIgnoreCase))
            return NotRunning(target ?? "?", "restarting");
        return new BackupFailure(
            ErrorCodes.DockerFailed,
            FailureCategory.Busy,
            $"The Docker engine failed at {action}{(target is null ? string.Empty : $" ('{target}')")}: {text} (status {(int)status}).",
            "See the message above, 'docker logs' of the container and the engine's log.")
        { Target = target };
    }

    /// <summary>A container that must run does not.</summary>
    public static BackupFailure NotRunning(string container, string state) => new(
        ErrorCodes.ContainerNotRunning,
        FailureCategory.Busy,
        $"The container '{container}' is {state}, and this needs it running.",
        state == "restarting" ? $"See why it does not stay up: docker logs {container}."
            : state == "paused" ? $"Resume it (docker unpause {container}) and try again."
            : $"Start it (docker start {container}) and try again; 'docker logs {container}' says why it ended.")
    { Target = container, CanRetry = true };

    private static string Words(SocketError code, string message) => code switch
    {
        SocketError.ConnectionRefused => "connection refused",
        // .NET's name for ENOENT of a Unix socket; its own words for it are of network cards.
        SocketError.AddressNotAvailable => "no such file or directory",
        _ => message,
    };
}
