using System.Net.Sockets;
using Azure;
using Azure.Identity;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.Azure;

/// <summary>What a blob service reports, as failures that say what to do.</summary>
internal static class AzureFailures
{
    public static BackupFailure From(Exception exception, string location, bool writes, string action) =>
        RemoteFailures.From(ProblemOf(exception), location, writes, action, Reason(exception), exception);

    /// <summary>True if a server that has answered before may answer again: throttling, a restart, a cut connection.</summary>
    public static bool IsTransient(Exception exception) => exception switch
    {
        RequestFailedException { Status: 0 } or RequestFailedException { Status: 408 or 429 or >= 500 } => true,
        IOException or HttpRequestException => true,
        AggregateException several => several.InnerExceptions.All(IsTransient),
        _ => false,
    };

    /// <summary>True if nothing was connected: no such name, or connection refused.</summary>
    public static bool IsConnectionRefused(Exception exception)
    {
        for (Exception? each = exception; each is not null; each = each.InnerException)
        {
            if (each is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.NoData or SocketError.HostUnreachable or SocketError.NetworkUnreachable })
                return true;
        }

        return false;
    }

    private static RemoteProblem ProblemOf(Exception exception) => exception switch
    {
        CredentialUnavailableException or AuthenticationFailedException => RemoteProblem.LoginRefused,
        RequestFailedException { ErrorCode: "ContainerNotFound" or "ContainerBeingDeleted" or "ContainerDisabled" or "ResourceNotFound" } => RemoteProblem.PlaceMissing,
        RequestFailedException { ErrorCode: "BlobImmutableDueToPolicy" or "BlobOverwriteNotAllowed" or "LeaseIdMissing" } => RemoteProblem.Locked,
        RequestFailedException { ErrorCode: "AuthenticationFailed" or "InvalidAuthenticationInfo" or "NoAuthenticationInformation" } or RequestFailedException { Status: 401 } => RemoteProblem.LoginRefused,
        // Azurite has one code for both.
        RequestFailedException { Status: 403 } when exception.Message.Contains("failed to authenticate", StringComparison.OrdinalIgnoreCase) => RemoteProblem.LoginRefused,
        RequestFailedException { Status: 403 } => RemoteProblem.AccessDenied,
        RequestFailedException { ErrorCode: "InsufficientStorage" } or RequestFailedException { Status: 507 } => RemoteProblem.Full,
        RequestFailedException { Status: 0 } => RemoteFailures.OfNetwork(exception) ?? RemoteProblem.Unreachable,
        RequestFailedException { Status: 408 or 429 or >= 500 } => RemoteProblem.Unreachable,
        _ => RemoteFailures.OfNetwork(exception) ?? RemoteProblem.Other,
    };

    // The rest of the message are the answer's headers.
    private static string Reason(Exception exception) =>
        exception is RequestFailedException { ErrorCode: { } code, Status: var status } ? $"{status} {code}: {exception.Message.Split('\n')[0].Trim()}" : exception.Message.Split('\n')[0].Trim();
}
