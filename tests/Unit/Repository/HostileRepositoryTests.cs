using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Retention;
using DbBackup.Engine.Verification;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

/// <summary>What somebody has put into a repository who may write to it, and what root's next commands make of it.</summary>
public sealed class HostileRepositoryTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("backup.json", "link")]
    [InlineData("backup.json", "FIFO")]
    [InlineData("backup.json", "link to a device")]
    [InlineData("app.db.zst", "link")]
    [InlineData("app.db.zst", "FIFO")]
    [InlineData("app.db.zst", "link to a device")]
    [InlineData("RESTORE.txt", "link")]
    [InlineData("RESTORE.txt", "FIFO")]
    public async Task What_is_no_file_of_a_backup_is_never_opened_and_hides_no_other(string file, string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "FIFOs and links are made as Linux has them.");
        Backup good = await BackUpAsync();
        Backup bad = await BackUpAsync();
        string path = Path.Join(bad.Location, file);
        File.Move(path, _bench["moved"]);
        Plant(path, kind, _bench["moved"]);

        IReadOnlyList<Backup> listed = await Within(_bench.ListAsync());

        Assert.Equal(2, listed.Count);
        Assert.Null(listed.Single(backup => backup.Name == good.Name).Problem);
        Backup found = listed.Single(backup => backup.Name == bad.Name);
        if (file == "backup.json")
        {
            Assert.Contains("in the repository is a", found.Problem, StringComparison.Ordinal);
        }
        else
        {
            BackupTestResult result = await Within(new BackupVerifier(_bench.Repository).TestAsync(found, new BackupTestOptions { Level = BackupTestLevel.Checksum }, _bench.Observer, CancellationToken.None));
            Assert.Contains(result.Checks, check => !check.Passed && check.Detail.Contains("in the repository is a", StringComparison.Ordinal));
        }

        BackupTestResult test = await Within(new BackupVerifier(_bench.Repository).TestAsync(good, new BackupTestOptions { Level = BackupTestLevel.Checksum }, _bench.Observer, CancellationToken.None));
        Assert.True(test.Passed, string.Join("; ", test.Checks));
    }

    [Theory]
    [InlineData(".dbbackup")]
    [InlineData(".dbbackup/work")]
    [InlineData(".dbbackup/leases")]
    [InlineData("app")]
    [InlineData("app/NAME")]
    [InlineData("app/NAME/tests")]
    public async Task A_folder_that_is_a_link_leads_nowhere(string folder)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Links are made as Linux has them.");
        Backup backup = await BackUpAsync();
        Backup other = await BackUpAsync("other.db");
        string outside = Directory.CreateDirectory(_bench["outside"]).FullName;
        // What a sweep would take for the leavings of a dead run, and a removal for a backup's files.
        Directory.CreateDirectory(Path.Join(outside, $"dbbackup-removed-{Guid.NewGuid():N}"));
        Directory.CreateDirectory(Path.Join(outside, "work", $"dbbackup-removed-{Guid.NewGuid():N}"));
        File.WriteAllText(Path.Join(outside, "app.db.zst"), "keep");
        File.WriteAllText(Path.Join(outside, $"{Guid.NewGuid():N}.json"), "{}");
        string before = Look(outside);
        string path = Path.Join(_bench.RepositoryPath, folder.Replace("NAME", backup.Name, StringComparison.Ordinal));
        if (Directory.Exists(path))
            Directory.Move(path, _bench["away"]);
        Directory.CreateSymbolicLink(path, outside);

        await Tried(async () => await _bench.ListAsync());
        await Tried(async () => await new BackupVerifier(_bench.Repository).TestAsync(backup, new BackupTestOptions { Level = BackupTestLevel.Restore }, _bench.Observer, CancellationToken.None));
        await Tried(async () => await new BackupVerifier(_bench.Repository).TestAsync(other, new BackupTestOptions { Level = BackupTestLevel.Restore }, _bench.Observer, CancellationToken.None));
        await Tried(async () => await BackUpAsync());
        await Tried(async () => await new BackupRemoval(_bench.Repository).RemoveAsync(backup, force: true, new(), _bench.Observer, CancellationToken.None));

        Assert.Equal(before, Look(outside));
    }

    [Fact]
    public async Task Folders_deeper_than_any_path_keep_nobody_from_the_backups()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Deep folders are made as Linux can.");
        Backup backup = await BackUpAsync();
        foreach (string place in (string[])[".dbbackup/work", "app", $"app/{backup.Name}", $"app/{backup.Name}/tests"])
            Dig(Directory.CreateDirectory(Path.Join(_bench.RepositoryPath, place)).FullName);
        string work = Path.Join(_bench.RepositoryPath, ".dbbackup", "work", $"dbbackup-removed-{Guid.NewGuid():N}");
        Directory.CreateDirectory(work);
        Dig(work);

        Assert.Null(Assert.Single(await _bench.ListAsync()).Problem);
        BackupTestResult test = await new BackupVerifier(_bench.Repository).TestAsync(backup, new BackupTestOptions { Level = BackupTestLevel.Restore }, _bench.Observer, CancellationToken.None);
        Assert.True(test.Passed, string.Join("; ", test.Checks));
        await BackUpAsync();
        Assert.False(Directory.Exists(work), "A deep folder that is this user's own is swept.");
        await new BackupRemoval(_bench.Repository).RemoveAsync(backup, force: true, new(), _bench.Observer, CancellationToken.None);
        Assert.Single(await _bench.ListAsync());
        FolderRemoval.Delete(_bench.RepositoryPath);
    }

    private async Task<Backup> BackUpAsync(string name = "app.db")
    {
        string database = _bench[name];
        if (!File.Exists(database))
            SampleDatabase.Create(database);
        return await _bench.BackUpAsync(database);
    }

    private static void Plant(string path, string kind, string target)
    {
        if (kind == "FIFO")
            Assert.True(UnixFile.TryMakeFifo(path));
        else
            File.CreateSymbolicLink(path, kind == "link" ? target : "/dev/zero");
    }

    private static async Task Tried(Func<Task> action)
    {
        try
        {
            await action().WaitAsync(TimeSpan.FromSeconds(60));
        }
        catch (BackupException failure)
        {
            ErrorAssert.Sound(failure, "no secret");
        }
    }

    private static Task<T> Within<T>(Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(60));

    private static string Look(string folder) =>
        string.Join('\n', Directory.GetFileSystemEntries(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Order(StringComparer.Ordinal));

    // 30 folders with names of 250 letters, twice what a path may have.
    private static void Dig(string folder)
    {
        int descriptor = LibC.Open(folder, LibC.OpenReadOnly | LibC.OpenDirectory);
        Assert.True(descriptor >= 0);
        for (int level = 0; level < 30; level++)
        {
            string name = new('d', 250);
            Assert.Equal(0, LibC.Mkdirat(descriptor, name, 0x1C0));
            int next = LibC.Openat(descriptor, name, LibC.OpenReadOnly | LibC.OpenDirectory);
            _ = LibC.Close(descriptor);
            descriptor = next;
        }

        _ = LibC.Close(descriptor);
    }
}
