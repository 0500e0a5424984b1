using DbBackup.Engine.Encryption;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;
using DbBackup.Upgrades;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>Upgrades whose backups are encrypted, on a host that has the public key alone.</summary>
[Trait("Category", "Tool")]
public sealed class EncryptedUpgradeTests : IDisposable
{
    private const string Loses = "sqlite3 app.db 'DELETE FROM notes WHERE id > 50'; exit 3";
    private readonly UpgradeBench _bench = new();
    private readonly string _keyFile;
    private readonly BackupSealing _sealing;

    public EncryptedUpgradeTests()
    {
        _keyFile = _bench.Files["keys/my.key"];
        _sealing = BackupSealing.To([IdentityFile.Create(_keyFile)]);
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_public_key_alone_rehearses_migrates_and_rolls_back()
    {
        UpgradeResult failed = await _bench.RunAsync(_bench.Request(UpgradeBench.Good, "SELECT count(*) FROM notes WHERE extra IS NULL") with { Sealing = _sealing, Timeout = TimeSpan.FromSeconds(5) });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (failed.State, UpgradeBench.StateOf(failed, "Rehearsal")));
        failed = await _bench.RunAsync(_bench.Request(Loses) with { Sealing = _sealing, NoRehearsal = true });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (failed.State, UpgradeBench.StateOf(failed, "Migration")));
        _bench.AssertAsBefore();

        UpgradeResult result = await _bench.RunAsync(_bench.Request(UpgradeBench.Good) with { Sealing = _sealing });
        Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
        Assert.True(_bench.IsMigrated);
        Assert.Equal(_sealing.Names, result.Recipients);

        // Rehearsals', safety and pre-migration backups alike: no file in the repository tells of the content, and no journal has a key.
        Assert.All(await _bench.Files.ListAsync(), backup => Assert.True(backup.Manifest!.IsSealed, backup.ToString()));
        foreach (string file in Directory.EnumerateFiles(_bench.Files.RepositoryPath, "*", SearchOption.AllDirectories))
            Assert.True((await File.ReadAllBytesAsync(file)).AsSpan().IndexOf("CREATE TABLE"u8) < 0, file);
        foreach (string journal in Directory.EnumerateFiles(_bench.Journals, "*.json"))
            Assert.DoesNotContain("AGE-SECRET-KEY", await File.ReadAllTextAsync(journal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_success_is_rolled_back_with_the_secret_key_and_nothing_is_touched_without()
    {
        UpgradeResult result = await _bench.RunAsync(_bench.Request(UpgradeBench.Good) with { Sealing = _sealing });
        string migrated = SampleDatabase.Content(_bench.Database);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.Service.UndoAsync(result.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None));
        Assert.Equal(ErrorCodes.BackupEncrypted, refused.Code);
        Assert.Contains(_sealing.Names[0], refused.Message, StringComparison.Ordinal);
        Assert.Equal(migrated, SampleDatabase.Content(_bench.Database));
        Assert.Equal(UpgradeState.Succeeded, _bench.Service.List()[0].State);

        var keys = new KeyRing();
        keys.AddIdentity(_keyFile, path => path);
        Assert.Equal(UpgradeState.RolledBack, (await _bench.Service.UndoAsync(result.Id, null, keys, _bench.Files.Observer, CancellationToken.None)).State);
        _bench.AssertAsBefore();
        Backup safety = Assert.Single(await _bench.Files.ListAsync(), backup => backup.Reason == BackupReason.Safety);
        Assert.Equal(_sealing.Names, await new EncryptedBackups(_bench.Files.Repository).RecipientsAsync(safety, CancellationToken.None));
    }

    [Fact]
    public async Task What_failed_is_rolled_back_later_without_the_secret_key_and_the_journal_forgets_the_backups()
    {
        UpgradeResult failed = await _bench.RunAsync(_bench.Request(Loses) with { Sealing = _sealing, NoRehearsal = true, NoRollback = true });
        Assert.Equal(UpgradeState.Failed, failed.State);
        Assert.Equal("50", SampleDatabase.Text(_bench.Database, "SELECT count(*) FROM notes"));
        string journal = Path.Join(_bench.Journals, failed.Id + ".json");
        Assert.Contains("AGE-SECRET-KEY", await File.ReadAllTextAsync(journal), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(journal));
        await _bench.Service.UndoAsync(failed.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None);
        _bench.AssertAsBefore();
        Assert.DoesNotContain("AGE-SECRET-KEY", await File.ReadAllTextAsync(journal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_passphrase_is_asked_for_before_a_rollback_touches_anything()
    {
        var repository = new BackupRepository(_bench.Files.Store, null, SignerMemory.OfUser);
        repository.Keys.AddPassphrase("correct horse");
        UpgradeRequest request = _bench.Request(UpgradeBench.Good) with { Sealing = BackupSealing.By("correct horse") };
        UpgradeResult result = await _bench.Service.RunAsync(request, repository, _bench.Files.Observer, CancellationToken.None);
        Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
        Assert.DoesNotContain("correct horse", await File.ReadAllTextAsync(Path.Join(_bench.Journals, result.Id + ".json")), StringComparison.Ordinal);
        string migrated = SampleDatabase.Content(_bench.Database);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.Service.UndoAsync(result.Id, null, new KeyRing(), _bench.Files.Observer, CancellationToken.None));
        Assert.Contains("-Passphrase", refused.Hint, StringComparison.Ordinal);
        Assert.Equal(migrated, SampleDatabase.Content(_bench.Database));
        var keys = new KeyRing();
        keys.AddPassphrase("correct horse");
        await _bench.Service.UndoAsync(result.Id, null, keys, _bench.Files.Observer, CancellationToken.None);
        _bench.AssertAsBefore();
    }

    [Fact]
    public async Task Beside_encrypted_backups_none_in_plain_form_is_made()
    {
        await _bench.RunAsync(_bench.Request("true") with { Sealing = _sealing });
        DateTime written = File.GetLastWriteTimeUtc(_bench.Database);
        UpgradeResult refused = await _bench.RunAsync(_bench.Request(UpgradeBench.Good));
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (refused.State, UpgradeBench.StateOf(refused, "Preflight")));
        Assert.Contains(_sealing.Names[0], refused.Failure, StringComparison.Ordinal);
        Assert.Contains("-Recipient", refused.Recommendation, StringComparison.Ordinal);
        BackupException planned = await Assert.ThrowsAnyAsync<BackupException>(() => UpgradeService.PlanAsync(_bench.Request(UpgradeBench.Good), _bench.Files.Repository, CancellationToken.None));
        Assert.Equal(ErrorCodes.RecipientRequired, planned.Code);
        Assert.Equal(written, File.GetLastWriteTimeUtc(_bench.Database));
        Assert.All(await _bench.Files.ListAsync(), backup => Assert.True(backup.IsEncrypted));

        // A place of its own for it.
        UpgradeResult elsewhere = await _bench.Service.RunAsync(
            _bench.Request(UpgradeBench.Good), new BackupRepository(new DirectoryStore(_bench.Files["here"]), null, SignerMemory.OfUser), _bench.Files.Observer, CancellationToken.None);
        Assert.True(UpgradeState.Succeeded == elsewhere.State, elsewhere.Failure);
    }
}
