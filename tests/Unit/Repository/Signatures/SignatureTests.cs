using System.Text;
using System.Text.Json.Nodes;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository.Signatures;

/// <summary>What someone who may write to a repository does to it is found, and what its users do is not taken for that.</summary>
public sealed class SignatureTests : IDisposable
{
    private readonly TempFolder _users = new();
    private readonly Workbench _bench;
    private readonly string _database;

    public SignatureTests()
    {
        _bench = new Workbench(user: _users["one"]);
        _database = SampleDatabase.Create(_bench["app.db"]);
    }

    public void Dispose()
    {
        _bench.Dispose();
        _users.Dispose();
    }

    private Task<Backup> MakeAsync(string name, Workbench? by = null) =>
        (by ?? _bench).BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], SourceName = "app", Name = name });

    private Workbench Other(string user = "two") => new(_bench.RepositoryPath, folder: new TempFolder(), user: _users[user]);

    private static string ManifestOf(Backup backup) => Path.Join(backup.Location, "backup.json");

    private async Task<Backup> ListedAsync(string name, Workbench? by = null) => (await (by ?? _bench).ListAsync("app")).Single(backup => backup.Name == name);

    private async Task AssertRefusedAsync(string name, SignatureStatus status)
    {
        Backup listed = await ListedAsync(name);
        string before = SampleDatabase.Content(_database);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(new RestoreRequest { Backup = listed, Destination = _bench[$"restored-{Guid.NewGuid():N}.db"] }));

        Assert.Equal((status, ErrorCodes.SignatureNotValid), (listed.Signature, failure.Code));
        Assert.False(listed.IsGood);
        ErrorAssert.Sound(failure);
        Assert.Equal(before, SampleDatabase.Content(_database));
        // Restored all the same by who insists.
        string forced = _bench[$"forced-{Guid.NewGuid():N}.db"];
        await _bench.RestoreAsync(new RestoreRequest { Backup = listed, Destination = forced, Force = true });
        Assert.True(File.Exists(forced));
    }

    [Fact]
    public async Task A_backup_is_signed_with_a_key_of_the_user_alone_and_the_listing_names_the_signer()
    {
        await MakeAsync("one");
        Backup backup = await ListedAsync("one");
        string key = Path.Join(_users["one"], "signing", SigningKey.FileName);

        Assert.Equal((SignatureStatus.Valid, true, null), (backup.Signature, backup.IsGood, backup.SignatureProblem));
        Assert.StartsWith(Environment.MachineName + " (", backup.Signer, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        string first = File.ReadAllText(key);
        await MakeAsync("two");
        Assert.Equal(first, File.ReadAllText(key));
        Assert.Equal(backup.Signer, (await ListedAsync("two")).Signer);
        Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Checksum)).Passed);
    }

    [Theory]
    [InlineData("host")]
    [InlineData("storedSha256")]
    [InlineData("created")]
    [InlineData("sequence")]
    [InlineData("location")]
    [InlineData("repository")]
    [InlineData("signer")]
    public async Task A_changed_field_is_found_though_its_hash_was_made_anew(string field)
    {
        await MakeAsync("one");
        await _bench.ListAsync();
        string path = ManifestOf(await ListedAsync("one"));
        string[] lines = File.ReadAllText(path).Split('\n');
        int at = Array.FindIndex(lines, line => line.TrimStart().StartsWith($"\"{field}\":", StringComparison.Ordinal));
        int letter = lines[at].Length - (lines[at].EndsWith(',') ? 4 : 3);
        lines[at] = field == "sequence" ? lines[at].Replace("1", "7", StringComparison.Ordinal) : string.Concat(lines[at].AsSpan(0, letter), lines[at][letter] == '1' ? "2" : "1", lines[at].AsSpan(letter + 1));
        Reseal(path, string.Join('\n', lines));

        Backup listed = await ListedAsync("one");

        Assert.NotNull(listed.Manifest);
        Assert.Null(listed.Problem);
        await AssertRefusedSomehowAsync(listed);
        BackupTestResult test = await _bench.TestAsync(listed, BackupTestLevel.Checksum);
        Assert.False(test.Passed);
    }

    // Its payload's hash may be what was changed: then not even -Force restores it.
    private async Task AssertRefusedSomehowAsync(Backup listed)
    {
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(listed));
        Assert.Equal((SignatureStatus.Changed, ErrorCodes.SignatureNotValid, false), (listed.Signature, failure.Code, listed.IsGood));
    }

    [Fact]
    public async Task Each_flipped_bit_of_a_manifest_is_found_by_the_listing_also_with_a_new_hash()
    {
        await MakeAsync("one");
        string path = ManifestOf(await ListedAsync("one"));
        byte[] whole = File.ReadAllBytes(path);
        int end = whole.Length - Seal.LineLength, found = 0, tried = 0;
        for (int at = 0; at < end; at += 3)
        {
            byte[] flipped = whole[..end];
            flipped[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(path, Sealed(flipped));
            tried++;
            // What is no JSON any more is unreadable, under its folder's name.
            Backup listed = Assert.Single(await _bench.ListAsync());
            found += listed.IsGood ? 0 : 1;
        }

        File.WriteAllBytes(path, whole);
        Assert.Equal(tried, found);
        Assert.True(tried > 500, $"{tried} flips");
        Assert.True((await ListedAsync("one")).IsGood);
    }

    [Fact]
    public async Task A_manifest_that_is_broken_behind_its_signature_is_unreadable_and_hides_no_other()
    {
        await MakeAsync("first");
        string path = ManifestOf(await MakeAsync("second"));
        // What follows the signed bytes is not signed: this one cannot be read, and its signature still fits.
        byte[] json = await File.ReadAllBytesAsync(path);
        json[Array.LastIndexOf(json, (byte)'}')] ^= 32;
        File.SetAttributes(path, FileAttributes.Normal);
        await File.WriteAllBytesAsync(path, json);
        using Workbench other = Other();
        foreach (Workbench reader in (Workbench[])[_bench, other])
        {
            Assert.NotNull((await ListedAsync("second", reader)).Problem);
            Backup first = await ListedAsync("first", reader);
            Assert.Equal((null, SignatureStatus.Valid), (first.Problem, first.Signature));
        }
    }

    [Fact]
    public async Task A_backup_in_another_ones_place_is_refused()
    {
        Backup one = await MakeAsync("one");
        Backup two = await MakeAsync("two");
        await _bench.ListAsync();
        Swap(one.Location, two.Location);

        await AssertRefusedAsync("one", SignatureStatus.Misplaced);
        await AssertRefusedAsync("two", SignatureStatus.Misplaced);
    }

    [Fact]
    public async Task A_backup_of_another_source_in_the_place_of_one_is_refused()
    {
        Backup one = await MakeAsync("one");
        Backup other = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(SampleDatabase.Create(_bench["other.db"]))], Name = "one", SourceName = "other" });
        await _bench.ListAsync();
        Swap(one.Location, other.Location);

        await AssertRefusedAsync("one", SignatureStatus.Misplaced);
    }

    [Fact]
    public async Task An_older_backup_that_was_put_back_under_a_newer_ones_name_is_refused()
    {
        Backup first = await MakeAsync("before");
        string stolen = _bench["stolen"];
        CopyFolder(first.Location, stolen);
        await MakeAsync("keep");
        await new BackupRemoval(_bench.Repository).RemoveAsync(first, force: true, new(), _bench.Observer, CancellationToken.None);
        SampleDatabase.Run(_database, "DELETE FROM notes");
        Backup second = await MakeAsync("before");
        await _bench.ListAsync();
        Directory.Delete(second.Location, recursive: true);
        CopyFolder(stolen, second.Location);

        await AssertRefusedAsync("before", SignatureStatus.Replayed);
    }

    [Fact]
    public async Task A_name_that_is_used_again_is_no_replay()
    {
        Backup first = await MakeAsync("before");
        await MakeAsync("keep");
        await _bench.ListAsync();
        await new BackupRemoval(_bench.Repository).RemoveAsync(first, force: true, new(), _bench.Observer, CancellationToken.None);
        await MakeAsync("before");

        Assert.Equal(SignatureStatus.Valid, (await ListedAsync("before")).Signature);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stripped_signature_is_missing(bool isKnown)
    {
        Backup backup = await MakeAsync("one");
        await MakeAsync("two");
        if (isKnown)
            await _bench.ListAsync();
        else
            Directory.Delete(Path.Join(_users["one"], "signers"), recursive: true);
        string path = ManifestOf(await NameAsync("two"));
        Strip(path);

        await AssertRefusedAsync("two", SignatureStatus.Missing);
        _ = backup;
    }

    private Task<Backup> NameAsync(string name) => Task.FromResult(new Backup(null, "app", name, _bench.RepositoryPath, Path.Join(_bench.RepositoryPath, "app", name), []));

    [Fact]
    public async Task Backups_from_before_signing_are_listed_as_not_signed_and_restore_with_a_note()
    {
        using var before = new Workbench(_bench.RepositoryPath);
        await MakeAsync("old", before);
        Assert.Equal(SignatureStatus.NotSigned, (await ListedAsync("old")).Signature);
        await MakeAsync("new");
        Backup old = await ListedAsync("old");

        Assert.Equal((SignatureStatus.NotSigned, true), (old.Signature, old.IsGood));
        PreparedRestore restore = await PreparedRestore.PrepareAsync(_bench.Repository, new RestoreRequest { Backup = old, Destination = _bench["r.db"] }, changeNothing: true, _bench.Observer, CancellationToken.None);
        Assert.Contains(restore.Plan.Warnings, warning => warning.Contains("not signed", StringComparison.Ordinal));
        // A later one without a signature is one that was made to look old.
        Backup forged = await MakeAsync("forged", before);
        Assert.Equal(SignatureStatus.Missing, (await ListedAsync(forged.Name)).Signature);
    }

    [Fact]
    public async Task A_foreign_signer_in_a_source_is_unknown_until_the_user_approves_it()
    {
        await MakeAsync("one");
        await _bench.ListAsync();
        using Workbench other = Other();
        await MakeAsync("foreign", other);

        await AssertRefusedAsync("foreign", SignatureStatus.UnknownSigner);
        BackupSigner signer = (await new BackupSigners(_bench.Repository).ListAsync(CancellationToken.None)).Single(each => each.Trust == SignerTrust.Unknown);
        Assert.Equal(["app"], signer.Sources);
        await new BackupSigners(_bench.Repository).ApproveAsync(signer, CancellationToken.None);
        Backup listed = await ListedAsync("foreign");
        Assert.Equal((SignatureStatus.Valid, true), (listed.Signature, listed.IsGood));
        Assert.Equal(SignerTrust.Approved, (await new BackupSigners(_bench.Repository).ListAsync(CancellationToken.None)).Single(each => each.Fingerprint == signer.Fingerprint).Trust);
        // The other user saw the first one's backups first.
        Assert.All(await other.ListAsync("app"), backup => Assert.Equal(SignatureStatus.Valid, backup.Signature));
    }

    [Fact]
    public async Task A_new_user_of_a_repository_trusts_who_is_there_and_nobody_later()
    {
        await MakeAsync("one");
        using Workbench other = Other();
        Assert.Equal(SignatureStatus.Valid, (await ListedAsync("one", other)).Signature);
        using Workbench third = Other("three");
        await MakeAsync("late", third);
        Assert.Equal(SignatureStatus.UnknownSigner, (await ListedAsync("late", other)).Signature);
    }

    [Fact]
    public async Task A_copied_folder_of_a_repository_is_the_same_repository()
    {
        await MakeAsync("one");
        await _bench.ListAsync();
        string copy = _bench["copy"];
        CopyFolder(_bench.RepositoryPath, copy);
        using var there = new Workbench(copy, folder: new TempFolder(), user: _users["one"]);
        using var stranger = new Workbench(copy, folder: new TempFolder(), user: _users["two"]);

        Assert.Equal(SignatureStatus.Valid, (await ListedAsync("one", there)).Signature);
        Assert.Equal(SignatureStatus.Valid, (await ListedAsync("one", stranger)).Signature);
    }

    [Fact]
    public async Task A_copy_in_another_repository_is_valid_and_one_that_nobody_copied_is_not()
    {
        using var elsewhere = new Workbench(user: _users["one"]);
        Backup own = await MakeAsync("own", elsewhere);
        await elsewhere.ListAsync();
        Backup one = await MakeAsync("one");
        await _bench.ListAsync();
        CopyFolder(one.Location, Path.Join(own.Location, "..", "one"));
        Assert.Equal(SignatureStatus.OtherRepository, (await ListedAsync("one", elsewhere)).Signature);
        Directory.Delete(Path.Join(own.Location, "..", "one"), recursive: true);

        await new BackupCopy(_bench.Repository, elsewhere.Repository).RunAsync(one, allowNew: false, _bench.Observer, CancellationToken.None);

        Assert.Equal(SignatureStatus.Valid, (await ListedAsync("one", elsewhere)).Signature);
        using var stranger = new Workbench(elsewhere.RepositoryPath, folder: new TempFolder(), user: _users["two"]);
        Assert.All(await stranger.ListAsync(), backup => Assert.Equal(SignatureStatus.Valid, backup.Signature));
    }

    [Fact]
    public async Task A_repository_that_took_the_place_of_a_known_one_has_no_trusted_signers()
    {
        await MakeAsync("one");
        await _bench.ListAsync();
        using Workbench forger = new(_bench["forged"], folder: new TempFolder(), user: _users["two"]);
        await MakeAsync("one", forger);
        Directory.Delete(_bench.RepositoryPath, recursive: true);
        CopyFolder(_bench["forged"], _bench.RepositoryPath);

        await AssertRefusedAsync("one", SignatureStatus.UnknownSigner);
        Strip(Path.Join(_bench.RepositoryPath, "app", "one", "backup.json"));
        await AssertRefusedAsync("one", SignatureStatus.Missing);
    }

    [Fact]
    public async Task A_user_without_a_data_folder_makes_unsigned_backups_and_is_told()
    {
        var repository = new BackupRepository(new DirectoryStore(_bench.RepositoryPath), null, new SignerMemory(null, null));
        await new BackupService(repository).CreateAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Name = "one" }, _bench.Observer, CancellationToken.None);

        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("not signed", StringComparison.Ordinal));
        Backup backup = Assert.Single(await repository.ListAsync(null, CancellationToken.None));
        Assert.Equal((SignatureStatus.NotSigned, true), (backup.Signature, backup.IsGood));
    }

    [Fact]
    public async Task A_memory_that_cannot_be_read_is_an_error_and_no_first_use()
    {
        await MakeAsync("one");
        await _bench.ListAsync();
        string file = Directory.GetFiles(Path.Join(_users["one"], "signers"), "*.json").Single();
        File.WriteAllText(file, "{");

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.ListAsync());

        Assert.Equal(ErrorCodes.SignersUnreadable, failure.Code);
        ErrorAssert.Sound(failure);
    }

    [Fact]
    public async Task A_suspect_backup_does_not_count_as_the_last_good_one_and_spends_no_retention()
    {
        await MakeAsync("one");
        await _bench.ListAsync();
        using Workbench other = Other();
        await MakeAsync("foreign", other);

        IReadOnlyList<Backup> all = await _bench.ListAsync();
        Assert.Equal("one", BackupSelection.LatestGood(all, null).Single().Name);
        Assert.NotNull(LastGood.Of(all, backup => backup.Name == "one"));
    }

    // The lines before the hash, with the hash that belongs to them.
    private static void Reseal(string path, string text) => File.WriteAllBytes(path, Sealed(Encoding.UTF8.GetBytes(text)[..^Seal.LineLength]));

    private static byte[] Sealed(byte[] body) =>
        [.. body, .. Encoding.ASCII.GetBytes($"  \"sha256\": \"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(body))}\"\n}}\n")];

    private static void Strip(string path)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (string member in (string[])["repository", "signer", "signature"])
            Assert.True(json.Remove(member));
        Resealed.WriteAllText(path, json.ToJsonString());
    }

    private static void Swap(string one, string two)
    {
        Directory.Move(one, one + "-x");
        Directory.Move(two, one);
        Directory.Move(one + "-x", two);
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Join(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
