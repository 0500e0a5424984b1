using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <summary>
/// Asks an S3 server who else reads a bucket: whether its policy makes it public, what its access list grants to everybody, and whether public
/// access is blocked whatever these say. Many servers know none of these calls, and many logins are not allowed them: then it is not known.
/// </summary>
internal static class S3Exposure
{
    // Groups that anyone in the world is in: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
    private const string AllUsers = "http://acs.amazonaws.com/groups/global/AllUsers";
    private const string AuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

    // A check that hangs here would be worse than one that does not know.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    /// <summary>Asks.</summary>
    public static async Task<StoreExposure> FindAsync(AmazonS3Client client, string bucket, CancellationToken cancellationToken)
    {
        PublicAccessBlockConfiguration? block = (await AskAsync(
            token => client.GetPublicAccessBlockAsync(new GetPublicAccessBlockRequest { BucketName = bucket }, token), new GetPublicAccessBlockResponse(), cancellationToken).ConfigureAwait(false))?.PublicAccessBlockConfiguration;
        var problems = new List<string>();
        var notChecked = new List<string>();
        if (block?.RestrictPublicBuckets != true)
        {
            // A bucket without a policy is answered with an error of its own.
            GetBucketPolicyStatusResponse? status = await AskAsync(
                token => client.GetBucketPolicyStatusAsync(new GetBucketPolicyStatusRequest { BucketName = bucket }, token), new GetBucketPolicyStatusResponse { PolicyStatus = new PolicyStatus { IsPublic = false } }, cancellationToken).ConfigureAwait(false);
            if (status?.PolicyStatus?.IsPublic is not { } isPublic)
                notChecked.Add("its policy");
            else if (isPublic)
                problems.Add("the bucket's policy makes it public");
        }

        if (block?.IgnorePublicAcls != true)
        {
            GetBucketAclResponse? list = await AskAsync(token => client.GetBucketAclAsync(new GetBucketAclRequest { BucketName = bucket }, token), null, cancellationToken).ConfigureAwait(false);
            // An answer without an owner is another document: some servers list the bucket whatever is asked.
            if (list?.Owner?.Id is null)
                notChecked.Add("its access list");
            foreach (S3Grant grant in list?.Grants ?? [])
            {
                if (grant.Grantee?.URI is AllUsers or AuthenticatedUsers)
                    problems.Add($"the bucket's access list grants {grant.Permission?.Value ?? "a right"} to {(grant.Grantee.URI == AllUsers ? "everybody" : "everybody with an account")}");
            }
        }

        return new StoreExposure(problems, notChecked);
    }

    // Null if the server does not tell; the answer for nothing if it says that there is none.
    private static async Task<T?> AskAsync<T>(Func<CancellationToken, Task<T>> ask, T? nothing, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            return await ask(limit.Token).ConfigureAwait(false);
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound && exception.ErrorCode is "NoSuchBucketPolicy" or "NoSuchPublicAccessBlockConfiguration")
        {
            return nothing;
        }
        catch (Exception exception) when (exception is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or System.Xml.XmlException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
