using Amazon.S3;
using Amazon.S3.Model;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <content>Large objects: uploads in parts, the ones that were cut, and what is left of them.</content>
internal sealed partial class S3Store
{
    /// <inheritdoc/>
    public Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        return WriteAsync(key, (stream, _) => write(stream), goesOn: false, cancellationToken);
    }

    /// <inheritdoc/>
    public Task WriteOnAsync(string key, Func<Stream, long, Task> write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        return WriteAsync(key, write, goesOn: true, cancellationToken);
    }

    private async Task WriteAsync(string key, Func<Stream, long, Task> write, bool goesOn, CancellationToken cancellationToken)
    {
        S3Upload upload = UploadOf(key);
        long arrived = 0;
        // An upload is locked from its beginning: one that was cut would be kept for less time than is asked for.
        if (goesOn && _options.Retention(DateTimeOffset.UtcNow) is null)
            await GuardedAsync(async () => arrived = await upload.FindEarlierAsync(_sizes, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var parts = new PartStream(_sizes, Sending, cancellationToken);
        bool isWhole = false;
        await using (parts.ConfigureAwait(false))
        {
            try
            {
                await write(parts, arrived).ConfigureAwait(false);
                await parts.FinishAsync().ConfigureAwait(false);
                await GuardedAsync(() => upload.CompleteAsync(parts.Written, cancellationToken)).ConfigureAwait(false);
                isWhole = true;
            }
            finally
            {
                if (!isWhole)
                {
                    await parts.StopAsync().ConfigureAwait(false);
                    if (!goesOn)
                        await upload.AbortAsync().ConfigureAwait(false);
                }

                if (goesOn ? isWhole : upload.MayHaveLeftOne)
                    await TryDiscardAsync(key).ConfigureAwait(false);
            }
        }

        // Translated here: what writes to the stream must not take the store's failure for its own.
        Task Sending(UploadPart part, CancellationToken token) => GuardedAsync(() => upload.SendAsync(part, token));

        async Task GuardedAsync(Func<Task> run)
        {
            try
            {
                await run().ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                throw S3Failures.From(exception, Location, true, $"writing '{key}'");
            }
        }
    }

    /// <inheritdoc/>
    public async Task DiscardUnfinishedAsync(string prefix, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        try
        {
            ListMultipartUploadsResponse page;
            string? keyMarker = null, idMarker = null;
            do
            {
                var request = new ListMultipartUploadsRequest { BucketName = Bucket, Prefix = _prefix + prefix, KeyMarker = keyMarker, UploadIdMarker = idMarker };
                page = await GuardAsync(true, $"listing the unfinished uploads of '{prefix}'", token => Client.ListMultipartUploadsAsync(request, token), cancellationToken).ConfigureAwait(false);
                foreach (MultipartUpload upload in page.MultipartUploads ?? [])
                    await GuardAsync(true, $"discarding an unfinished upload of '{prefix}'", token => Client.AbortMultipartUploadAsync(Bucket, upload.Key, upload.UploadId, token), cancellationToken).ConfigureAwait(false);
                (keyMarker, idMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
            }
            while (page.IsTruncated == true);
        }
        catch (BackupException failure) when (failure.InnerException is AmazonS3Exception exception && (S3Failures.IsUnsupported(exception) || S3Failures.IsMissing(exception)))
        {
            // Gone meanwhile; or a server that does not list them discards them by itself, if at all.
        }
    }

    private async Task TryDiscardAsync(string key)
    {
        try
        {
            await DiscardUnfinishedAsync(key, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // The object is whole, or its failure is known; the bucket's own rule for unfinished uploads discards the rest.
        }
    }
}
