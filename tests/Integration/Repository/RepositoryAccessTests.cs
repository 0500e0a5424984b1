using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository;

/// <summary>Repositories on a read-only disk, of another user, and with what a dead run left.</summary>
[Trait("Category", "Tool")]
[Trait("Category", "Kill")]
public sealed class RepositoryAccessTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public RepositoryAccessTests() => _database = SampleDatabase.Create(_bench["app.db"]);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_read_only_repository_is_listed_tested_and_restored_from_but_not_written()
    {
        using var disk = new SmallDisk(32);
        using var bench = new Workbench(disk["backups"]);
        Backup backup = await bench.BackUpAsync(_database);
        disk.MakeReadOnly();

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.BackUpAsync(_database));

        Assert.Equal(ErrorCodes.RepositoryNotWritable, failure.Code);
        Assert.True((await bench.TestAsync(Assert.Single(await bench.ListAsync()), BackupTestLevel.Restore)).Passed);
        await bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["restored.db"] });
        Assert.Equal(SampleDatabase.Content(_database), SampleDatabase.Content(_bench["restored.db"]));
    }

    [Fact]
    public async Task A_repository_that_a_user_may_not_read_is_reported_as_such()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Another user can only be played by root.");
        Require.Tool("setpriv");
        await _bench.BackUpAsync(_database);
        Shell.Run("chmod", "755", _bench.Folder.Path, _bench.RepositoryPath);
        Shell.Run("chmod", "700", Path.Join(_bench.RepositoryPath, "app"));

        (int exit, string output) = OtherProcess.Run(
            ["setpriv", "--reuid=65534", "--clear-groups", "env", "HOME=/tmp", .. OtherProcess.Command("list", _bench.RepositoryPath)]);

        Assert.Equal(1, exit);
        Assert.Contains(ErrorCodes.ReadFailed, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_dead_run_staged_is_swept_and_what_a_living_one_stages_is_kept()
    {
        await _bench.BackUpAsync(_database);
        BackupDraft living = await BackupDraft.ReserveAsync(_bench.Store, new BackupKey("app", "living"), mayRename: false, CancellationToken.None);
        await living.WriteAsync("payload", stream => stream.WriteAsync(new byte[10]).AsTask(), CancellationToken.None);
        using LocalWorkspace scratch = await _bench.Repository.OpenScratchAsync(null, 0, CancellationToken.None);
        using (OtherProcess dead = OtherProcess.Start("backup", _database, _bench.RepositoryPath, "4"))
            dead.Process.WaitForExit();
        string work = Path.Join(_bench.RepositoryPath, ".dbbackup", "work");
        string leases = Path.Join(_bench.RepositoryPath, ".dbbackup", "leases");
        Assert.Equal(2, Directory.GetDirectories(work).Length);
        // That of the living one; the dead one's name and the number that it would have had.
        Assert.Equal(3, Directory.GetFiles(leases).Length);

        await _bench.BackUpAsync(_database);

        Assert.StartsWith(Assert.Single(Directory.GetDirectories(work)), scratch.Path, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(leases));
        Assert.True(File.Exists(Path.Join(_bench.RepositoryPath, "app", "living", "payload")));
        await living.DisposeAsync();
        Assert.Empty(Directory.GetFiles(leases));
        Assert.False(Directory.Exists(Path.Join(_bench.RepositoryPath, "app", "living")));
    }
}
