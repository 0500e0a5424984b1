using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>The S3 store against a server that others have written: s3rver.</summary>
[Trait("Category", "Tool")]
public sealed class S3StoreTests : ObjectStoreContract, IDisposable
{
    private readonly S3Rver _server = new();

    public S3StoreTests() => Store = _server.Open("backups/shop");

    internal override IObjectStore Store { get; }

    // s3rver deletes the folder of an object's key once it is empty, also while another request writes there, and answers that with 500.
    protected override int Crowd => 1;

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task An_upload_in_parts_is_read_back_whole_and_in_ranges()
    {
        byte[] content = new byte[20_000_003];
        new Random(2).NextBytes(content);
        await Store.WriteAsync("app/one/app.db", async stream =>
        {
            for (int at = 0; at < content.Length; at += 1_000_000)
                await stream.WriteAsync(content.AsMemory(at, Math.Min(1_000_000, content.Length - at)));
        }, CancellationToken.None);

        Assert.Equal(content, await Store.ReadAsync("app/one/app.db", CancellationToken.None));
        await using Stream range = (await Store.OpenAsync("app/one/app.db", 12_345_678, 1_000_000, CancellationToken.None))!;
        using var read = new MemoryStream();
        await range.CopyToAsync(read);
        Assert.Equal(content.AsSpan(12_345_678, 1_000_000).ToArray(), read.ToArray());
    }

    [Fact]
    public async Task A_listing_of_more_than_a_page_is_whole()
    {
        await Parallel.ForAsync(0, 1050, async (number, token) => await Store.WriteAsync($"app/{number:0000}/backup.json", stream => stream.WriteAsync("x"u8.ToArray(), token).AsTask(), token));

        Assert.Equal(1050, (await Store.ListAsync("app/", CancellationToken.None)).Select(each => each.Key).Distinct().Count());
    }

    [Fact]
    public async Task Backups_are_made_tested_and_restored()
    {
        using var bench = new Workbench(store: _server.Open("backups/app"));
        string database = SampleDatabase.Create(bench["app.db"], rows: 2000);
        Directory.CreateDirectory(bench["uploads"]);
        await File.WriteAllTextAsync(bench["uploads/a.txt"], "a");
        string before = SampleDatabase.Content(database);
        Backup backup = await bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(database), new FolderSource(bench["uploads"])], Verify = true });
        Assert.Equal(BackupStatus.Matched, Assert.Single(await bench.ListAsync("app")).Status);

        SampleDatabase.Run(database, "DELETE FROM notes");
        await bench.RestoreAsync(backup);
        Assert.Equal(before, SampleDatabase.Content(database));
    }
}
