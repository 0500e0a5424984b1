using System.Text;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Encryption;

/// <summary>Encrypted backups: what works without a key, what a key opens, and that every change is found before the target is touched.</summary>
public sealed class EncryptedBackupTests : IDisposable
{
    private const string Secret = "a row that nobody else may read";
    private readonly Workbench _bench = new();
    private readonly string _database;
    private readonly string _uploads;
    private readonly string _keyFile;
    private readonly string _recipient;

    public EncryptedBackupTests()
    {
        _database = SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Run(_database, $"CREATE TABLE secret_patients(name TEXT); INSERT INTO secret_patients VALUES ('{Secret}')");
        _uploads = Directory.CreateDirectory(_bench["uploads"]).FullName;
        File.WriteAllText(Path.Join(_uploads, "letter.txt"), Secret);
        _keyFile = _bench["keys/my.key"];
        _recipient = IdentityFile.Create(_keyFile);
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task AHostWithThePublicKeyAloneMakesTestsAndListsWhatItCannotRead()
    {
        Backup made = await BackUpAsync(verify: true);
        Assert.Equal(BackupStatus.Matched, made.Status);
        Assert.False(made.Manifest!.IsSealed);

        // Another process.
        BackupRepository other = Fresh();
        Backup listed = Assert.Single(await other.ListAsync(null, CancellationToken.None));
        Assert.True(listed.IsEncrypted);
        Assert.True(listed.Manifest!.IsSealed);
        Assert.Equal(BackupStatus.Matched, listed.Status);
        Assert.Equal(made.OriginalSize, listed.OriginalSize);
        Assert.Equal(["app.db.zst.age", "uploads.tar.zst.age"], listed.Manifest.Payloads.Select(payload => payload.FileName));
        Assert.All(listed.Manifest.Payloads, payload => Assert.Null(payload.Fingerprint));
        BackupTestResult tested = await TestAsync(other, listed, BackupTestLevel.Checksum);
        Assert.True(tested.Passed, tested.Failure);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => TestAsync(other, listed, BackupTestLevel.Structure));
        Assert.Equal(ErrorCodes.BackupEncrypted, refused.Code);
        Assert.Contains(_recipient, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACheckOfTheRepositoryKnowsTheFilesOfItsKeyAndMissesEachThatIsGone()
    {
        Backup backup = await BackUpAsync(verify: true);
        Task<IReadOnlyList<RepositoryFinding>> CheckAsync() => new RepositoryCheck(Fresh()).RunAsync(deep: true, _bench.Observer, CancellationToken.None);
        Assert.Empty(await CheckAsync());

        foreach (string file in Directory.GetFiles(backup.Location).Where(file => Path.GetFileName(file) != "backup.json"))
        {
            File.Move(file, _bench["aside"]);
            Assert.Contains(await CheckAsync(), finding => finding.Kind == RepositoryFindingKind.MissingFile && finding.Path == file);
            File.Move(_bench["aside"], file);
        }
    }

    [Fact]
    public async Task NothingOfTheContentIsInTheRepository()
    {
        await BackUpAsync(verify: true, compression: PayloadCompression.None);
        string[] tells = [Secret, "secret_patients", "letter.txt", "notes", _uploads, "AGE-SECRET-KEY", "CREATE TABLE", "\"rows\"", "fingerprint"];
        string[] files = [.. Directory.EnumerateFiles(_bench.RepositoryPath, "*", SearchOption.AllDirectories)];
        Assert.True(files.Length >= 8, string.Join(", ", files));
        foreach (string file in files)
        {
            byte[] content = await File.ReadAllBytesAsync(file);
            Assert.All(tells, tell => Assert.True(content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(tell)) < 0, $"'{tell}' is in {file}"));
        }
    }

    [Theory]
    [InlineData(PayloadCompression.Zstd)]
    [InlineData(PayloadCompression.Gzip)]
    [InlineData(PayloadCompression.None)]
    public async Task TheIdentityRestoresIt(string compression)
    {
        string before = SampleDatabase.Content(_database);
        await BackUpAsync(compression: compression);
        SampleDatabase.Run(_database, "DELETE FROM secret_patients");
        File.Delete(Path.Join(_uploads, "letter.txt"));

        BackupRepository repository = Fresh(_keyFile);
        RestoreResult result = await RestoreAsync(repository, await OpenAsync(repository));

        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal(before, SampleDatabase.Content(_database));
        Assert.Equal(Secret, await File.ReadAllTextAsync(Path.Join(_uploads, "letter.txt")));
        // What the restore replaced is as private as what it restored, and the undo opens it.
        Backup safety = Assert.Single(await Fresh().ListAsync(null, CancellationToken.None), backup => backup.Reason == BackupReason.Safety);
        Assert.True(safety.Manifest!.IsSealed);
        Assert.Equal([_recipient], await new EncryptedBackups(Fresh()).RecipientsAsync(safety, CancellationToken.None));
        BackupRepository later = Fresh(_keyFile);
        RestoreRecord record = (await RestoreUndo.ListAsync(later, null, CancellationToken.None))[0];
        PreparedRestore undo = await RestoreUndo.PrepareAsync(later, new UndoRequest { Record = record, LockTimeout = SampleDatabase.Patience }, changeNothing: false, _bench.Observer, CancellationToken.None);
        await undo.RunAsync(_bench.Observer, CancellationToken.None);
        Assert.False(File.Exists(Path.Join(_uploads, "letter.txt")));
    }

    [Fact]
    public async Task AnotherIdentityIsToldWhoseItIs()
    {
        await BackUpAsync();
        IdentityFile.Create(_bench["keys/other.key"]);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => OpenAsync(Fresh(_bench["keys/other.key"])));
        Assert.Equal(ErrorCodes.KeyMismatch, failure.Code);
        Assert.Contains(_recipient, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APassphraseOpensItAndAWrongOneIsToldSo()
    {
        await _bench.BackUpAsync(Request() with { Sealing = BackupSealing.By("correct horse battery") });
        BackupRepository right = Fresh();
        right.Keys.AddPassphrase("correct horse battery");
        Assert.False((await OpenAsync(right)).Manifest!.IsSealed);
        BackupRepository wrong = Fresh();
        wrong.Keys.AddPassphrase("correct horse");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => OpenAsync(wrong));
        Assert.Equal(ErrorCodes.KeyMismatch, failure.Code);
        Assert.Contains("passphrase does not open", failure.Message, StringComparison.Ordinal);
        Assert.Contains("-Passphrase", (await Assert.ThrowsAnyAsync<BackupException>(() => OpenAsync(Fresh()))).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RecipientsChangeAndNoPayloadIsWritten()
    {
        Backup made = await BackUpAsync();
        Dictionary<string, DateTime> payloads = Directory.GetFiles(made.Location, "*.zst.age").ToDictionary(file => file, File.GetLastWriteTimeUtc);
        string other = IdentityFile.Create(_bench["keys/other.key"]);
        Backup listed = Assert.Single(await Fresh().ListAsync(null, CancellationToken.None));
        await Assert.ThrowsAnyAsync<BackupException>(() => new EncryptedBackups(Fresh(_bench["keys/other.key"])).ChangeRecipientsAsync(listed, BackupSealing.To([other]), CancellationToken.None));

        await new EncryptedBackups(Fresh(_keyFile)).ChangeRecipientsAsync(listed, BackupSealing.To([other]), CancellationToken.None);

        Assert.False((await OpenAsync(Fresh(_bench["keys/other.key"]))).Manifest!.IsSealed);
        Assert.Equal(ErrorCodes.KeyMismatch, (await Assert.ThrowsAnyAsync<BackupException>(() => OpenAsync(Fresh(_keyFile)))).Code);
        Assert.All(payloads, pair => Assert.Equal(pair.Value, File.GetLastWriteTimeUtc(pair.Key)));
        Assert.Empty(Directory.GetFiles(made.Location, "key.next*"));
        Assert.True((await TestAsync(Fresh(), listed, BackupTestLevel.Checksum)).Passed);
    }

    [Fact]
    public async Task AChangeOfRecipientsThatDiesAnywhereLosesNoKey()
    {
        Backup made = await BackUpAsync();
        string other = IdentityFile.Create(_bench["keys/other.key"]);
        Backup listed = Assert.Single(await Fresh().ListAsync(null, CancellationToken.None));
        int died = 0;
        for (int call = 1; ; call++)
        {
            var store = new DyingStore(new DirectoryStore(_bench.RepositoryPath), call);
            var repository = new BackupRepository(store) { Keys = Ring(_keyFile, _bench["keys/other.key"]) };
            Exception? death = await Record.ExceptionAsync(() => new EncryptedBackups(repository).ChangeRecipientsAsync(listed, BackupSealing.To([call % 2 == 0 ? _recipient : other]), CancellationToken.None));
            BackupRepository after = Fresh(_keyFile, _bench["keys/other.key"]);
            Assert.False((await OpenAsync(after)).Manifest!.IsSealed, $"after call {call}");
            BackupTestResult tested = await TestAsync(Fresh(), listed, BackupTestLevel.Checksum);
            Assert.True(tested.Passed, $"after call {call}: {tested.Failure}");
            // The lease of the dead one is this process's own: another process would see that it is dead.
            string leases = Path.Join(_bench.RepositoryPath, ".dbbackup", "leases");
            foreach (string lease in Directory.Exists(leases) ? Directory.GetFiles(leases) : [])
                File.Delete(lease);
            if (death is null)
                break;
            died++;
        }

        Assert.InRange(died, 8, 40);
        Assert.Equal(4, Directory.GetFiles(made.Location, "*.age").Length);
    }

    [Fact]
    public async Task EveryChangeIsFoundBeforeTheTargetIsTouched()
    {
        Backup made = await BackUpAsync();
        Backup other = await BackUpAsync();
        string present = SampleDatabase.Content(_database);
        string[] files = [.. Directory.GetFiles(made.Location).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];
        Assert.Equal(["RESTORE.full.txt.age", "RESTORE.txt", "app.db.zst.age", "backup.json", "key.age", "key.json", "uploads.tar.zst.age"], files);
        var random = new Random(16);
        int flips = 0, cuts = 0, swaps = 0, removals = 0;
        foreach (string file in files)
        {
            string path = Path.Join(made.Location, file);
            byte[] whole = await File.ReadAllBytesAsync(path);
            for (int sample = 0; sample < 12; sample++)
            {
                byte[] changed = [.. whole];
                changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
                await FoundAsync(made, path, changed, whole, present);
                flips++;
            }

            foreach (int length in (int[])[0, whole.Length / 2, whole.Length - 1])
            {
                await FoundAsync(made, path, whole[..length], whole, present);
                cuts++;
            }

            byte[] swapped = await File.ReadAllBytesAsync(Path.Join(other.Location, file));
            if (file is not "backup.json" && !swapped.AsSpan().SequenceEqual(whole))
            {
                await FoundAsync(made, path, swapped, whole, present);
                swaps++;
            }

            if (file is not "backup.json")
            {
                await FoundAsync(made, path, null, whole, present);
                removals++;
            }
        }

        Assert.Equal((84, 21, 6, 6), (flips, cuts, swaps, removals));
        Assert.True((await TestAsync(Fresh(_keyFile), made, BackupTestLevel.Checksum)).Passed);
    }

    [Fact]
    public async Task TheKeyOfAnotherBackupIsNoKeyOfThisOne()
    {
        Backup made = await BackUpAsync();
        Backup other = await BackUpAsync();
        foreach (string file in (string[])[RepositoryKeys.Key, RepositoryKeys.KeyRecord])
            File.Copy(Path.Join(other.Location, file), Path.Join(made.Location, file), overwrite: true);
        BackupRepository repository = Fresh(_keyFile);
        Backup listed = (await repository.ListAsync(null, CancellationToken.None)).Single(backup => backup.Name == made.Name);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => new EncryptedBackups(repository).OpenAsync(listed, CancellationToken.None));
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
        Assert.Contains("another backup", failure.Message, StringComparison.Ordinal);
        // And without a key.
        Assert.False((await TestAsync(Fresh(), listed, BackupTestLevel.Checksum)).Passed);
    }

    [Fact]
    public async Task ACopyNeedsNoKeyAndOpensLikeTheOriginal()
    {
        Backup made = await BackUpAsync();
        BackupRepository from = Fresh();
        var to = new BackupRepository(new DirectoryStore(_bench["copies"]));
        Backup listed = Assert.Single(await from.ListAsync(null, CancellationToken.None));
        Backup copy = await new BackupCopy(from, to).RunAsync(listed, allowNew: true, _bench.Observer, CancellationToken.None);
        Assert.Equal(TreeOf(made.Location), TreeOf(copy.Location));
        var opened = new BackupRepository(new DirectoryStore(_bench["copies"])) { Keys = Ring(_keyFile) };
        Assert.False((await new EncryptedBackups(opened).OpenAsync(copy, CancellationToken.None)).Manifest!.IsSealed);
    }

    [Fact]
    public async Task AListingTellsThatSomethingCollapsed()
    {
        await BackUpAsync();
        for (int i = 0; i < 30; i++)
            File.WriteAllBytes(Path.Join(_uploads, $"{i}.bin"), new byte[100_000]);
        await BackUpAsync();
        foreach (string file in Directory.GetFiles(_uploads, "*.bin"))
            File.Delete(file);
        await BackUpAsync();
        Backup newest = (await Fresh().ListAsync(null, CancellationToken.None))[0];
        Assert.True(newest.IsCollapsed);
        Assert.DoesNotContain("uploads", newest.Manifest!.Collapsed[0], StringComparison.Ordinal);
    }

    [Fact]
    public void AKeyIsNeverOverwrittenNorReadableByOthers()
    {
        byte[] before = File.ReadAllBytes(_keyFile);
        Assert.Equal(ErrorCodes.DestinationExists, Assert.ThrowsAny<BackupException>(() => IdentityFile.Create(_keyFile)).Code);
        Assert.Equal(before, File.ReadAllBytes(_keyFile));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_keyFile));
    }

    [Fact]
    public void NoErrorShowsASecretKey()
    {
        string secret = File.ReadAllLines(_keyFile)[^1];
        string broken = secret[..^1] + (secret[^1] == 'Q' ? 'P' : 'Q');
        foreach (Action act in (Action[])[() => BackupSealing.To([secret]), () => BackupSealing.To([broken]), () => new KeyRing().AddIdentity(broken, path => path), () => RecipientList.Read([secret], path => path)])
        {
            BackupException failure = Assert.ThrowsAny<BackupException>(act);
            Assert.Equal(ErrorCodes.KeyInvalid, failure.Code);
            Assert.DoesNotContain(secret[20..40], failure.ToString() + failure.Hint, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void RecipientsAreReadFromFilesWithComments()
    {
        File.WriteAllText(_bench["team.txt"], $"# the team\n\n{_recipient}\r\n  # none\n");
        Assert.Equal([_recipient, _recipient], RecipientList.Read([_bench["team.txt"], _recipient], path => path));
        File.WriteAllText(_bench["bad.txt"], $"{_recipient}\nssh-ed25519 AAAA\n");
        Assert.Contains("line 2", Assert.ThrowsAny<BackupException>(() => RecipientList.Read([_bench["bad.txt"]], path => path)).Message, StringComparison.Ordinal);
    }

    private async Task FoundAsync(Backup backup, string path, byte[]? changed, byte[] whole, string present)
    {
        if (changed is null)
            File.Delete(path);
        else
            await File.WriteAllBytesAsync(path, changed);
        try
        {
            string what = $"{Path.GetFileName(path)} with {changed?.Length} of {whole.Length} bytes";
            BackupRepository repository = Fresh(_keyFile);
            Backup listed = (await repository.ListAsync(null, CancellationToken.None)).Single(each => each.Name == backup.Name);
            // Without a key.
            bool isFound = listed.Problem is not null || !(await TestAsync(Fresh(), listed, BackupTestLevel.Checksum)).Passed;
            Assert.True(isFound, $"The test did not find {what}.");
            // With the key a restore gives back what was backed up, or touches nothing.
            string file = Path.GetFileName(path);
            if (file is "RESTORE.txt" or "RESTORE.full.txt.age" or "key.json")
                return;
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(async () =>
            {
                Backup opened = await new EncryptedBackups(repository).OpenAsync(listed, CancellationToken.None);
                await RestoreAsync(repository, opened);
            });
            Assert.True(failure.Category == FailureCategory.InvalidData || failure.Code is ErrorCodes.KeyMismatch or ErrorCodes.ManifestTooNew, $"{what}: {failure.Message}");
            Assert.Equal(present, SampleDatabase.Content(_database));
            Assert.Equal(Secret, await File.ReadAllTextAsync(Path.Join(_uploads, "letter.txt")));
        }
        finally
        {
            await File.WriteAllBytesAsync(path, whole);
            // What the tests noted is of the damaged one.
            if (Directory.Exists(Path.Join(backup.Location, "tests")))
                Directory.Delete(Path.Join(backup.Location, "tests"), recursive: true);
        }
    }

    private BackupRequest Request() => new() { Sources = [Workbench.Sqlite(_database), new FolderSource(_uploads)], Sealing = BackupSealing.To([_recipient]) };

    private Task<Backup> BackUpAsync(bool verify = false, string? compression = PayloadCompression.Zstd) =>
        _bench.BackUpAsync(Request() with { Verify = verify, Compression = compression, Fingerprint = verify ? FingerprintLevel.Content : FingerprintLevel.Rows });

    // As another process sees it, which knows nothing but the files.
    private BackupRepository Fresh(params string[] keys) => new(new DirectoryStore(_bench.RepositoryPath)) { Keys = Ring(keys) };

    private static KeyRing Ring(params string[] keys)
    {
        var ring = new KeyRing();
        foreach (string key in keys)
            ring.AddIdentity(key, path => path);
        return ring;
    }

    private static async Task<Backup> OpenAsync(BackupRepository repository) =>
        await new EncryptedBackups(repository).OpenAsync((await repository.ListAsync(null, CancellationToken.None))[^1], CancellationToken.None);

    private async Task<RestoreResult> RestoreAsync(BackupRepository repository, Backup backup)
    {
        PreparedRestore restore = await PreparedRestore.PrepareAsync(
            repository, new RestoreRequest { Backup = backup, LockTimeout = SampleDatabase.Patience }, changeNothing: false, _bench.Observer, CancellationToken.None);
        return await restore.RunAsync(_bench.Observer, CancellationToken.None);
    }

    private Task<BackupTestResult> TestAsync(BackupRepository repository, Backup backup, BackupTestLevel level) =>
        new Engine.Verification.BackupVerifier(repository).TestAsync(backup, new BackupTestOptions { Level = level }, _bench.Observer, CancellationToken.None);

    private static SortedDictionary<string, string> TreeOf(string folder) =>
        new(Directory.GetFiles(folder).ToDictionary(file => Path.GetFileName(file), file => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))), StringComparer.Ordinal);
}
