using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Listing;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Retention;
using DbBackup.Engine.Verification;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository.Listing;

/// <summary>Listings of a remote place read what is new alone, and say the same as if they read all.</summary>
public sealed class ListingCacheTests : IDisposable
{
    private readonly TempFolder _user = new();
    private readonly MemoryBucket _bucket = new() { HasVersions = true };
    private readonly RecordingObserver _observer = new();
    private readonly string _database;

    public ListingCacheTests() => _database = SampleDatabase.Create(_user["app.db"]);

    public void Dispose() => _user.Dispose();

    private string Cache => _user["cache"];

    private string[] Files => Directory.Exists(Cache) ? Directory.GetFiles(Cache, "*", SearchOption.AllDirectories) : [];

    // Each is as another process of the same user.
    private BackupRepository Open(bool isCached = true, MemoryBucket? bucket = null) => new(
        bucket ?? _bucket, new KnownRepositories(_user["repositories"]), new SignerMemory(_user["signing"], _user["signers"]), isCached ? new ListingCache(Cache) : null);

    private Task<Backup> MakeAsync(string source, string name, BackupSealing? sealing = null) => new BackupService(Open(false)).CreateAsync(
        new BackupRequest { Sources = [Workbench.Sqlite(_database)], SourceName = source, Name = name, Sealing = sealing }, _observer, CancellationToken.None);

    private static Task<IReadOnlyList<Backup>> ListAsync(BackupRepository repository, string? source = null) => repository.ListAsync(source, CancellationToken.None);

    private Task<BackupTestResult> TestAsync(Backup backup) =>
        new BackupVerifier(Open()).TestAsync(backup, new BackupTestOptions { Level = BackupTestLevel.Checksum }, _observer, CancellationToken.None);

    // All that a person sees of a listing.
    private static string[] Text(IEnumerable<Backup> backups) => [.. backups.Select(backup => string.Join('|', [
        backup.ToString(), $"{backup.Id}", $"{backup.Status}", $"{backup.Signature}", backup.Signer, backup.Problem, backup.SignatureProblem, $"{backup.Created:O}", $"{backup.IsGood}", backup.Location,
        backup.Hold?.Reason, $"{backup.Size}", .. backup.Tests.Select(test => $"{test.Tested:O} {test.Reached} {test.Failure}")]))];

    private async Task<int> AssertSameAsync(string? source = null)
    {
        string[] expected = Text(await ListAsync(Open(false), source));
        int before = _bucket.Reads(".json");
        Assert.Equal(expected, Text(await ListAsync(Open(), source)));
        // One is that of repository.json.
        return _bucket.Reads(".json") - before - 1;
    }

    private async Task MakeHistoryAsync()
    {
        foreach (string source in (string[])["app", "shop"])
        {
            for (int number = 1; number <= 3; number++)
                await TestAsync(await MakeAsync(source, $"backup-{number}"));
        }

        await new BackupHolds(Open()).LockAsync((await ListAsync(Open(), "app"))[0], new BackupHold { Reason = "year end" }, CancellationToken.None);
    }

    [Fact]
    public async Task What_was_listed_is_not_read_again_by_any_process_and_says_the_same()
    {
        await MakeHistoryAsync();

        // Six manifests, six tests, a hold; some were read by the listing before.
        Assert.InRange(await AssertSameAsync(), 6, 13);
        Assert.Equal(0, await AssertSameAsync());
        Assert.Equal(0, await AssertSameAsync("app"));
        Assert.Equal(0, await AssertSameAsync());
        Assert.Equal(2, Files.Length);
        if (!OperatingSystem.IsWindows())
        {
            foreach (string file in Files)
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            foreach (string folder in Directory.GetDirectories(Cache).Append(Cache))
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        }
    }

    [Fact]
    public async Task What_is_new_or_replaced_is_read_and_what_is_gone_is_forgotten()
    {
        await MakeHistoryAsync();
        await AssertSameAsync();

        await MakeAsync("app", "backup-4");
        Assert.Equal(1, await AssertSameAsync());
        await TestAsync((await ListAsync(Open(), "shop"))[0]);
        Assert.Equal(1, await AssertSameAsync());

        // Another backup of the same name.
        Backup old = (await ListAsync(Open(), "shop")).Single(backup => backup.Name == "backup-2");
        await RemoveAsync(old);
        Backup next = await MakeAsync("shop", "backup-2");
        Assert.Equal(1, await AssertSameAsync());
        Assert.Contains(await ListAsync(Open()), backup => backup.Id == next.Id);
        Assert.DoesNotContain($"{old.Id}", Unpacked(), StringComparison.Ordinal);

        // Nothing else is new.
        await RemoveAsync(next);
        Assert.Equal(0, await AssertSameAsync());
        Assert.DoesNotContain($"{next.Id}", Unpacked(), StringComparison.Ordinal);

        foreach (Backup each in await ListAsync(Open(), "shop"))
            await RemoveAsync(each);
        await AssertSameAsync();
        Assert.Single(Files);
    }

    [Fact]
    public async Task A_key_without_a_version_is_read_each_time()
    {
        var bucket = new MemoryBucket();
        await new BackupService(Open(false, bucket)).CreateAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], SourceName = "app", Name = "one" }, _observer, CancellationToken.None);
        for (int round = 0; round < 2; round++)
        {
            int before = bucket.Reads("/backup.json");
            Assert.Single(await ListAsync(Open(bucket: bucket)));
            Assert.Equal(1, bucket.Reads("/backup.json") - before);
        }

        Assert.Empty(Files);
    }

    [Fact]
    public async Task A_file_that_is_damaged_is_read_over_and_made_again()
    {
        await MakeHistoryAsync();
        await AssertSameAsync();
        string file = Files[0];
        byte[] whole = File.ReadAllBytes(file);
        int found = 0;
        for (int at = 0; at < whole.Length; at += 1 + whole.Length / 60)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x10;
            File.WriteAllBytes(file, damaged);
            found += await AssertSameAsync() > 0 ? 1 : 0;
            File.WriteAllBytes(file, whole[..at]);
            found += await AssertSameAsync() > 0 ? 1 : 0;
            Assert.Equal(0, await AssertSameAsync());
        }

        Assert.InRange(found, 100, 130);
    }

    [Theory]
    [InlineData("other repository")]
    [InlineData("other source")]
    [InlineData("packed anew")]
    [InlineData("changed within")]
    [InlineData("link")]
    [InlineData("folder")]
    public async Task A_file_that_is_not_its_own_is_read_over(string how)
    {
        await MakeHistoryAsync();
        await AssertSameAsync();
        string[] files = Files;
        string forged = _user["forged"];
        switch (how)
        {
            case "other repository":
                // Whole, and of the same keys and versions, but of other backups.
                WriteOne(new ListingCache(Cache).Open(Guid.NewGuid(), _bucket.Location)!, forged);
                break;
            case "other source":
                File.Copy(files[1], forged);
                break;
            case "packed anew":
                WriteOne(forged, "not ours"u8.ToArray());
                break;
            case "changed within":
                // A bit that the compression does not see; without the file's own hash a good backup would be called damaged.
                byte[] inner = Unpack(files[0]);
                inner[inner.AsSpan().IndexOf("\"created\": \"20"u8) + 14] ^= 1;
                byte[] packed = Pack(inner);
                File.WriteAllBytes(forged, [.. File.ReadAllBytes(files[0])[..SHA256.HashSizeInBytes], .. packed]);
                break;
            case "link":
                File.Move(files[0], forged);
                File.CreateSymbolicLink(files[0], forged);
                Assert.InRange(await AssertSameAsync(), 3, 7);
                return;
            default:
                File.Delete(files[0]);
                Directory.CreateDirectory(files[0]);
                Assert.InRange(await AssertSameAsync(), 3, 7);
                Assert.InRange(await AssertSameAsync(), 3, 7);
                return;
        }

        File.Move(forged, files[0], overwrite: true);
        Assert.InRange(await AssertSameAsync(), 3, 7);
        Assert.Equal(0, await AssertSameAsync());
    }

    [Fact]
    public async Task Processes_list_beside_each_other()
    {
        await MakeHistoryAsync();
        string[] expected = Text(await ListAsync(Open(false)));
        for (int round = 0; round < 5; round++)
        {
            await MakeAsync("app", $"more-{round}");
            expected = Text(await ListAsync(Open(false)));
            await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Run(async () => Assert.Equal(number % 2 == 0 ? expected : [.. expected.Where(line => line.StartsWith("app/", StringComparison.Ordinal))], Text(await ListAsync(Open(), number % 2 == 0 ? null : "app"))))));
        }

        Assert.Equal(0, await AssertSameAsync());
        Assert.Equal(2, Files.Length);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_used_costs_time_alone()
    {
        await MakeHistoryAsync();
        if (Directory.Exists(Cache))
            Directory.Delete(Cache, recursive: true);
        File.WriteAllText(Cache, "a file");
        Assert.InRange(await AssertSameAsync(), 12, 13);
        Assert.InRange(await AssertSameAsync(), 12, 13);
    }

    [Fact]
    public async Task A_forged_manifest_is_judged_as_if_it_were_read_each_time()
    {
        await MakeHistoryAsync();
        await AssertSameAsync();
        string text = Encoding.UTF8.GetString(_bucket.Content("app/backup-1/backup.json"));
        string[] lines = [.. text.Split('\n').Where(line => !line.Contains("\"signature\"", StringComparison.Ordinal))];
        _bucket.Replace("app/backup-1/backup.json", Resealed.Of(string.Join('\n', lines).Replace("\"name\": \"backup-1\"", "\"name\": \"backup-1\", \"note\": \"forged\"", StringComparison.Ordinal)));

        for (int round = 0; round < 2; round++)
        {
            await AssertSameAsync();
            Backup forged = (await ListAsync(Open())).Single(backup => backup is { Source: "app", Name: "backup-1" });
            Assert.NotEqual(SignatureStatus.Valid, forged.Signature);
            Assert.False(forged.IsGood);
        }
    }

    [Fact]
    public async Task What_rots_behind_an_unchanged_version_is_found_by_each_test_and_check()
    {
        await MakeHistoryAsync();
        await AssertSameAsync();
        _bucket.Spoil("app/backup-1/backup.json", content => [.. content[..40], (byte)(content[40] ^ 1), .. content[41..]]);

        Backup listed = (await ListAsync(Open(), "app")).Single(backup => backup.Name == "backup-1");
        Assert.Null(listed.Problem);
        Assert.False((await TestAsync(listed)).Passed);
        Assert.NotNull((await Open().FindAsync(new BackupKey("app", "backup-1"), CancellationToken.None))!.Problem);
        Assert.Contains(await new RepositoryCheck(Open()).RunAsync(deep: false, _observer, CancellationToken.None), finding => finding.Path.Contains("backup-1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_sealed_stays_sealed()
    {
        SampleDatabase.Run(_database, "CREATE TABLE secret_patients(name TEXT)");
        await MakeAsync("app", "sealed", BackupSealing.To([IdentityFile.Create(_user["my.key"])]));
        Assert.True(Assert.Single(await ListAsync(Open())).Manifest!.IsSealed);
        Assert.Equal(0, await AssertSameAsync());

        Assert.Contains("\"sealed\"", Unpacked(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret_patients", Unpacked(), StringComparison.Ordinal);
        await MakeAsync("app", "plain");
        await AssertSameAsync();
        Assert.Contains("secret_patients", Unpacked(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_not_used_for_long_and_what_killed_processes_left_goes()
    {
        await MakeHistoryAsync();
        await AssertSameAsync();
        string folder = Assert.Single(Directory.GetDirectories(Cache));
        string fresh = Path.Join(folder, ".fresh.tmp"), left = Path.Join(folder, ".left.tmp");
        File.WriteAllText(fresh, "being written");
        File.WriteAllText(left, "of a process that was killed");
        File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddHours(-2));
        foreach ((string name, int days) in (ReadOnlySpan<(string, int)>)[("old", 91), ("recent", 89)])
        {
            Directory.CreateDirectory(Path.Join(Cache, name));
            File.WriteAllText(Path.Join(Cache, name, "x.listing"), "x");
            Directory.SetLastWriteTimeUtc(Path.Join(Cache, name), DateTime.UtcNow.AddDays(-days));
        }

        Directory.SetLastWriteTimeUtc(folder, DateTime.UtcNow.AddDays(-300));
        await AssertSameAsync();

        Assert.Equal([folder, Path.Join(Cache, "recent")], Directory.GetDirectories(Cache).Order(StringComparer.Ordinal).OrderBy(each => each.EndsWith("recent", StringComparison.Ordinal)));
        Assert.Equal((true, false), (File.Exists(fresh), File.Exists(left)));
        Assert.Equal(0, await AssertSameAsync());
    }

    private Task<bool> RemoveAsync(Backup backup) => new BackupRemoval(Open()).RemoveAsync(backup, force: true, new(), _observer, CancellationToken.None);

    // What all files hold.
    private string Unpacked() => string.Concat(Files.Select(file => Encoding.UTF8.GetString(Unpack(file))));

    private static byte[] Unpack(string file)
    {
        using var stream = new ZLibStream(new MemoryStream(File.ReadAllBytes(file)[SHA256.HashSizeInBytes..]), CompressionMode.Decompress);
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    private static byte[] Pack(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var stream = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            stream.Write(content);
        return packed.ToArray();
    }

    private static void WriteOne(string path, byte[] content)
    {
        byte[] packed = Pack(content);
        File.WriteAllBytes(path, [.. SHA256.HashData(packed), .. packed]);
    }

    private void WriteOne(RepositoryCache other, string path)
    {
        string before = string.Join('\n', Files);
        SourceCache source = other.OpenSource("app");
        for (int number = 1; number <= 3; number++)
        {
            foreach (string key in _bucket.Keys.Where(key => key.StartsWith("app/", StringComparison.Ordinal) && key.EndsWith("/backup.json", StringComparison.Ordinal)))
                source.Add(new(key, VersionOf(key)), _bucket.Content($"shop/backup-{number}/backup.json"));
        }

        source.Save();
        File.Move(Files.Single(file => !before.Contains(file, StringComparison.Ordinal)), path);
    }

    private string VersionOf(string key) => _bucket.ListAsync(key, CancellationToken.None).Result.Single().Version!;
}
