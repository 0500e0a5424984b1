using System.Net;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Repository.Stores.Remote;
using DbBackup.Engine.Repository.Stores.S3;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository.Stores.S3;

/// <summary>A server that has all that S3 documents.</summary>
public sealed class S3StoreTests : ObjectStoreContract, IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly S3Double _server = new();

    public S3StoreTests() => Store = _server.Open("backups/shop");

    internal override IObjectStore Store { get; }

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Keys_are_below_the_prefix_and_a_listing_has_all_pages_and_versions()
    {
        S3Store store = _server.Open("backups/shop", pageSize: 7);
        foreach (int number in Enumerable.Range(0, 30))
            await store.PutAsync($"app/{number}/backup.json", "x"u8.ToArray(), None);
        await _server.Open("backups/shop2").PutAsync("app/other/backup.json", "x"u8.ToArray(), None);

        IReadOnlyList<StoredObject> listed = await store.ListAsync("app/", None);
        Assert.Equal(30, listed.Select(each => each.Key).Distinct().Count());
        Assert.All(listed, each => Assert.NotEmpty(each.Version!));
        Assert.All(_server.Keys, key => Assert.StartsWith("backups/shop", key, StringComparison.Ordinal));
        Assert.Equal($"s3://{store.Location[5..25]}/backups/shop/app/1", store.Locate("app/1/"));
    }

    // Pages of 64 keys; sources with 40 objects are asked for at once, those with 2 page after page.
    [Theory]
    [InlineData(10, 40, false, true)]
    [InlineData(90, 2, false, false)]
    [InlineData(10, 40, true, false)]
    [InlineData(1, 70, false, true)]
    public async Task A_listing_of_several_pages_has_each_object_once(int sources, int objects, bool ignoresDelimiters, bool isBySource)
    {
        _server.IgnoresDelimiters = ignoresDelimiters;
        S3Store store = _server.Open("backups/shop", pageSize: 64);
        await store.PutAsync("repository.json", "x"u8.ToArray(), None);
        await store.PutAsync(".dbbackup/leases/one", "x"u8.ToArray(), None);
        var keys = new List<string> { "repository.json" };
        for (int number = 0; number < sources * objects; number++)
            keys.Add($"source-{number / objects:00}/{number % objects:00}/backup.json");
        await Parallel.ForEachAsync(keys.Skip(1), async (key, token) => await store.PutAsync(key, "x"u8.ToArray(), token));
        int before = _server.Requests.Count;

        IReadOnlyList<StoredObject> listed = await store.ListAsync(string.Empty, None);

        Assert.Equal(keys.Order(StringComparer.Ordinal), listed.Select(each => each.Key).Order(StringComparer.Ordinal));
        Assert.All(listed, each => Assert.NotEmpty(each.Version!));
        int pages = (keys.Count + 63) / 64, requests = _server.Requests.Count - before;
        Assert.InRange(requests, 1, isBySource ? pages + sources + 3 : pages + 3);
        Assert.Equal(isBySource ? sources : 0, _server.Requests.Where(each => each.Contains("prefix=backups%2Fshop%2Fsource-", StringComparison.Ordinal)).Select(each => each.Split("prefix=backups%2Fshop%2Fsource-")[1][..2]).Distinct().Count());
    }

    [Fact]
    public async Task Conditional_writes_are_found_out_once()
    {
        var first = _server.Open();
        Assert.True(await first.HasConditionalPutAsync(None));
        await _server.Open().PutAsync("a/b/c", "x"u8.ToArray(), None);

        Assert.Equal(2, _server.Requests.Count(request => request.StartsWith("PUT", StringComparison.Ordinal) && request.Contains("conditional-put", StringComparison.Ordinal)));
        Assert.DoesNotContain(_server.Requests, request => request.Contains("claims", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(500, "InternalError")]
    [InlineData(503, "SlowDown")]
    [InlineData(429, "TooManyRequests")]
    public async Task What_a_server_refuses_for_a_moment_is_sent_again(int status, string code)
    {
        var failed = new HashSet<string>();
        _server.Faults = (method, path) =>
        {
            lock (failed)
                return failed.Add($"{method} {path}") ? S3Double.Fault.Of(status, code) : null;
        };
        await RoundTripAsync();
    }

    [Fact]
    public async Task An_answer_that_is_lost_does_not_make_a_put_its_own_rival()
    {
        var failed = new HashSet<string>();
        _server.Faults = (method, path) =>
        {
            lock (failed)
                return method is "PUT" or "POST" && failed.Add($"{method} {path}") ? new S3Double.Fault { LosesAnswer = true } : null;
        };
        await RoundTripAsync();
        Assert.Empty(_server.Uploads);
    }

    [Fact]
    public async Task A_download_that_is_cut_off_goes_on_where_it_was()
    {
        byte[] content = await WriteAsync(1_000_000);
        int cut = 0;
        _server.Faults = (method, path) => method == "GET" && path.Contains("app.db", StringComparison.Ordinal) && cut++ < 5 ? new S3Double.Fault { CutAfter = 150_000 } : null;

        Assert.Equal(content, await ReadAllAsync("app/one/app.db"));
        Assert.Equal(6, cut);
    }

    [Fact]
    public async Task An_upload_that_fails_or_is_cancelled_leaves_no_parts()
    {
        _server.Faults = (method, path) => method == "PUT" && path.Contains("partNumber=3", StringComparison.Ordinal) ? S3Double.Fault.Of(403, "AccessDenied") : null;
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => WriteAsync(1_000_000));
        Assert.Equal(ErrorCodes.RepositoryNotWritable, failure.Code);
        ErrorAssert.Sound(failure, S3Double.Secret);
        Assert.Empty(_server.Uploads);

        _server.Faults = null;
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.WriteAsync("app/one/app.db", async stream =>
        {
            await stream.WriteAsync(new byte[500_000]);
            Assert.NotEmpty(_server.Uploads);
            await stop.CancelAsync();
            await stream.WriteAsync(new byte[500_000], stop.Token);
        }, stop.Token));
        Assert.Empty(_server.Uploads);
        Assert.DoesNotContain(_server.Keys, key => key.Contains("app.db", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_dead_writers_left_is_discarded_below_the_prefix_alone()
    {
        _server.Faults = (method, _) => method == "DELETE" ? S3Double.Fault.Of(403, "AccessDenied") : null;
        foreach (string key in (string[])["app/one/app.db", "app/two/app.db"])
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => Store.WriteAsync(key, async stream =>
            {
                await stream.WriteAsync(new byte[500_000]);
                throw new InvalidOperationException();
            }, None));
        }

        _server.Faults = null;
        Assert.Equal(2, _server.Uploads.Count);
        await Store.DiscardUnfinishedAsync("app/one/", None);
        Assert.Equal(["backups/shop/app/two/app.db"], _server.Uploads);
    }

    [Theory]
    [InlineData(404, "NoSuchBucket", ErrorCodes.RepositoryNotFound)]
    [InlineData(301, "PermanentRedirect", ErrorCodes.RepositoryNotFound)]
    [InlineData(403, "AccessDenied", ErrorCodes.RepositoryNotWritable)]
    [InlineData(403, "InvalidAccessKeyId", ErrorCodes.AuthenticationFailed)]
    [InlineData(403, "SignatureDoesNotMatch", ErrorCodes.AuthenticationFailed)]
    [InlineData(400, "ExpiredToken", ErrorCodes.AuthenticationFailed)]
    [InlineData(507, "XMinioStorageFull", ErrorCodes.NotEnoughSpace)]
    [InlineData(400, "QuotaExceeded", ErrorCodes.NotEnoughSpace)]
    [InlineData(503, "SlowDown", ErrorCodes.ServerUnreachable)]
    public async Task Each_refusal_says_what_to_do(int status, string code, string expected)
    {
        _server.Faults = (_, _) => S3Double.Fault.Of(status, code);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _server.Open(patience: 0.2).PutAsync("a/b/c", "x"u8.ToArray(), None));

        Assert.Equal(expected, failure.Code);
        ErrorAssert.Sound(failure, S3Double.Secret, S3Double.KeyId);
    }

    [Fact]
    public async Task A_server_that_was_never_there_is_not_waited_for()
    {
        StoreAddress address = StoreAddress.Parse("s3://nothing?endpoint=http://127.0.0.1:9", S3Options.Names);
        StoreLogins.Remember(address, new NetworkCredential("a", "b"));
        long begun = Environment.TickCount64;
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => new S3Store(address).ListAsync(string.Empty, None));

        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.Contains("refused", failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.InRange(Environment.TickCount64 - begun, 0, 60_000);
    }

    [Fact]
    public async Task What_arrives_damaged_is_sent_again_with_or_without_checksums_of_the_server()
    {
        using var plain = new S3Double(hasChecksums: false);
        await plain.Open().WriteAsync("app/one/app.db", stream => stream.WriteAsync(new byte[300_000]).AsTask(), None);

        // Its ETag is the MD5 of other bytes: the store must not take them for its own.
        Assert.Equal(300_000, (await plain.Open().ReadAsync("app/one/app.db", None))!.Length);
    }

    [Fact]
    public async Task Access_is_checked_and_an_append_only_login_is_known()
    {
        RepositoryInfo all = await RepositoryAccess.CheckAsync(_server.Open("checked"), "s3", None);
        Assert.Equal((true, true, true, (Guid?)null), (all.CanWrite, all.CanDelete, all.HasConditionalWrites, all.Id));
        Assert.DoesNotContain(_server.Keys, key => key.Contains("/checks/", StringComparison.Ordinal));

        _server.Faults = (method, _) => method == "DELETE" ? S3Double.Fault.Of(403, "AccessDenied") : null;
        RepositoryInfo append = await RepositoryAccess.CheckAsync(_server.Open("checked"), "s3", None);
        Assert.Equal((true, false), (append.CanWrite, append.CanDelete));

        _server.Faults = (method, _) => method is "DELETE" or "PUT" ? S3Double.Fault.Of(403, "AccessDenied") : null;
        RepositoryInfo read = await RepositoryAccess.CheckAsync(_server.Open("checked"), "s3", None);
        Assert.Equal((false, false, (bool?)null), (read.CanWrite, read.CanDelete, read.HasConditionalWrites));

        _server.Faults = (_, _) => S3Double.Fault.Of(404, "NoSuchBucket");
        Assert.Equal(ErrorCodes.RepositoryNotFound, (await Assert.ThrowsAnyAsync<BackupException>(() => RepositoryAccess.CheckAsync(_server.Open("checked"), "s3", None))).Code);
    }

    [Fact]
    public async Task A_login_that_is_refused_is_not_kept()
    {
        RepositoryLocation location = RepositoryLocation.Parse(_server.Location("x"), path => path);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => location.LogInAsync(new NetworkCredential("AKIDOTHER", "wrong-secret"), () => RepositoryAccess.CheckAsync(location, None)));
        Assert.Equal(ErrorCodes.AuthenticationFailed, refused.Code);
        ErrorAssert.Sound(refused, "wrong-secret");
        Assert.True((await RepositoryAccess.CheckAsync(location, None)).CanWrite);
        Assert.Equal(ErrorCodes.InvalidArgument, (await Assert.ThrowsAnyAsync<BackupException>(() => RepositoryLocation.Parse("/tmp/x", path => path).LogInAsync(new NetworkCredential("a", "b"), () => Task.FromResult(1)))).Code);
        Assert.Contains("retainDays=7", location.With(new Dictionary<string, string> { ["RETAINDAYS"] = "7" }).Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Copies_arrive_verified_are_skipped_where_they_are_and_keep_to_a_pace()
    {
        using var bench = new Workbench();
        string database = SampleDatabase.Create(bench["app.db"], rows: 3000);
        Backup backup = await bench.BackUpAsync(database);
        var bucket = new BackupRepository(_server.Open("copies"));
        long begun = Environment.TickCount64;
        Backup copy = await new BackupCopy(bench.Repository, bucket, bytesPerSecond: backup.Size / 2).RunAsync(backup, allowNew: false, bench.Observer, None);
        Assert.InRange(Environment.TickCount64 - begun, 1800, 60_000);
        Assert.StartsWith("s3://", copy.Location, StringComparison.Ordinal);

        int before = _server.Requests.Count(request => request.Contains(".zst", StringComparison.Ordinal));
        await new BackupCopy(bench.Repository, bucket).RunAsync(backup, allowNew: false, bench.Observer, None);
        Assert.Equal(before, _server.Requests.Count(request => request.Contains(".zst", StringComparison.Ordinal)));
        Assert.Equal(backup.Id, Assert.Single(await bucket.ListAsync(null, None)).Id);
    }

    [Fact]
    public async Task Object_lock_applies_to_payloads_and_manifests_and_not_to_leases()
    {
        S3Store store = _server.Open(options: "retainDays=3");
        await store.WriteAsync("app/one/app.db", stream => stream.WriteAsync(new byte[300_000]).AsTask(), None);
        await store.WriteAsync("app/one/RESTORE.txt", stream => stream.WriteAsync(new byte[30]).AsTask(), None);
        await store.PutAsync("app/one/backup.json", "x"u8.ToArray(), None);
        await store.PutAsync(".dbbackup/leases/x.1.json", "x"u8.ToArray(), None);

        foreach (string key in (string[])["app/one/app.db", "app/one/RESTORE.txt", "app/one/backup.json"])
        {
            Assert.InRange(_server.RetainedUntil(key)!.Value - DateTime.UtcNow, TimeSpan.FromDays(2.9), TimeSpan.FromDays(3));
            BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => store.DeleteAsync(key, None));
            Assert.Equal(ErrorCodes.ObjectLocked, refused.Code);
        }

        Assert.Null(_server.RetainedUntil(".dbbackup/leases/x.1.json"));
    }

    [Fact]
    public async Task A_lock_that_holds_is_told_from_one_that_does_not()
    {
        S3Store store = _server.Open(options: "retainDays=3");
        Assert.True(store.IsLocking);
        Assert.Null(await store.FindLockProblemAsync(None));
        Assert.False(_server.Open().IsLocking);

        _server.IgnoresLocks = true;
        Assert.Contains("could be deleted", await store.FindLockProblemAsync(None), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("retainDays=0")]
    [InlineData("retainUntil=soon")]
    [InlineData("retainMode=forever")]
    [InlineData("pathStyle=maybe")]
    [InlineData("endpoint=ftp://x")]
    [InlineData("secretKey=x")]
    public void A_wrong_option_is_refused(string option)
    {
        BackupException failure = Assert.ThrowsAny<BackupException>(() => StoreKind.All["s3"].Open(StoreAddress.Parse($"s3://bucket/x?{option}", S3Options.Names)));
        Assert.Equal(ErrorCodes.InvalidArgument, failure.Code);
    }

    private async Task RoundTripAsync()
    {
        Assert.True(await Store.PutAsync("app/one/backup.json", "manifest"u8.ToArray(), None));
        byte[] content = await WriteAsync(450_000);
        Assert.Equal(content, await ReadAllAsync("app/one/app.db"));
        Assert.Equal(2, (await Store.ListAsync("app/", None)).Count);
        await Store.DeleteAsync("app/one/app.db", None);
        Assert.Equal("app/one/backup.json", Assert.Single(await Store.ListAsync("app/", None)).Key);
    }

    private async Task<byte[]> WriteAsync(int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        await Store.WriteAsync("app/one/app.db", stream => stream.WriteAsync(content).AsTask(), None);
        return content;
    }

    private async Task<byte[]> ReadAllAsync(string key)
    {
        await using Stream stream = (await Store.OpenAsync(key, 0, null, None))!;
        using var read = new MemoryStream();
        await stream.CopyToAsync(read);
        return read.ToArray();
    }
}

/// <summary>A server that overwrites whatever is there, and knows no checksums.</summary>
public sealed class S3WithoutConditionsTests : ObjectStoreContract, IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly S3Double _server = new(hasConditions: false, hasChecksums: false);

    public S3WithoutConditionsTests() => Store = _server.Open("backups");

    internal override IObjectStore Store { get; }

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task It_is_found_out_and_served_by_claims_of_which_none_is_left()
    {
        Assert.False(await _server.Open("backups").HasConditionalPutAsync(None));
        Assert.True(await Store.PutAsync("app/one/backup.json", "x"u8.ToArray(), None));
        Assert.Empty(await Store.ListAsync(PutByClaims.Folder, None));
    }

    [Fact]
    public async Task Writers_that_know_nothing_of_each_other_never_both_put_a_key()
    {
        // In one process they would wait for each other.
        for (int round = 0; round < 5; round++)
        {
            string key = $"leases/{round}.json";
            bool[] put = await Task.WhenAll(Enumerable.Range(0, 4).Select(number => Task.Run(() => Claims().PutAsync(key, BitConverter.GetBytes(number), None))));
            Assert.Single(put, true);
            Assert.Equal(Array.IndexOf(put, true), BitConverter.ToInt32(await Store.ReadAsync(key, None)));
        }
    }

    private PutByClaims Claims() => new(
        async (key, token) => await Store.ReadAsync(key, token) is not null,
        (key, content, token) => Store.WriteAsync(key, stream => stream.WriteAsync(content, token).AsTask(), token),
        Store.ListAsync,
        Store.DeleteAsync)
    {
        KnowsItsProcess = false,
    };
}
