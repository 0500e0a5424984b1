using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>Uploads that are not mounted, or another, empty database: the backup succeeds, and must not count for what was there.</summary>
public sealed class BackupCollapseTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_folder_that_is_suddenly_almost_empty_warns_and_is_not_the_last_good_one()
    {
        SampleDatabase.Create(_bench["app.db"]);
        Directory.CreateDirectory(_bench["uploads"]);
        for (int i = 0; i < 301; i++)
            File.WriteAllText(_bench[$"uploads/{i}.png"], "image");
        Backup full = await _bench.BackUpAsync(_bench["app.db"], _bench["uploads"]);
        foreach (string file in Directory.EnumerateFiles(_bench["uploads"]))
            File.Delete(file);

        Backup empty = await _bench.BackUpAsync(_bench["app.db"], _bench["uploads"]);

        Assert.Equal("uploads: 1 entries instead of 302", Assert.Single(empty.Manifest!.Collapsed));
        Assert.True(empty.IsCollapsed);
        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("far less", StringComparison.Ordinal) && warning.Contains("-AllowCollapse", StringComparison.Ordinal));
        IReadOnlyList<Backup> all = await _bench.ListAsync();
        Assert.Equal(full.Name, Assert.Single(BackupSelection.LatestGood(all, null)).Name);
        Assert.Equal(full.Name, LastGood.Of(all, backup => backup.Name == full.Name)?.Name);

        // The next one is compared with the full one too, until a person says that it is right.
        Assert.True((await _bench.BackUpAsync(_bench["app.db"], _bench["uploads"])).IsCollapsed);
        var request = new BackupRequest { Sources = [Workbench.Sqlite(_bench["app.db"]), new FolderSource(_bench["uploads"])] };
        Backup accepted = await _bench.BackUpAsync(request with { AllowCollapse = true });
        Assert.False(accepted.IsCollapsed);
        Assert.Equal(accepted.Name, Assert.Single(BackupSelection.LatestGood(await _bench.ListAsync(), null)).Name);
        Assert.False((await _bench.BackUpAsync(request)).IsCollapsed);
    }

    [Theory]
    [InlineData("DELETE FROM notes WHERE id > 5", true)]
    [InlineData("DELETE FROM notes WHERE id > 50", false)]
    [InlineData("DELETE FROM notes; VACUUM", true)]
    public async Task Rows_that_are_suddenly_gone_are_seen(string change, bool expected)
    {
        string path = SampleDatabase.Create(_bench["app.db"]);
        await _bench.BackUpAsync(path);
        SampleDatabase.Run(path, change.Split("; "));

        Assert.Equal(expected, (await _bench.BackUpAsync(path)).IsCollapsed);
    }

    [Fact]
    public async Task Bytes_and_databases_of_a_folder_that_are_gone_are_seen()
    {
        SampleDatabase.Create(_bench["app.db"]);
        Directory.CreateDirectory(_bench["data"]);
        SampleDatabase.Create(_bench["data/one.db"]);
        File.WriteAllBytes(_bench["data/video"], new byte[3 << 20]);
        await _bench.BackUpAsync(_bench["app.db"], _bench["data"]);

        File.WriteAllBytes(_bench["data/video"], []);
        Assert.Contains("bytes instead of", Assert.Single((await _bench.BackUpAsync(_bench["app.db"], _bench["data"])).Manifest!.Collapsed), StringComparison.Ordinal);
        File.Delete(_bench["data/one.db"]);
        Assert.Contains("data: 0 databases instead of 1", (await _bench.BackUpAsync(_bench["app.db"], _bench["data"])).Manifest!.Collapsed);
    }

    [Fact]
    public async Task A_safety_backup_may_well_hold_little()
    {
        string path = SampleDatabase.Create(_bench["app.db"]);
        Backup full = await _bench.BackUpAsync(path);
        SampleDatabase.Run(path, "DELETE FROM notes");

        await _bench.RestoreAsync(full);

        Assert.DoesNotContain(await _bench.ListAsync(), backup => backup.IsCollapsed);
    }
}
