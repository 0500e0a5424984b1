using System.Net;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Sas;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>Azure Blob Storage against Azurite.</summary>
[Trait("Category", "Tool")]
public sealed class AzureStoreTests : ObjectStoreContract, IClassFixture<AzuriteServer>
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly AzuriteServer _server;
    private readonly string _prefix = $"fleet/{Guid.NewGuid():N}";

    public AzureStoreTests(AzuriteServer server)
    {
        _server = server;
        Store = server.Open(_prefix);
    }

    internal override IObjectStore Store { get; }

    [Fact]
    public async Task A_large_object_goes_up_in_blocks_and_its_key_is_not_taken_before_all_are_there()
    {
        byte[] content = Random(50_000_000);
        await Store.WriteAsync("app/one/large", async stream =>
        {
            await stream.WriteAsync(content);
            Assert.Empty(await Store.ListAsync("app/", None));
        }, None);

        Assert.Equal(content, await Store.ReadAsync("app/one/large", None));
        BlockBlobClient blob = _server.Service.GetBlobContainerClient(_server.Container).GetBlockBlobClient($"{_prefix}/app/one/large");
        BlockList blocks = await blob.GetBlockListAsync(BlockListTypes.All, cancellationToken: None);
        Assert.Equal((6, 0), (blocks.CommittedBlocks.Count(), blocks.UncommittedBlocks.Count()));
    }

    [Fact]
    public async Task A_container_that_everybody_may_read_is_told()
    {
        var store = (IExposedStore)Store;
        Assert.Equal((0, 0), ((await store.FindExposureAsync(None)).Problems.Count, (await store.FindExposureAsync(None)).NotChecked.Count));
        await _server.Service.GetBlobContainerClient("open").CreateAsync(PublicAccessType.BlobContainer, cancellationToken: None);
        StoreExposure open = await ((IExposedStore)_server.Open("prefix", "open")).FindExposureAsync(None);
        Assert.Contains("everybody read its blobs, and list them", Assert.Single(open.Problems), StringComparison.Ordinal);
        Assert.Equal("its public access", Assert.Single((await ((IExposedStore)_server.Open("prefix", "missing")).FindExposureAsync(None)).NotChecked));
    }

    [Fact]
    public async Task Blocks_of_a_run_that_died_are_no_object_and_do_not_harm_the_next()
    {
        BlockBlobClient blob = _server.Service.GetBlobContainerClient(_server.Container).GetBlockBlobClient($"{_prefix}/app/one/large");
        await blob.StageBlockAsync(Convert.ToBase64String(new byte[20]), new MemoryStream(Random(1000)), cancellationToken: None);
        Assert.Empty(await Store.ListAsync(string.Empty, None));

        byte[] content = Random(20_000_000);
        await Store.WriteAsync("app/one/large", stream => stream.WriteAsync(content).AsTask(), None);

        Assert.Equal(content, await Store.ReadAsync("app/one/large", None));
    }

    [Fact]
    public async Task Connections_that_are_cut_in_the_middle_cost_neither_an_upload_nor_a_download()
    {
        using var cuts = new CutConnections(_server.Port);
        StoreAddress address = StoreAddress.Parse($"{_server.Address(_prefix).Text.Split('?')[0]}?endpoint=http://127.0.0.1:{cuts.Port}/{_server.Account}", StoreKind.All["azblob"].Options);
        StoreLogins.Remember(address, new NetworkCredential(_server.Account, _server.Key));
        IObjectStore store = StoreKind.All["azblob"].Open(address);
        byte[] content = Random(60_000_000);
        int cut = 0;
        await store.WriteAsync("large", async stream =>
        {
            await stream.WriteAsync(content.AsMemory(0, 40_000_000));
            cut += cuts.Cut();
            await stream.WriteAsync(content.AsMemory(40_000_000));
            cut += cuts.Cut();
        }, None);
        Assert.True(cut > 0, "There was no connection to cut.");
        byte[] back = new byte[content.Length];
        await using Stream download = (await store.OpenAsync("large", 0, null, None))!;
        await download.ReadExactlyAsync(back.AsMemory(0, 1_000_000));
        Assert.True(cuts.Cut() > 0, "There was no connection to cut.");
        await download.ReadExactlyAsync(back.AsMemory(1_000_000));

        Assert.Equal(content, back);
    }

    [Fact]
    public async Task A_listing_has_all_pages_and_versions_that_change()
    {
        BlobContainerClient container = _server.Service.GetBlobContainerClient(_server.Container);
        await Parallel.ForAsync(0, 60, async (number, token) => await container.UploadBlobAsync($"{_prefix}/a/{number}/backup.json", new BinaryData("x"), token));
        IReadOnlyList<StoredKey> found = await Store.FindAsync([new KeyPattern("*", "*", "backup.json")], None);
        Assert.Equal(60, found.Count);
        Assert.All(found, each => Assert.NotNull(each.Version));
        string before = found.Single(each => each.Key == "a/7/backup.json").Version!;
        await Store.DeleteAsync("a/7/backup.json", None);
        await Store.PutAsync("a/7/backup.json", "x"u8.ToArray(), None);

        Assert.NotEqual(before, (await Store.FindAsync([new KeyPattern("a", "7", "*")], None))[0].Version);
    }

    [Fact]
    public async Task A_token_is_a_login_too_and_one_without_the_right_to_write_is_said_to_lack_it()
    {
        var sas = new BlobSasBuilder(BlobContainerSasPermissions.Read | BlobContainerSasPermissions.List, DateTimeOffset.UtcNow.AddHours(1)) { BlobContainerName = _server.Container, Resource = "c" };
        string token = sas.ToSasQueryParameters(new StorageSharedKeyCredential(_server.Account, _server.Key)).ToString();
        await Store.PutAsync("a/b", "x"u8.ToArray(), None);
        StoreLogins.Remember(_server.Address(_prefix), new NetworkCredential(_server.Account, token));
        IObjectStore reader = StoreKind.All["azblob"].Open(_server.Address(_prefix));

        Assert.Equal("x"u8.ToArray(), await reader.ReadAsync("a/b", None));
        Assert.Single(await reader.ListAsync(string.Empty, None));
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => reader.PutAsync("a/c", "x"u8.ToArray(), None));
        Assert.Equal(ErrorCodes.RepositoryNotWritable, failure.Code);
        Assert.DoesNotContain("sig=", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_key_a_missing_container_and_no_server_are_each_said()
    {
        StoreLogins.Remember(_server.Address(_prefix), new NetworkCredential(_server.Account, Convert.ToBase64String(new byte[64])));
        BackupException wrong = await Assert.ThrowsAnyAsync<BackupException>(() => StoreKind.All["azblob"].Open(_server.Address(_prefix)).ListAsync(string.Empty, None));
        Assert.Equal(ErrorCodes.AuthenticationFailed, wrong.Code);
        StoreLogins.Remember(_server.Address(_prefix), new NetworkCredential(_server.Account, "no key at all"));
        BackupException none = await Assert.ThrowsAnyAsync<BackupException>(() => StoreKind.All["azblob"].Open(_server.Address(_prefix)).ListAsync(string.Empty, None));
        Assert.Equal(ErrorCodes.AuthenticationFailed, none.Code);
        Assert.DoesNotContain("no key at all", none.ToString(), StringComparison.Ordinal);

        IObjectStore missing = _server.Open("x", "missing");
        Assert.False((await missing.ReadPropertiesAsync(None)).Exists);
        Assert.Equal(ErrorCodes.RepositoryNotFound, (await Assert.ThrowsAnyAsync<BackupException>(() => missing.PutAsync("a/b", "x"u8.ToArray(), None))).Code);
        Assert.Equal(ErrorCodes.RepositoryNotFound, (await Assert.ThrowsAnyAsync<BackupException>(() => missing.ListAsync(string.Empty, None))).Code);

        StoreAddress away = StoreAddress.Parse($"azblob://{_server.Account}/x?endpoint=http://127.0.0.1:1/x", StoreKind.All["azblob"].Options);
        StoreLogins.Remember(away, new NetworkCredential(_server.Account, _server.Key));
        Assert.Equal(ErrorCodes.ServerUnreachable, (await Assert.ThrowsAnyAsync<BackupException>(() => StoreKind.All["azblob"].Open(away).ListAsync(string.Empty, None))).Code);
    }

    private static byte[] Random(int count)
    {
        byte[] bytes = new byte[count];
        new Random(3).NextBytes(bytes);
        return bytes;
    }
}
