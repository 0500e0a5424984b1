using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.S3;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <summary>Makes the SDK's client for a location.</summary>
internal static class S3Client
{
    /// <summary>Creates a client; connects to nothing.</summary>
    public static AmazonS3Client Create(StoreAddress address, S3Options options)
    {
        var config = new AmazonS3Config
        {
            // The retries are RemoteRetries', which know how long a backup may wait.
            MaxErrorRetry = 0,
            Timeout = Timeout.InfiniteTimeSpan,
            ForcePathStyle = options.PathStyle,
            // Checksums are given with each request, computed once; payloads are checked by the hashes of their manifest.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            // Servers of one's own take any, and most expect this one.
            config.AuthenticationRegion = options.Region ?? "us-east-1";
        }
        else if (options.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }
        else if (FallbackRegionFactory.GetRegionEndpoint() is null)
        {
            config.RegionEndpoint = RegionEndpoint.USEast1;
        }

        if (StoreLogins.Find(address) is { } login)
            return new AmazonS3Client(ToCredentials(login), config);
        if (options.Profile is { } profile)
        {
            return new CredentialProfileStoreChain().TryGetAWSCredentials(profile, out AWSCredentials? named)
                ? new AmazonS3Client(named, config)
                : throw new BackupFailure(
                    ErrorCodes.AuthenticationFailed, FailureCategory.NotFound, $"The AWS configuration of this user has no profile '{profile}'.", "Look with 'aws configure list-profiles', or leave the option out.")
                { Target = address.Text };
        }

        return new AmazonS3Client(config);
    }

    // A session token follows the key's secret after a line break or a blank: a PSCredential has two fields, and neither key holds one.
    private static AWSCredentials ToCredentials(NetworkCredential login)
    {
        string[] parts = login.Password.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 2 ? new SessionAWSCredentials(login.UserName, parts[0], parts[1]) : new BasicAWSCredentials(login.UserName, login.Password);
    }
}
