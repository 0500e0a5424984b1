using DbBackup.Engine.Encryption;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Encryption;

/// <summary>kill -9 while an encrypted backup is made: it is listed whole and opens, or there is none, and no key lies about.</summary>
[Trait("Category", "Kill")]
public sealed class KilledEncryptedBackupTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task AKilledBackupIsListedWholeAndOpensOrIsNotListed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no kill -9.");
        string database = SampleDatabase.Create(_bench["app.db"], rows: 20_000, journal: "WAL");
        string recipient = IdentityFile.Create(_bench["my.key"]);
        var environment = new Dictionary<string, string> { ["DBBACKUP_TEST_RECIPIENT"] = recipient };
        (int ExitCode, string Output) Run(string killAt) => OtherProcess.Run(environment, OtherProcess.Command("backup", database, _bench.RepositoryPath, killAt));
        (int exit, string output) = Run("0");
        Assert.True(exit == 0, output);
        int reports = KillPoints.CountReports(output);
        Assert.True(reports >= 5, $"It reported only {reports} times.");

        await KillPoints.KillAtEachAsync(KillPoints.Of(reports), Run, (_, _) => AssertAllOpenAsync());

        Assert.Equal(0, Run("0").ExitCode);
        Assert.True(await AssertAllOpenAsync() >= 2);
        _bench.AssertNothingStaged();
        foreach (string file in Directory.EnumerateFiles(_bench.RepositoryPath, "*", SearchOption.AllDirectories))
            Assert.DoesNotContain("AGE-SECRET-KEY", System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)), StringComparison.Ordinal);
    }

    private async Task<int> AssertAllOpenAsync()
    {
        var keys = new KeyRing();
        keys.AddIdentity(_bench["my.key"], path => path);
        var repository = new BackupRepository(new DirectoryStore(_bench.RepositoryPath)) { Keys = keys };
        IReadOnlyList<Backup> all = await repository.ListAsync(null, CancellationToken.None);
        foreach (Backup backup in all)
        {
            Assert.True(backup.IsEncrypted);
            BackupTestResult tested = await new Engine.Verification.BackupVerifier(repository).TestAsync(backup, new Engine.Engines.BackupTestOptions { Level = BackupTestLevel.Restore }, SilentObserver.Instance, CancellationToken.None);
            Assert.True(tested.Passed, tested.Failure);
        }

        return all.Count;
    }
}
