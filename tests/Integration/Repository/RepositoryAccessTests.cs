using DbBackup.Engine.Backups;
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

    // By sudo, say: what only root could read would stop each later run of the owner.
    [Fact]
    public async Task What_root_writes_into_another_users_repository_is_that_users_and_private()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Another user can only be played by root.");
        Require.Tool("setpriv");
        using var users = new TempFolder();
        string repository = users["backups"], database = users["app.db"];
        File.Copy(_database, database);
        Shell.Run("chmod", "755", users.Path);
        Directory.CreateDirectory(repository);
        Shell.Run("chown", "-R", "65534:65533", repository, database);
        Shell.Run("chmod", "700", repository);
        (int Exit, string Last) AsOwner(params string[] command)
        {
            (int exit, string output) = OtherProcess.Run(["setpriv", "--reuid=65534", "--regid=65533", "--clear-groups", "env", "HOME=/nonexistent", .. OtherProcess.Command(command)]);
            return (exit, output.Split('\n')[^1]);
        }


        Backup made = await new BackupService(new BackupRepository(new DirectoryStore(repository))).CreateAsync(
            new BackupRequest { Sources = [Workbench.Sqlite(database)], Name = "by-root", Verify = true }, _bench.Observer, CancellationToken.None);

        string[] entries = [repository, .. Directory.GetFileSystemEntries(repository, "*", SearchOption.AllDirectories)];
        Assert.Contains(entries, entry => entry.EndsWith("/by-root/backup.json", StringComparison.Ordinal));
        foreach (string entry in entries)
        {
            Assert.True(UnixFile.TryStat(entry, out UnixFileFacts facts));
            Assert.Equal((entry, 65534u, 65533u, "rwx"[..(facts.Kind == FileKind.Directory ? 3 : 2)]), (entry, facts.UserId, facts.GroupId, ModeOf(facts)));
        }

        Assert.Equal((0, $"{made} Matched"), AsOwner("list", repository));
        Assert.Equal((0, "tested Matched"), AsOwner("test", repository, "app", "by-root"));
        Assert.Equal(0, AsOwner("backupnamed", database, repository, "by-owner").Exit);
        Assert.Equal((0, "removed"), AsOwner("remove", repository, "app", "by-root"));
        // And root goes on in the owner's.
        Assert.Equal("by-owner", Assert.Single(await new BackupRepository(new DirectoryStore(repository)).ListAsync(null, CancellationToken.None)).Name);
        await new BackupService(new BackupRepository(new DirectoryStore(repository))).CreateAsync(
            new BackupRequest { Sources = [Workbench.Sqlite(database)], Name = "again" }, _bench.Observer, CancellationToken.None);
        Assert.Equal((0, "removed"), AsOwner("remove", repository, "app", "by-owner"));
    }

    // What only its owner may do.
    private static string ModeOf(UnixFileFacts facts) => (facts.Mode & 0x1FF) switch { 0x1C0 => "rwx", 0x180 => "rw", var other => Convert.ToString(other, 8) };

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
