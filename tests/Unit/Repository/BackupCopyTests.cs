using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

public sealed class BackupCopyTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly Workbench _other = new();
    private readonly string _database;

    public BackupCopyTests() => _database = SampleDatabase.Create(_bench["app.db"]);

    public void Dispose()
    {
        _bench.Dispose();
        _other.Dispose();
    }

    private Task<Backup> CopyAsync(Backup backup, CancellationToken token = default) => new BackupCopy(_bench.Repository, _other.Repository).RunAsync(backup, allowNew: false, _bench.Observer, token);

    [Fact]
    public async Task A_copy_is_the_same_files_with_the_same_tests_and_restores()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        await _bench.TestAsync(backup, BackupTestLevel.Restore);
        backup = (await _bench.ListAsync())[0];

        Backup copy = await CopyAsync(backup);

        Assert.Equal(TreeOf(backup.Location), TreeOf(copy.Location));
        Assert.Equal(backup.Status, copy.Status);
        Assert.Equal(BackupStatus.Matched, (await _other.TestAsync(copy, BackupTestLevel.Restore)).Status);
    }

    [Fact]
    public async Task A_second_copy_changes_nothing_but_brings_newer_tests()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        Backup copy = await CopyAsync(backup);
        DateTime written = File.GetLastWriteTimeUtc(Path.Join(copy.Location, "backup.json"));
        await _bench.TestAsync(backup, BackupTestLevel.Checksum);

        await CopyAsync(backup);

        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Join(copy.Location, "backup.json")));
        Assert.Single((await _other.ListAsync())[0].Tests);
    }

    [Fact]
    public async Task A_damaged_backup_is_not_copied()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        string payload = Directory.GetFiles(backup.Location, "app.db*").Single();
        byte[] content = File.ReadAllBytes(payload);
        content[^5] ^= 1;
        File.WriteAllBytes(payload, content);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => CopyAsync(backup));

        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
        ErrorAssert.Sound(failure);
        await _other.AssertNothingListedOrStagedAsync();
        Assert.False(Directory.Exists(Path.Join(_other.RepositoryPath, "app")));
    }

    [Fact]
    public async Task Another_backup_of_the_same_name_is_not_touched()
    {
        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Name = "one" });
        Backup other = await _other.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Name = "one" });
        string[] before = TreeOf(other.Location);

        Assert.Equal(ErrorCodes.BackupExists, (await Assert.ThrowsAnyAsync<BackupException>(() => CopyAsync(backup))).Code);
        Assert.Equal(before, TreeOf(other.Location));
    }

    [Fact]
    public async Task A_copy_that_is_stopped_is_no_backup_and_the_next_one_is_whole()
    {
        Backup backup = await _bench.BackUpAsync(_database);
        using var stop = new CancellationTokenSource();
        _bench.Observer.At = step =>
        {
            if (step.StartsWith("app.db", StringComparison.Ordinal))
                stop.Cancel();
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CopyAsync(backup, stop.Token));
        Assert.Empty(await _other.ListAsync());
        _bench.Observer.At = null;
        Assert.Equal(backup.Name, (await CopyAsync(backup)).Name);
        _other.AssertNothingStaged();
    }

    [Fact]
    public async Task A_repository_is_not_copied_into_itself()
    {
        Backup backup = await _bench.BackUpAsync(_database);

        Assert.Equal(ErrorCodes.InvalidArgument, (await Assert.ThrowsAnyAsync<BackupException>(
            () => new BackupCopy(_bench.Repository, _bench.Repository).RunAsync(backup, allowNew: false, _bench.Observer, CancellationToken.None))).Code);
    }

    private static string[] TreeOf(string folder) =>
        [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => $"{Path.GetRelativePath(folder, file)} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))}")];
}
