using System.Net;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.Azure;

/// <summary>
/// A store in a container of Azure Blob Storage. Large objects are staged as blocks, several at once, and become an object by one commit; blocks
/// that were never committed are no object, and the service drops them after a week. Each upload carries an MD5 that the service checks.
/// </summary>
internal sealed partial class AzureStore : IResumingStore
{
    private static readonly PartSizes s_parts = new();
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(5);
    private static readonly UploadTransferValidationOptions s_checked = new() { ChecksumAlgorithm = StorageChecksumAlgorithm.MD5 };

    private readonly StoreAddress _address;
    private readonly AzurePlace _place;
    private readonly RemoteRetries _retries;
    private readonly Lazy<BlobContainerClient> _container;
    private volatile bool _hasAnswered;

    /// <summary>Creates the store; touches nothing.</summary>
    /// <param name="address">The account, the container and the prefix.</param>
    /// <exception cref="BackupException">The location names no container.</exception>
    public AzureStore(StoreAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        _address = address;
        _place = AzurePlace.Of(address);
        Location = address.Text;
        // A name that was never reached is mistyped more often than away.
        _retries = new RemoteRetries(exception => AzureFailures.IsTransient(exception) && (_hasAnswered || !AzureFailures.IsConnectionRefused(exception)));
        _container = new Lazy<BlobContainerClient>(() =>
        {
            // All that is used is older; emulators and Azure Stack know no newer one.
            var options = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2021_12_02);
            // Repeated here, with the patience of all remote stores.
            options.Retry.MaxRetries = 0;
            options.Retry.NetworkTimeout = s_long;
            options.Diagnostics.IsLoggingEnabled = false;
            options.Diagnostics.IsTelemetryEnabled = false;
            return AzureLogin.Open(_place, StoreLogins.Find(_address), options);
        });
    }

    /// <summary>The options that a location may have.</summary>
    public static IReadOnlyList<string> Options { get; } = ["endpoint"];

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public string? LocalFolder => null;

    /// <inheritdoc/>
    public string Locate(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return (_address with { Path = $"{_address.Path}/{key.Trim('/')}".Trim('/'), Options = new Dictionary<string, string>() }).Text;
    }

    /// <inheritdoc/>
    public Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken) => RunAsync("reading the container's properties", writes: false, s_short, async (container, _, token) =>
    {
        try
        {
            // A listing of one name: a token of a container allows no question about the container itself.
            await foreach (Page<BlobItem> page in container.GetBlobsAsync(BlobTraits.None, BlobStates.None, _place.Prefix, token).AsPages(pageSizeHint: 1).ConfigureAwait(false))
                break;
            return new StoreProperties(true, null);
        }
        catch (RequestFailedException exception) when (exception.ErrorCode == BlobErrorCode.ContainerNotFound)
        {
            return new StoreProperties(false, null);
        }
    }, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken) => RunAsync<IReadOnlyList<StoredObject>>($"listing '{prefix}'", writes: false, s_long, async (container, _, token) =>
    {
        var found = new List<StoredObject>();
        await foreach (BlobItem blob in container.GetBlobsAsync(BlobTraits.None, BlobStates.None, _place.Prefix + prefix, token).ConfigureAwait(false))
        {
            // Where the account has folders (hierarchical namespace), they are listed as empty objects.
            if (blob.Properties.ContentLength is { } size && blob.Properties.ETag is { } version && blob.Properties.LastModified is { } modified)
                found.Add(new StoredObject(blob.Name[_place.Prefix.Length..], size, modified, version.ToString()));
        }

        return found;
    }, cancellationToken);

    /// <inheritdoc/>
    public async Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken)
    {
        string action = $"reading '{key}'";
        (long Size, ETag Version)? blob = await RunAsync<(long, ETag)?>(action, writes: false, s_short, async (container, _, token) =>
        {
            try
            {
                BlobProperties properties = await BlobOf(container, key).GetPropertiesAsync(cancellationToken: token).ConfigureAwait(false);
                return (properties.ContentLength, properties.ETag);
            }
            catch (RequestFailedException exception) when (exception.Status == (int)HttpStatusCode.NotFound)
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
        if (blob is not { } found)
            return null;
        long left = Math.Max(0, Math.Min(length ?? long.MaxValue, found.Size - offset));
        return new ResumingStream(null, offset, left, OpenAtAsync, _retries, s_short, exception => AzureFailures.From(exception, Location, writes: false, action));

        async Task<Stream> OpenAtAsync(long at, CancellationToken token)
        {
            // Never the rest of another version.
            var options = new BlobDownloadOptions { Range = new HttpRange(at, offset + left - at), Conditions = new BlobRequestConditions { IfMatch = found.Version } };
            BlobDownloadStreamingResult answer = await BlobOf(_container.Value, key).DownloadStreamingAsync(options, token).ConfigureAwait(false);
            return answer.Content;
        }
    }

    /// <inheritdoc/>
    public Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken) =>
        RunAsync($"reading '{key}'", writes: false, s_long, (container, _, token) => ReadAsync(container, key, token), cancellationToken);

    /// <inheritdoc/>
    public Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => RunAsync($"writing '{key}'", writes: true, s_long, async (container, attempt, token) =>
    {
        try
        {
            await UploadAsync(container, key, content, new BlobRequestConditions { IfNoneMatch = ETag.All }, token).ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException exception) when (IsTaken(exception))
        {
            // An attempt before this one may have been carried out without an answer.
            return attempt > 0 && await ReadAsync(container, key, token).ConfigureAwait(false) is { } there && there.AsSpan().SequenceEqual(content.Span);
        }
    }, cancellationToken);

    /// <summary>Does nothing: what the service has answered is durable.</summary>
    public Task FlushAsync(string prefix, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) => RunAsync<bool>($"deleting '{key}'", writes: true, s_short, async (container, _, token) =>
        await BlobOf(container, key).DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: token).ConfigureAwait(false), cancellationToken);

    private static bool IsTaken(RequestFailedException exception) =>
        exception.Status == (int)HttpStatusCode.PreconditionFailed || exception.ErrorCode == BlobErrorCode.BlobAlreadyExists || exception.ErrorCode == BlobErrorCode.ConditionNotMet;

    private BlockBlobClient BlobOf(BlobContainerClient container, string key)
    {
        foreach (Range name in key.AsSpan().Split('/'))
        {
            if (key.AsSpan(name) is "." or "..")
                throw new ArgumentException($"'{key}' is not a key of this store.", nameof(key));
        }

        return container.GetBlockBlobClient(_place.Prefix + key);
    }

    private async Task UploadAsync(BlobContainerClient container, string key, ReadOnlyMemory<byte> content, BlobRequestConditions? conditions, CancellationToken cancellationToken)
    {
        using var stream = new ReadOnlyMemoryStream(content);
        var options = new BlobUploadOptions { Conditions = conditions, TransferValidation = s_checked };
        await BlobOf(container, key).UploadAsync(stream, options, cancellationToken).ConfigureAwait(false);
    }

    private async Task<byte[]?> ReadAsync(BlobContainerClient container, string key, CancellationToken cancellationToken)
    {
        try
        {
            using BlobDownloadStreamingResult answer = await BlobOf(container, key).DownloadStreamingAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
            long size = answer.Details.ContentLength;
            if (size > StoredObject.LargestSmall)
                throw DirectoryFailures.TooLarge(Locate(key), size);
            byte[] content = new byte[size];
            await answer.Content.ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
            return content;
        }
        catch (RequestFailedException exception) when (exception.Status == (int)HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private async Task<T> RunAsync<T>(string action, bool writes, TimeSpan timeout, Func<BlobContainerClient, int, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await _retries.RunAsync(timeout, async (attempt, token) =>
            {
                try
                {
                    T result = await call(_container.Value, attempt, token).ConfigureAwait(false);
                    _hasAnswered = true;
                    return result;
                }
                catch (RequestFailedException exception) when (exception.Status > 0)
                {
                    _hasAnswered = true;
                    throw;
                }
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RequestFailedException or IOException or HttpRequestException or TimeoutException or global::Azure.Identity.AuthenticationFailedException or AggregateException)
        {
            throw AzureFailures.From(exception, Location, writes, action);
        }
    }

    // The client wants a stream that it can begin again.
    private sealed class ReadOnlyMemoryStream(ReadOnlyMemory<byte> content) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => content.Length;

        public override long Position
        {
            get => _at;
            set => _at = (int)value;
        }

        public override int Read(Span<byte> buffer)
        {
            int read = Math.Min(buffer.Length, content.Length - _at);
            content.Span.Slice(_at, read).CopyTo(buffer);
            _at += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.FromResult(Read(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer.AsSpan(offset, count)));

        public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => _at + offset,
            _ => content.Length + offset,
        };

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
