using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <summary>What the failures of an S3 server mean: <see href="https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"/>.</summary>
internal static class S3Failures
{
    /// <summary>True if the same call may succeed in a moment.</summary>
    public static bool IsTransient(Exception exception, FirstContact contact) => exception switch
    {
        // An answer that was cut off is no document any more.
        DamagedInTransitException or System.Xml.XmlException => true,
        AmazonServiceException { StatusCode: HttpStatusCode.NotImplemented } => false,
        AmazonServiceException service when (int)service.StatusCode is >= 500 or 429 or 408 => service.StatusCode != HttpStatusCode.InsufficientStorage,
        AmazonServiceException { ErrorCode: "SlowDown" or "InternalError" or "RequestTimeout" or "ServiceUnavailable" or "ConditionalRequestConflict" or "OperationAborted" or "BadDigest" or "XAmzContentSHA256Mismatch" or "IncompleteBody" } => true,
        // With a status it is the server's last word.
        AmazonServiceException { StatusCode: not 0 } => false,
        _ => RemoteFailures.OfNetwork(exception) == RemoteProblem.Unreachable && contact.MayComeBack(exception),
    };

    /// <summary>True if there is no such object.</summary>
    public static bool IsMissing(AmazonS3Exception exception) => exception.StatusCode == HttpStatusCode.NotFound && exception.ErrorCode != "NoSuchBucket";

    /// <summary>True if the server cannot do what was asked at all.</summary>
    public static bool IsUnsupported(AmazonS3Exception exception) =>
        exception.StatusCode is HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed || exception.ErrorCode is "NotImplemented" or "MethodNotAllowed";

    /// <summary>Returns what a failure means for the user.</summary>
    public static BackupException From(Exception exception, string location, bool writes, string action)
    {
        if (exception is BackupException known)
            return known;
        string reason = exception switch
        {
            AmazonServiceException { ErrorCode.Length: > 0 } service when service.ErrorCode != service.StatusCode.ToString() => $"{service.ErrorCode}: {service.Message}",
            AmazonServiceException { StatusCode: not 0 } service => $"{(int)service.StatusCode} {service.StatusCode}: {service.Message}",
            // The SDK names each of its means in a line of its own, which say no more than that none has a login.
            AmazonClientException when ProblemOf(exception) == RemoteProblem.LoginRefused => "no login was found: none was given, and the AWS credential chain (variables, profile, machine's role) has none",
            _ => exception.GetBaseException().Message,
        };
        return RemoteFailures.From(ProblemOf(exception), location, writes, action, reason, exception);
    }

    private static RemoteProblem ProblemOf(Exception exception) => exception switch
    {
        AmazonServiceException { ErrorCode: "NoSuchBucket" or "InvalidBucketName" or "PermanentRedirect" or "AuthorizationHeaderMalformed" or "IllegalLocationConstraintException" } => RemoteProblem.PlaceMissing,
        AmazonServiceException { ErrorCode: "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "ExpiredToken" or "InvalidToken" or "TokenRefreshRequired" or "RequestTimeTooSkewed" or "InvalidSecurity" } => RemoteProblem.LoginRefused,
        AmazonServiceException { ErrorCode: "ObjectLocked" } => RemoteProblem.Locked,
        AmazonServiceException service when service.Message.Contains("WORM", StringComparison.OrdinalIgnoreCase) || service.Message.Contains("object lock", StringComparison.OrdinalIgnoreCase) => RemoteProblem.Locked,
        AmazonServiceException { ErrorCode: "QuotaExceeded" or "ServiceQuotaExceeded" or "XMinioStorageFull" or "XMinioAdminBucketQuotaExceeded" or "StorageFull" or "InsufficientCapacity" } or AmazonServiceException { StatusCode: HttpStatusCode.InsufficientStorage } => RemoteProblem.Full,
        AmazonServiceException { StatusCode: HttpStatusCode.Unauthorized } => RemoteProblem.LoginRefused,
        AmazonServiceException { StatusCode: HttpStatusCode.Forbidden } => RemoteProblem.AccessDenied,
        AmazonServiceException service when (int)service.StatusCode is >= 500 or 429 or 408 && service.StatusCode != HttpStatusCode.NotImplemented => RemoteProblem.Unreachable,
        AmazonServiceException { StatusCode: not 0 } => RemoteProblem.Other,
        System.Xml.XmlException => RemoteProblem.Unreachable,
        _ when RemoteFailures.OfNetwork(exception) is { } network => network,
        // The SDK found no login by any of its means.
        AmazonClientException => RemoteProblem.LoginRefused,
        _ => RemoteProblem.Other,
    };
}

/// <summary>What a server stored is not what was sent.</summary>
internal sealed class DamagedInTransitException(string message) : IOException(message);
