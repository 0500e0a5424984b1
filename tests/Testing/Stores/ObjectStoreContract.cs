using System.Text;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Testing;

/// <summary>What every store keeps to. A new store is proved by a class that is derived from this one.</summary>
public abstract class ObjectStoreContract
{
    private static readonly CancellationToken None = CancellationToken.None;

    internal abstract IObjectStore Store { get; }

    /// <summary>How many objects come and go beside each other: fewer where each call takes long.</summary>
    protected virtual int Crowd => 200;

    [Fact]
    public async Task An_object_is_read_as_it_was_put()
    {
        Assert.True(await Store.PutAsync("app/one/backup.json", "content"u8.ToArray(), None));

        Assert.Equal("content", await TextAsync("app/one/backup.json"));
        Assert.Null(await Store.OpenAsync("app/one/other.json", 0, null, None));
        Assert.Null(await Store.OpenAsync("nothing/like/it.json", 0, null, None));
    }

    [Fact]
    public async Task A_key_that_is_taken_is_not_put_again()
    {
        Assert.True(await Store.PutAsync("app/one/backup.json", "first"u8.ToArray(), None));
        Assert.False(await Store.PutAsync("app/one/backup.json", "second"u8.ToArray(), None));

        Assert.Equal("first", await TextAsync("app/one/backup.json"));
    }

    [Fact]
    public async Task Of_many_that_put_one_key_at_once_one_succeeds_and_its_content_is_there()
    {
        bool[] put = await Task.WhenAll(Enumerable.Range(0, 16).Select(number => Task.Run(() => Store.PutAsync("leases/x.1.json", Encoding.UTF8.GetBytes($"{number}"), None))));

        int winner = Array.IndexOf(put, true);
        Assert.Single(put, true);
        Assert.Equal($"{winner}", await TextAsync("leases/x.1.json"));
        Assert.Equal("leases/x.1.json", Assert.Single(await Store.ListAsync("leases/", None)).Key);
    }

    [Theory]
    [InlineData(0, null, "0123456789")]
    [InlineData(3, null, "3456789")]
    [InlineData(3, 4, "3456")]
    [InlineData(9, 1, "9")]
    [InlineData(8, 100, "89")]
    [InlineData(10, 1, "")]
    public async Task A_range_is_read_alone(long offset, int? length, string expected)
    {
        await Store.PutAsync("a/b/c", "0123456789"u8.ToArray(), None);

        await using Stream stream = (await Store.OpenAsync("a/b/c", offset, length, None))!;
        using var reader = new StreamReader(stream);
        Assert.Equal(expected, await reader.ReadToEndAsync());
    }

    [Fact]
    public async Task What_is_written_is_whole_or_not_there()
    {
        byte[] content = new byte[3_000_000];
        new Random(1).NextBytes(content);
        await Store.WriteAsync("app/one/app.db", async stream =>
        {
            for (int at = 0; at < content.Length; at += 100_000)
                await stream.WriteAsync(content.AsMemory(at, 100_000));
        }, None);
        await Store.FlushAsync("app/one/", None);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Store.WriteAsync("app/one/other", async stream =>
        {
            await stream.WriteAsync(content);
            throw new InvalidOperationException();
        }, None));

        Assert.Equal(content, await Store.ReadAsync("app/one/app.db", None));
        StoredObject stored = Assert.Single(await Store.ListAsync("app/", None));
        Assert.Equal(("app/one/app.db", content.Length), (stored.Key, stored.Size));
        Assert.InRange(DateTimeOffset.UtcNow - stored.Modified, TimeSpan.FromMinutes(-1), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_listing_has_what_is_below_its_prefix_and_nothing_else()
    {
        foreach (string key in (string[])["app/one/backup.json", "app/one/tests/1.json", "app/two/backup.json", "app2/one/backup.json", ".dbbackup/leases/x.json", "repository.json"])
            await Store.PutAsync(key, "x"u8.ToArray(), None);

        Assert.Equal(["app/one/backup.json", "app/one/tests/1.json", "app/two/backup.json"], await KeysAsync("app/"));
        Assert.Equal(["app/one/backup.json", "app/one/tests/1.json"], await KeysAsync("app/one/"));
        Assert.Equal([".dbbackup/leases/x.json"], await KeysAsync(".dbbackup/leases/"));
        Assert.Equal(5, (await KeysAsync(string.Empty)).Count(key => key[0] != '.'));
        Assert.Empty(await KeysAsync("nothing/"));
    }

    [Fact]
    public async Task A_deleted_object_is_gone_and_its_key_is_free()
    {
        await Store.PutAsync("app/one/backup.json", "x"u8.ToArray(), None);
        await Store.DeleteAsync("app/one/backup.json", None);
        await Store.DeleteAsync("app/one/backup.json", None);
        await Store.DeleteAsync("app/never/backup.json", None);
        await Store.FlushAsync("app/one/", None);

        Assert.Empty(await Store.ListAsync(string.Empty, None));
        Assert.True(await Store.PutAsync("app/one/backup.json", "again"u8.ToArray(), None));
    }

    [Fact]
    public async Task Objects_come_and_go_beside_each_other()
    {
        await Parallel.ForAsync(0, Crowd, async (number, token) =>
        {
            string key = $"app/{number % 3}/{number}";
            Assert.True(await Store.PutAsync(key, "x"u8.ToArray(), token));
            await Store.DeleteAsync(key, token);
        });

        Assert.Empty(await Store.ListAsync("app/", None));
    }

    [Fact]
    public async Task Names_of_all_languages_are_kept()
    {
        const string key = "Übergröße 日本/100% #1; it's (before) the v2, + more/🎉.json";
        await Store.PutAsync(key, "x"u8.ToArray(), None);

        Assert.Equal(key, Assert.Single(await KeysAsync(string.Empty)));
        Assert.Equal("x", await TextAsync(key));
    }

    [Fact]
    public async Task Patterns_find_each_key_once()
    {
        foreach (string key in (string[])["repository.json", "app/one/backup.json", "app/one/app.db", "app/one/tests/1.json", "app/two/backup.json", "web/one/backup.json", "kept/1.json", ".dbbackup/one/backup.json", "app/.hidden/backup.json"])
            await Store.PutAsync(key, "x"u8.ToArray(), None);

        Assert.Equal(["app/one/backup.json", "app/two/backup.json", "web/one/backup.json"], await FoundAsync(new KeyPattern("*", "*", "backup.json")));
        Assert.Equal(["app/one/backup.json", "app/one/tests/1.json", "app/two/backup.json"], await FoundAsync(new("app", "*", "backup.json"), new("app", "*", "tests", "*")));
        Assert.Equal(["app/one/app.db", "app/one/backup.json", "kept/1.json"], await FoundAsync(new("app", "one", "*"), new("kept", "*")));
        Assert.Empty(await FoundAsync(new KeyPattern("nothing", "*", "like", "*")));
        // Not one without an object, where few are expected.
        Assert.Equal(["app/one/app.db"], (await Store.FindAsync([new("*", "*", "app.db") { IsRare = true }], None)).Select(each => each.Key));
    }

    // A key that ends in a literal name may be found without an object.
    private async Task<List<string>> FoundAsync(params KeyPattern[] patterns)
    {
        var found = new List<string>();
        foreach ((string key, _) in await Store.FindAsync(patterns, None))
        {
            if (await Store.ReadAsync(key, None) is not null)
                found.Add(key);
        }

        return [.. found.Order(StringComparer.Ordinal)];
    }

    private async Task<List<string>> KeysAsync(string prefix) =>
        [.. (await Store.ListAsync(prefix, None)).Select(each => each.Key).Order(StringComparer.Ordinal)];

    private async Task<string> TextAsync(string key) => Encoding.UTF8.GetString((await Store.ReadAsync(key, None))!);
}
