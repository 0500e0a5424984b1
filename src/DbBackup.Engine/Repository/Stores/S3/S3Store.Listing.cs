using Amazon.S3.Model;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <content>Lists page by page, and a great repository source by source at once.</content>
internal sealed partial class S3Store
{
    private const int ListingsAtOnce = 16;

    /// <summary>How many objects a listing asks for at once.</summary>
    internal int PageSize { get; init; } = 1000;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        var found = new List<StoredObject>();
        string? next = await ReadPageAsync(prefix, null, found, cancellationToken).ConfigureAwait(false);
        if (next is not null && prefix.Length == 0 && AreSourcesLarge(found) && await TryListBySourceAsync(cancellationToken).ConfigureAwait(false) is { } all)
            return all;
        while (next is not null)
            next = await ReadPageAsync(prefix, next, found, cancellationToken).ConfigureAwait(false);
        return found;
    }

    // Each page needs the token of the one before it, and a bucket far away takes a tenth of a second for each. Sources can be asked for at once,
    // which pays if their objects fill the pages somewhat.
    private bool AreSourcesLarge(List<StoredObject> firstPage) =>
        firstPage.Select(each => each.Key.Split('/', 2)[0]).Distinct(StringComparer.Ordinal).Count() * ListingsAtOnce <= PageSize;

    // Null for what a server does not understand that knows no delimiter.
    private async Task<IReadOnlyList<StoredObject>?> TryListBySourceAsync(CancellationToken cancellationToken)
    {
        var found = new List<StoredObject>();
        var sources = new List<string>();
        string? next = null;
        do
        {
            next = await ReadPageAsync(string.Empty, next, found, cancellationToken, sources).ConfigureAwait(false);
            if (found.Exists(each => each.Key.Contains('/', StringComparison.Ordinal)))
                return null;
        }
        while (next is not null);
        var parts = new IReadOnlyList<StoredObject>[sources.Count];
        await Parallel.ForAsync(
            0, parts.Length, new ParallelOptions { MaxDegreeOfParallelism = ListingsAtOnce, CancellationToken = cancellationToken },
            async (index, token) => parts[index] = await ListAsync(sources[index], token).ConfigureAwait(false)).ConfigureAwait(false);
        return [.. found, .. parts.SelectMany(part => part)];
    }

    // Returns the token of the next page; null after the last one.
    private async Task<string?> ReadPageAsync(string prefix, string? token, List<StoredObject> found, CancellationToken cancellationToken, List<string>? folders = null)
    {
        var request = new ListObjectsV2Request { BucketName = Bucket, Prefix = _prefix + prefix, ContinuationToken = token, MaxKeys = PageSize, Delimiter = folders is null ? null : "/" };
        ListObjectsV2Response page = await GuardAsync(false, $"listing '{prefix}'", each => Client.ListObjectsV2Async(request, each), cancellationToken).ConfigureAwait(false);
        foreach (S3Object each in page.S3Objects ?? [])
        {
            string key = each.Key[_prefix.Length..];
            // What the repository keeps for itself is asked for by its name.
            if (prefix.Length > 0 || !key.StartsWith('.'))
                found.Add(new StoredObject(key, each.Size ?? 0, each.LastModified is { } modified ? new DateTimeOffset(modified.ToUniversalTime()) : DateTimeOffset.UtcNow, each.ETag));
        }

        folders?.AddRange((page.CommonPrefixes ?? []).Select(each => each[_prefix.Length..]).Where(each => !each.StartsWith('.')));
        return page.IsTruncated == true ? page.NextContinuationToken : null;
    }
}
