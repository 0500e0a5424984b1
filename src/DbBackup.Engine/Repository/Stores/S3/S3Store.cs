using System.Collections.Concurrent;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <summary>A store in a bucket of Amazon S3, or of another server with its protocol.</summary>
internal sealed partial class S3Store : ILockingStore, IResumingStore, IExposedStore
{
    private const string Probe = RepositoryKeys.Work + "conditional-put";
    private const string LockProbes = RepositoryKeys.Work + "locked/";

    // Long enough for one try, and short enough that the next check may delete it.
    private static readonly TimeSpan s_probeLock = TimeSpan.FromMinutes(1);

    // What a server can do does not change while this process runs.
    private static readonly ConcurrentDictionary<string, bool> s_conditional = new(StringComparer.Ordinal);

    private readonly StoreAddress _address;
    private readonly S3Options _options;
    private readonly Lazy<AmazonS3Client> _client;
    private readonly S3Calls _calls;
    private readonly PartSizes _sizes;
    private readonly string _prefix;
    private readonly PutByClaims _claims;

    /// <summary>Creates the store; touches nothing.</summary>
    /// <exception cref="BackupException">An option has a value that cannot be used.</exception>
    public S3Store(StoreAddress address)
        : this(address, null, null)
    {
    }

    internal S3Store(StoreAddress address, PartSizes? sizes, TimeSpan? patience)
    {
        ArgumentNullException.ThrowIfNull(address);
        _address = address;
        _options = S3Options.Read(address);
        _sizes = sizes ?? new PartSizes();
        _prefix = address.Path.Length > 0 ? address.Path + "/" : string.Empty;
        _client = new Lazy<AmazonS3Client>(() => S3Client.Create(address, _options));
        _calls = new S3Calls(_options.Endpoint?.Scheme != Uri.UriSchemeHttp, patience);
        _claims = new PutByClaims(
            ExistsAsync,
            async (key, content, token) => await UploadOf(key).PutAsync(content, ifAbsent: false, writer: null, IsKept(key), token).ConfigureAwait(false),
            ListAsync,
            DeleteAsync);
    }

    /// <inheritdoc/>
    public string Location => _address.Text;

    /// <inheritdoc/>
    public string? LocalFolder => null;

    private AmazonS3Client Client => _client.Value;

    private string Bucket => _address.Host;

    /// <inheritdoc/>
    public string Locate(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return $"s3://{Bucket}/{_prefix}{key.Trim('/')}";
    }

    /// <inheritdoc/>
    public async Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken)
    {
        try
        {
            await GuardAsync(false, "listing", token => Client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Bucket, Prefix = _prefix, MaxKeys = 1 }, token), cancellationToken).ConfigureAwait(false);
            return new StoreProperties(true, null);
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.RepositoryNotFound)
        {
            return new StoreProperties(false, null);
        }
    }

    /// <inheritdoc/>
    public Task<bool> HasConditionalPutAsync(CancellationToken cancellationToken) => GuardAsync(true, "checking for conditional writes", FindConditionalPutAsync, cancellationToken);

    /// <inheritdoc/>
    public async Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken)
    {
        if (length == 0)
            return Stream.Null;
        try
        {
            GetObjectResponse response = await GuardAsync(false, $"reading '{key}'", token => GetAsync(key, offset, length, null, token), cancellationToken).ConfigureAwait(false);
            long end = offset + response.ContentLength;
            return new ResumingStream(
                response.ResponseStream, offset, response.ContentLength,
                async (at, token) => (await GetAsync(key, at, end - at, response.ETag, token).ConfigureAwait(false)).ResponseStream,
                _calls.Retries, S3Calls.TimeoutFor(0), exception => S3Failures.From(exception, Location, false, $"reading '{key}'"));
        }
        catch (BackupException failure) when (failure.InnerException is AmazonS3Exception missing && S3Failures.IsMissing(missing))
        {
            return null;
        }
        catch (BackupException failure) when (failure.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.RequestedRangeNotSatisfiable })
        {
            return Stream.Null;
        }
    }

    /// <inheritdoc/>
    public async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await GuardAsync(
                false, $"reading '{key}'",
                async token =>
                {
                    using GetObjectResponse response = await Client.GetObjectAsync(Bucket, _prefix + key, token).ConfigureAwait(false);
                    if (response.ContentLength > StoredObject.LargestSmall)
                        throw DirectoryFailures.TooLarge(Locate(key), response.ContentLength);
                    byte[] content = new byte[response.ContentLength];
                    await response.ResponseStream.ReadExactlyAsync(content, token).ConfigureAwait(false);
                    return content;
                },
                cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.InnerException is AmazonS3Exception missing && S3Failures.IsMissing(missing))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        try
        {
            return await FindConditionalPutAsync(cancellationToken).ConfigureAwait(false)
                ? await UploadOf(key).PutAsync(content, ifAbsent: true, writer: Guid.NewGuid().ToString("N"), IsKept(key), cancellationToken).ConfigureAwait(false)
                : await _claims.PutAsync(key, content, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException and not ArgumentException)
        {
            throw S3Failures.From(exception, Location, true, $"writing '{key}'");
        }
    }

    /// <inheritdoc/>
    public Task FlushAsync(string prefix, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        GuardAsync(true, $"deleting '{key}'", token => Client.DeleteObjectAsync(Bucket, _prefix + key, token), cancellationToken);

    /// <inheritdoc/>
    public Task<StoreExposure> FindExposureAsync(CancellationToken cancellationToken) => S3Exposure.FindAsync(Client, Bucket, cancellationToken);

    /// <inheritdoc/>
    public bool IsLocking => _options.Retention(DateTimeOffset.UtcNow) is not null;

    /// <inheritdoc/>
    public async Task<string?> FindLockProblemAsync(CancellationToken cancellationToken)
    {
        foreach (StoredObject earlier in await ListAsync(LockProbes, cancellationToken).ConfigureAwait(false))
            await IsDeletedAsync(earlier.Key, null, cancellationToken).ConfigureAwait(false);
        string key = $"{LockProbes}{Guid.NewGuid():N}";
        var request = new PutObjectRequest
        {
            BucketName = Bucket, Key = _prefix + key, ContentBody = "This object is locked for a minute, to show that the lock holds.\n", UseChunkEncoding = false,
            ObjectLockMode = _options.RetainMode, ObjectLockRetainUntilDate = DateTime.UtcNow + s_probeLock,
        };
        PutObjectResponse put;
        try
        {
            put = await GuardAsync(true, "locking an object", token => Client.PutObjectAsync(request, token), cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.BadRequest } refused)
        {
            return $"the bucket locks nothing ({refused.Message.TrimEnd('.')})";
        }

        return await IsDeletedAsync(key, put.VersionId, cancellationToken).ConfigureAwait(false) ? "an object that was locked for a minute could be deleted at once" : null;
    }

    private async Task<bool> IsDeletedAsync(string key, string? version, CancellationToken cancellationToken)
    {
        try
        {
            await GuardAsync(true, $"deleting '{key}'", token => Client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = Bucket, Key = _prefix + key, VersionId = version }, token), cancellationToken)
                .ConfigureAwait(false);
            return true;
        }
        catch (BackupException failure) when (failure.InnerException is AmazonS3Exception { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.BadRequest })
        {
            return false;
        }
    }

    // Leases, claims, holds and records of tests come and go; what a restore needs is kept.
    private static bool IsKept(string key) => key.EndsWith("/" + RepositoryKeys.Manifest, StringComparison.Ordinal);

    private S3Upload UploadOf(string key) => new(Client, Bucket, _prefix + key, _options, _calls);

    private async Task<bool> ExistsAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            await GuardAsync(true, $"looking for '{key}'", token => Client.GetObjectMetadataAsync(Bucket, _prefix + key, token), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (BackupException failure) when (failure.InnerException is AmazonS3Exception missing && S3Failures.IsMissing(missing))
        {
            return false;
        }
    }

    // The probe stays: where it is, one refused put tells that the server refuses.
    private async Task<bool> FindConditionalPutAsync(CancellationToken cancellationToken)
    {
        if (s_conditional.TryGetValue(Location, out bool known))
            return known;
        bool isNative;
        try
        {
            byte[] content = "This object shows if the server puts an object only if its key is free (If-None-Match).\n"u8.ToArray();
            isNative = !await UploadOf(Probe).PutAsync(content, ifAbsent: true, writer: null, isKept: false, cancellationToken).ConfigureAwait(false)
                || !await UploadOf(Probe).PutAsync(content, ifAbsent: true, writer: null, isKept: false, cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception exception) when (S3Failures.IsUnsupported(exception))
        {
            isNative = false;
        }

        return s_conditional[Location] = isNative;
    }

    private Task<GetObjectResponse> GetAsync(string key, long offset, long? length, string? etag, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest { BucketName = Bucket, Key = _prefix + key, EtagToMatch = etag };
        if (offset > 0 || length is not null)
            request.ByteRange = new ByteRange(offset, length is { } limit ? offset + limit - 1 : long.MaxValue - 1);
        return Client.GetObjectAsync(request, cancellationToken);
    }

    private async Task<T> GuardAsync<T>(bool writes, string action, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await _calls.RunAsync(S3Calls.TimeoutFor(0), (_, token) => call(token), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw S3Failures.From(exception, Location, writes, action);
        }
    }
}
