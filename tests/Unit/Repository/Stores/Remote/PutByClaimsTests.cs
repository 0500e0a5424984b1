using System.Collections.Concurrent;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Tests.Unit.Repository.Stores.Remote;

/// <summary>What a writer does with the claims that killed ones left: it comes after them, and does not fail for them.</summary>
public sealed class PutByClaimsTests
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private readonly ConcurrentDictionary<string, (byte[] Content, DateTimeOffset Modified)> _objects = new(StringComparer.Ordinal);
    private DateTimeOffset _now = s_start;

    [Theory]
    [InlineData("00000000000000000000000000000000")]
    [InlineData("ffffffffffffffffffffffffffffffff")]
    public async Task A_claim_of_a_dead_writer_is_waited_out(string dead)
    {
        PutByClaims puts = Open();
        Assert.True(await puts.PutAsync("other", new byte[] { 1 }, CancellationToken.None));
        string folder = await FolderOfAsync("app/one/backup.json");
        _objects[folder + dead] = ([], _now);

        Assert.True(await puts.PutAsync("app/one/backup.json", new byte[] { 2 }, CancellationToken.None));

        Assert.Equal([2], _objects["app/one/backup.json"].Content);
        Assert.True(_now - s_start > TimeSpan.FromMinutes(4), "A claim that may be a living writer's was passed over.");
        Assert.DoesNotContain(_objects.Keys, key => key.StartsWith(PutByClaims.Folder, StringComparison.Ordinal));
    }

    // The store's clock goes on with each listing.
    private PutByClaims Open(Action<string>? claimed = null) => new(
        (key, _) => Task.FromResult(_objects.ContainsKey(key)),
        (key, content, _) =>
        {
            _objects[key] = (content.ToArray(), _now);
            claimed?.Invoke(key);
            return Task.CompletedTask;
        },
        (prefix, _) =>
        {
            _now += TimeSpan.FromSeconds(10);
            return Task.FromResult<IReadOnlyList<StoredObject>>(
                [.. _objects.Where(each => each.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(each => new StoredObject(each.Key, each.Value.Content.Length, each.Value.Modified))]);
        },
        (key, token) =>
        {
            _objects.TryRemove(key, out _);
            return Task.CompletedTask;
        });

    private async Task<string> FolderOfAsync(string key)
    {
        string? folder = null;
        await Open(put => folder ??= put[..(put.LastIndexOf('/') + 1)]).PutAsync(key, Array.Empty<byte>(), CancellationToken.None);
        _objects.TryRemove(key, out _);
        _now = s_start;
        return folder!;
    }
}
