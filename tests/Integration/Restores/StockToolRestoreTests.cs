using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores;

/// <summary>Restores of SQLite databases that need the sqlite3 program, or root.</summary>
[Trait("Category", "Tool")]
public sealed class StockToolRestoreTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public StockToolRestoreTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task The_mode_and_owner_of_the_present_file_are_kept_and_of_a_missing_one_given_back()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Owners are only kept for root.");
        SampleDatabase.Create(_database);
        Shell.Run("chmod", "640", _database);
        Shell.Run("chown", "1234:2345", _database);
        Backup backup = await _bench.BackUpAsync(_database);
        Shell.Run("chmod", "606", _database);
        Shell.Run("chown", "77:88", _database);

        await _bench.RestoreAsync(backup);
        Assert.Equal("606 77:88", Shell.Run("stat", "-c", "%a %u:%g", _database).Trim());
        File.Delete(_database);
        await _bench.RestoreAsync(backup);
        Assert.Equal("640 1234:2345", Shell.Run("stat", "-c", "%a %u:%g", _database).Trim());
    }

    [Fact]
    public async Task A_sql_backup_is_restored_in_place()
    {
        Require.Tool("sqlite3");
        SampleDatabase.Create(_database, journal: "WAL");
        string wanted = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(Workbench.Sqlite(_database, SqliteFormat.Sql));
        SampleDatabase.Run(_database, "DELETE FROM notes");

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal(wanted, SampleDatabase.Content(_database));
        _bench.AssertNoLeftovers();
    }
}
