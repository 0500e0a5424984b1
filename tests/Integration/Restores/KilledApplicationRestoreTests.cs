using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores;

/// <summary>What an application that was killed has left beside its database: a log or a journal that a restore must neither lose nor fall for.</summary>
[Trait("Category", "Kill")]
public sealed class KilledApplicationRestoreTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public KilledApplicationRestoreTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_log_that_a_killed_application_left_does_not_undo_the_restore_and_its_rows_are_in_the_safety_backup()
    {
        SampleDatabase.Create(_database, journal: "WAL");
        string wanted = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        using (OtherProcess application = OtherProcess.Hold(_database))
        {
            application.Ask("UPDATE notes SET text = 'only in the log'");
            application.Kill();
        }

        Assert.True(new FileInfo(_database + "-wal").Length > 0);
        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.False(File.Exists(_database + "-wal"));
        Assert.Equal(wanted, SampleDatabase.Content(_database));
        string safety = await _bench.RestoredCopyAsync(result.SafetyBackup!);
        Assert.Equal("only in the log", SampleDatabase.Text(safety, "SELECT max(text) FROM notes"));
    }

    [Fact]
    public async Task Control_a_copy_beside_the_old_log_is_undone_by_it()
    {
        SampleDatabase.Create(_database, journal: "WAL");
        Backup backup = await _bench.BackUpAsync(_database);
        string copy = await _bench.RestoredCopyAsync(backup);
        using (OtherProcess application = OtherProcess.Hold(_database))
        {
            application.Ask("UPDATE notes SET text = 'only in the log'");
            application.Kill();
        }

        File.Copy(copy, _database, overwrite: true);

        Assert.Equal("ok", SampleDatabase.Text(_database, "PRAGMA integrity_check"));
        Assert.Equal("only in the log", SampleDatabase.Text(_database, "SELECT max(text) FROM notes"));
    }

    [Fact]
    public async Task A_transaction_that_died_in_the_middle_is_rolled_back_before_the_safety_backup()
    {
        Backup backup = await DieInTheMiddleAsync();

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(BackupStatus.Matched, result.Status);
        string safety = await _bench.RestoredCopyAsync(result.SafetyBackup!);
        Assert.Equal("note 1", SampleDatabase.Text(safety, "SELECT text FROM notes WHERE id = 1"));
        Assert.Equal("ok", SampleDatabase.Text(safety, "PRAGMA integrity_check"));
    }

    [Fact]
    public async Task A_backup_rolls_a_transaction_that_died_in_the_middle_back_in_its_copy_and_touches_no_file()
    {
        await DieInTheMiddleAsync();
        (byte[] database, byte[] journal) = (File.ReadAllBytes(_database), File.ReadAllBytes(_database + "-journal"));

        Backup alone = await _bench.BackUpAsync(_database);
        string folder = Directory.CreateDirectory(_bench["files"]).FullName;
        File.WriteAllBytes(Path.Join(folder, "app.db"), database);
        File.WriteAllBytes(Path.Join(folder, "app.db-journal"), journal);
        Backup amongFiles = await _bench.BackUpAsync(new BackupRequest { Sources = [new FolderSource(folder)], SourceName = "files" });

        Assert.Equal(database, File.ReadAllBytes(_database));
        Assert.Equal(journal, File.ReadAllBytes(_database + "-journal"));
        foreach (Backup backup in new[] { alone, amongFiles })
        {
            Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Restore)).Passed);
            string copy = await _bench.RestoredCopyAsync(backup);
            Assert.Equal("0", SampleDatabase.Text(copy, "SELECT count(*) FROM notes WHERE text = 'half'"));
            Assert.Equal("5000", SampleDatabase.Text(copy, "SELECT count(*) FROM notes"));
        }
    }

    // More is changed than the cache holds, so that half of the transaction is in the file already.
    private async Task<Backup> DieInTheMiddleAsync()
    {
        SampleDatabase.Create(_database, rows: 5000);
        Backup backup = await _bench.BackUpAsync(_database);
        using OtherProcess application = OtherProcess.Hold(_database);
        application.Ask("PRAGMA cache_size=5; BEGIN; UPDATE notes SET text = 'half'; SELECT 1");
        application.Kill();
        Assert.True(new FileInfo(_database + "-journal").Length > 0);
        return backup;
    }
}
