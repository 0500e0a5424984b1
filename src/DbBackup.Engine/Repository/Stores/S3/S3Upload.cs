using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Hashing;
using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <summary>
/// The upload of one object: in one request if it is small, else in parts. Each request carries a CRC-32 that the server compares; what it
/// answers is compared again, so that a server that knows no checksums is found out by its MD5.
/// </summary>
internal sealed class S3Upload(AmazonS3Client client, string bucket, string objectKey, S3Options options, S3Calls calls)
{
    private readonly ConcurrentDictionary<int, PartETag> _parts = new();
    private readonly Lock _beginning = new();
    private readonly Dictionary<int, PartDetail> _earlier = [];
    private Task<string>? _begun;
    private string? _uploadId;

    /// <summary>True if the server may have begun an upload whose answer was lost.</summary>
    public bool MayHaveLeftOne { get; private set; }

    /// <summary>Goes on with the newest upload of this object that was begun and neither completed nor aborted, if the server lists such.</summary>
    /// <returns>How many bytes of it are there without a gap.</returns>
    public async Task<long> FindEarlierAsync(PartSizes sizes, CancellationToken cancellationToken)
    {
        try
        {
            if (await FindNewestAsync(cancellationToken).ConfigureAwait(false) is not { } uploadId)
                return 0;
            string? marker = null;
            ListPartsResponse page;
            do
            {
                var request = new ListPartsRequest { BucketName = bucket, Key = objectKey, UploadId = uploadId, PartNumberMarker = marker };
                page = await calls.RunAsync(S3Calls.TimeoutFor(0), (_, token) => client.ListPartsAsync(request, token), cancellationToken).ConfigureAwait(false);
                foreach (PartDetail part in page.Parts ?? [])
                    _earlier[part.PartNumber ?? 0] = part;
                marker = page.NextPartNumberMarker?.ToString(System.Globalization.CultureInfo.InvariantCulture);
            }
            while (page.IsTruncated == true);
            _begun = Task.FromResult(uploadId);
        }
        catch (AmazonS3Exception exception) when (S3Failures.IsUnsupported(exception) || S3Failures.IsMissing(exception))
        {
            // It begins again.
            return 0;
        }

        long arrived = 0;
        for (int number = 1; _earlier.TryGetValue(number, out PartDetail? part) && part.Size == sizes.SizeOf(number); number++)
            arrived += sizes.SizeOf(number);
        return arrived;
    }

    private async Task<string?> FindNewestAsync(CancellationToken cancellationToken)
    {
        MultipartUpload? newest = null;
        string? keyMarker = null, idMarker = null;
        ListMultipartUploadsResponse page;
        do
        {
            var request = new ListMultipartUploadsRequest { BucketName = bucket, Prefix = objectKey, KeyMarker = keyMarker, UploadIdMarker = idMarker };
            page = await calls.RunAsync(S3Calls.TimeoutFor(0), (_, token) => client.ListMultipartUploadsAsync(request, token), cancellationToken).ConfigureAwait(false);
            foreach (MultipartUpload each in (page.MultipartUploads ?? []).Where(each => each.Key == objectKey))
                newest = newest is null || each.Initiated >= newest.Initiated ? each : newest;
            (keyMarker, idMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
        while (page.IsTruncated == true);
        return newest?.UploadId;
    }

    /// <summary>Uploads a part, unless it is there from an earlier upload.</summary>
    public async Task SendAsync(UploadPart part, CancellationToken cancellationToken)
    {
        if (part is { IsLast: true, Number: 1 })
        {
            await PutAsync(part.Content, ifAbsent: false, writer: null, isKept: true, cancellationToken).ConfigureAwait(false);
            return;
        }

        string uploadId = await BeginAsync(cancellationToken).ConfigureAwait(false);
        string checksum = Crc32Of(part.Content.Span);
        if (_earlier.TryGetValue(part.Number, out PartDetail? there) && IsThere(part.Content, checksum, there))
        {
            _parts[part.Number] = new PartETag { PartNumber = part.Number, ETag = there.ETag, ChecksumCRC32 = there.ChecksumCRC32 };
            return;
        }

        _parts[part.Number] = await calls.RunAsync(
            S3Calls.TimeoutFor(part.Content.Length),
            async (_, token) =>
            {
                using Stream content = ReadOnly(part.Content);
                UploadPartResponse response = await client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = bucket, Key = objectKey, UploadId = uploadId, PartNumber = part.Number, InputStream = content, PartSize = part.Content.Length,
                        UseChunkEncoding = false, DisablePayloadSigning = calls.IsEncrypted, ChecksumAlgorithm = ChecksumAlgorithm.CRC32, ChecksumCRC32 = checksum,
                    },
                    token).ConfigureAwait(false);
                RequireArrived(part.Content, checksum, response.ChecksumCRC32, response.ETag, response.ServerSideEncryptionMethod);
                return new PartETag { PartNumber = part.Number, ETag = response.ETag, ChecksumCRC32 = response.ChecksumCRC32 };
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts the parts together.</summary>
    public async Task CompleteAsync(long length, CancellationToken cancellationToken)
    {
        if (_uploadId is null)
            return;
        await calls.RunAsync(
            S3Calls.TimeoutFor(0) * 4,
            async (attempt, token) =>
            {
                try
                {
                    await client.CompleteMultipartUploadAsync(
                        new CompleteMultipartUploadRequest { BucketName = bucket, Key = objectKey, UploadId = _uploadId, PartETags = [.. _parts.OrderBy(part => part.Key).Select(part => part.Value)] }, token).ConfigureAwait(false);
                }
                catch (AmazonS3Exception exception) when (attempt > 0 && S3Failures.IsMissing(exception))
                {
                    // The attempt before may have been carried out, and its answer lost.
                    GetObjectMetadataResponse there = await client.GetObjectMetadataAsync(bucket, objectKey, token).ConfigureAwait(false);
                    if (there.ContentLength != length)
                        throw;
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Has the server forget the parts; throws nothing, since the next run's sweep does the same.</summary>
    public async Task AbortAsync()
    {
        if (_uploadId is null)
            return;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await client.AbortMultipartUploadAsync(bucket, objectKey, _uploadId, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is Amazon.Runtime.AmazonClientException or Amazon.Runtime.AmazonServiceException or OperationCanceledException or HttpRequestException or IOException)
        {
            // Not to hide why it was given up.
        }
    }

    /// <summary>Puts it whole.</summary>
    /// <param name="content">Its bytes.</param>
    /// <param name="ifAbsent">True if a taken key is left alone, by the server's own means.</param>
    /// <param name="writer">What tells this put from others; kept with the object.</param>
    /// <param name="isKept">True if object lock applies to it.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>False if the key is taken.</returns>
    public Task<bool> PutAsync(ReadOnlyMemory<byte> content, bool ifAbsent, string? writer, bool isKept, CancellationToken cancellationToken)
    {
        string checksum = Crc32Of(content.Span);
        return calls.RunAsync(
            S3Calls.TimeoutFor(content.Length),
            async (attempt, token) =>
            {
                using Stream stream = ReadOnly(content);
                var request = new PutObjectRequest
                {
                    BucketName = bucket, Key = objectKey, InputStream = stream, AutoCloseStream = false, UseChunkEncoding = false, DisablePayloadSigning = calls.IsEncrypted,
                    ChecksumAlgorithm = ChecksumAlgorithm.CRC32, ChecksumCRC32 = checksum, IfNoneMatch = ifAbsent ? "*" : null,
                };
                if (writer is not null)
                    request.Metadata["writer"] = writer;
                if (isKept && options.Retention(DateTimeOffset.UtcNow) is { } until)
                {
                    request.ObjectLockMode = options.RetainMode;
                    request.ObjectLockRetainUntilDate = until;
                }

                try
                {
                    PutObjectResponse response = await client.PutObjectAsync(request, token).ConfigureAwait(false);
                    RequireArrived(content, checksum, response.ChecksumCRC32, response.ETag, response.ServerSideEncryptionMethod);
                    return true;
                }
                catch (AmazonS3Exception exception) when (ifAbsent && exception.StatusCode == HttpStatusCode.PreconditionFailed)
                {
                    // It may be our own, put by an attempt whose answer was lost.
                    return attempt > 0 && writer is not null && await WriterAsync(token).ConfigureAwait(false) == writer;
                }
            },
            cancellationToken);
    }

    private async Task<string?> WriterAsync(CancellationToken cancellationToken)
    {
        GetObjectMetadataResponse there = await client.GetObjectMetadataAsync(bucket, objectKey, cancellationToken).ConfigureAwait(false);
        return there.Metadata?["writer"];
    }

    // Several parts are sent at once; the first of them begins the upload.
    private async Task<string> BeginAsync(CancellationToken cancellationToken)
    {
        Task<string> begun;
        lock (_beginning)
            begun = _begun ??= StartAsync(cancellationToken);
        return _uploadId = await begun.ConfigureAwait(false);
    }

    private Task<string> StartAsync(CancellationToken cancellationToken) => calls.RunAsync(
        S3Calls.TimeoutFor(0),
        async (attempt, token) =>
        {
            MayHaveLeftOne = attempt > 0;
            var request = new InitiateMultipartUploadRequest { BucketName = bucket, Key = objectKey, ChecksumAlgorithm = ChecksumAlgorithm.CRC32 };
            if (options.Retention(DateTimeOffset.UtcNow) is { } until)
            {
                request.ObjectLockMode = options.RetainMode;
                request.ObjectLockRetainUntilDate = until;
            }

            return (await client.InitiateMultipartUploadAsync(request, token).ConfigureAwait(false)).UploadId;
        },
        cancellationToken);

    private static MemoryStream ReadOnly(ReadOnlyMemory<byte> content) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(content, out ArraySegment<byte> array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(content.ToArray(), writable: false);

    private static string Crc32Of(ReadOnlySpan<byte> content)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Crc32.HashToUInt32(content));
        return Convert.ToBase64String(bytes);
    }

    private void RequireArrived(ReadOnlyMemory<byte> content, string checksum, string? answered, string? etag, ServerSideEncryptionMethod? encryption)
    {
        // Each object and part has one: without it the answer was cut off, or is none of such a server.
        if (string.IsNullOrEmpty(etag))
            throw new DamagedInTransitException($"the server has answered nothing about '{objectKey}'");
        if (answered is { Length: > 0 })
        {
            if (answered != checksum)
                throw new DamagedInTransitException($"the server has another CRC-32 of '{objectKey}' than was sent");
            return;
        }

        // The ETag is an MD5 unless the server encrypts with a key of its own.
        if ((encryption is null || encryption == ServerSideEncryptionMethod.None || encryption == ServerSideEncryptionMethod.AES256) && HasMd5(content, etag) == false)
            throw new DamagedInTransitException($"the server has another MD5 of '{objectKey}' than was sent");
    }

    // Nothing is left out for its place alone: the server says what it has there.
    private static bool IsThere(ReadOnlyMemory<byte> content, string checksum, PartDetail part) =>
        part.Size == content.Length && (part.ChecksumCRC32 is { Length: > 0 } known ? known == checksum : HasMd5(content, part.ETag) == true);

    // Null for an ETag that is no MD5.
    private static bool? HasMd5(ReadOnlyMemory<byte> content, string? etag)
    {
        string md5 = etag?.Trim('"') ?? string.Empty;
        if (md5.Length != 32 || !md5.All(char.IsAsciiHexDigit))
            return null;
#pragma warning disable CA5351 // It is what the server computes; it guards against damage, not against an attacker.
        return md5.Equals(Convert.ToHexStringLower(MD5.HashData(content.Span)), StringComparison.OrdinalIgnoreCase);
#pragma warning restore CA5351
    }
}
