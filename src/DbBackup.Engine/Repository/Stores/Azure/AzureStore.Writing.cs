using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.Azure;

/// <content>Large objects: blocks that are staged and committed, and those that never were.</content>
internal sealed partial class AzureStore
{
    private const int NameLength = 20;

    /// <inheritdoc/>
    public Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        return WriteAsync(key, (stream, _) => write(stream), null, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task WriteOnAsync(string key, Func<Stream, long, Task> write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        await WriteAsync(key, write, await FindBlocksAsync(key, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task DiscardUnfinishedAsync(string prefix, CancellationToken cancellationToken)
    {
        string action = $"discarding the unfinished uploads of '{prefix}'";
        string[] unfinished = await RunAsync(action, writes: true, s_long, async (container, _, token) =>
        {
            HashSet<string> all = [.. await NamesAsync(container, BlobStates.Uncommitted, prefix, token).ConfigureAwait(false)];
            if (all.Count > 0)
                all.ExceptWith(await NamesAsync(container, BlobStates.None, prefix, token).ConfigureAwait(false));
            return all.ToArray();
        }, cancellationToken).ConfigureAwait(false);
        foreach (string name in unfinished)
        {
            // The service has no call that drops blocks. Without a block an object takes the place of those that were never committed, and is deleted.
            await RunAsync(action, writes: true, s_short, async (container, _, token) =>
            {
                BlockBlobClient blob = container.GetBlockBlobClient(name);
                try
                {
                    await blob.CommitBlockListAsync([], new CommitBlockListOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } }, token).ConfigureAwait(false);
                }
                catch (RequestFailedException exception) when (IsTaken(exception))
                {
                    // By the attempt before this one: only the caller uses these keys.
                }

                return await blob.DeleteIfExistsAsync(cancellationToken: token).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
        }
    }

    // With the blocks of an earlier writing, what is there is replaced.
    private async Task WriteAsync(string key, Func<Stream, long, Task> write, Dictionary<string, long>? earlier, CancellationToken cancellationToken)
    {
        BlobRequestConditions? conditions = earlier is null ? new BlobRequestConditions { IfNoneMatch = ETag.All } : null;
        string action = $"writing '{key}'";
        var names = new ConcurrentDictionary<int, string>();
        bool isOnePut = false;
        var parts = new PartStream(s_parts, (part, token) => RunAsync(action, writes: true, s_long, async (container, attempt, each) =>
        {
            isOnePut = part is { Number: 1, IsLast: true };
            if (isOnePut)
            {
                await WholeAsync(container, attempt, () => UploadAsync(container, key, part.Content, conditions, each), part.Content.Length, each).ConfigureAwait(false);
                return true;
            }

            string name = names[part.Number] = BlockName(part);
            if (earlier?.TryGetValue(name, out long size) == true && size == part.Content.Length)
                return true;
            using var content = new ReadOnlyMemoryStream(part.Content);
            await BlobOf(container, key).StageBlockAsync(name, content, new BlockBlobStageBlockOptions { TransferValidation = s_checked }, each).ConfigureAwait(false);
            return true;
        }, token), cancellationToken);
        try
        {
            await using (parts.ConfigureAwait(false))
            {
                await write(parts, earlier is null ? 0 : ArrivedOf(earlier)).ConfigureAwait(false);
                int count = await parts.FinishAsync().ConfigureAwait(false);
                if (isOnePut)
                    return;
                await RunAsync(action, writes: true, s_long, async (container, attempt, token) =>
                {
                    string[] list = [.. Enumerable.Range(1, count).Select(number => names[number])];
                    var options = new CommitBlockListOptions { Conditions = conditions };
                    await WholeAsync(container, attempt, () => BlobOf(container, key).CommitBlockListAsync(list, options, token), parts.Written, token).ConfigureAwait(false);
                    return true;
                }, cancellationToken).ConfigureAwait(false);
            }
        }
        catch
        {
            await parts.StopAsync().ConfigureAwait(false);
            throw;
        }

        // Carried out by an attempt whose answer was lost, it is there: with all its bytes, for no other writes under this key.
        async Task WholeAsync(BlobContainerClient container, int attempt, Func<Task> put, long size, CancellationToken token)
        {
            try
            {
                await put().ConfigureAwait(false);
            }
            catch (RequestFailedException exception) when (attempt > 0 && IsTaken(exception))
            {
                BlobProperties there = await BlobOf(container, key).GetPropertiesAsync(cancellationToken: token).ConfigureAwait(false);
                if (there.ContentLength != size)
                    throw;
            }
        }
    }

    private Task<Dictionary<string, long>> FindBlocksAsync(string key, CancellationToken cancellationToken) => RunAsync($"writing '{key}'", writes: true, s_short, async (container, _, token) =>
    {
        try
        {
            BlockList list = await BlobOf(container, key).GetBlockListAsync(BlockListTypes.Uncommitted, cancellationToken: token).ConfigureAwait(false);
            return list.UncommittedBlocks.DistinctBy(block => block.Name).ToDictionary(block => block.Name, block => block.SizeLong, StringComparer.Ordinal);
        }
        catch (RequestFailedException exception) when (exception.ErrorCode == BlobErrorCode.BlobNotFound)
        {
            return [];
        }
    }, cancellationToken);

    private async Task<List<string>> NamesAsync(BlobContainerClient container, BlobStates states, string prefix, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        await foreach (BlobItem blob in container.GetBlobsAsync(BlobTraits.None, states, _place.Prefix + prefix, cancellationToken).ConfigureAwait(false))
            names.Add(blob.Name);
        return names;
    }

    // By its content, so that a block which is there need not be sent to be known; and by its place. All names of a blob's blocks are equally long.
    private static string BlockName(UploadPart part)
    {
        Span<byte> name = stackalloc byte[NameLength];
        SHA256.HashData(part.Content.Span).AsSpan(0, NameLength - sizeof(int)).CopyTo(name);
        BinaryPrimitives.WriteInt32BigEndian(name[^sizeof(int)..], part.Number);
        return Convert.ToBase64String(name);
    }

    private static long ArrivedOf(Dictionary<string, long> blocks)
    {
        var sizes = new Dictionary<int, long>();
        Span<byte> name = stackalloc byte[64];
        foreach ((string text, long size) in blocks)
        {
            if (Convert.TryFromBase64String(text, name, out int length) && length == NameLength)
                sizes[BinaryPrimitives.ReadInt32BigEndian(name[(NameLength - sizeof(int))..NameLength])] = size;
        }

        long arrived = 0;
        for (int number = 1; sizes.TryGetValue(number, out long size) && size == s_parts.SizeOf(number); number++)
            arrived += size;
        return arrived;
    }
}
