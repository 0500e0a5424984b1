using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.Sqlite;

/// <summary>Databases that another process writes all the time.</summary>
[Trait("Category", "Tool")]
public sealed class SqliteSourceBusyTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    [InlineData("TRUNCATE")]
    public async Task A_backup_beside_a_busy_writer_holds_all_rows_committed_before_and_no_half_transaction(string journal)
    {
        string path = SampleDatabase.Create(_bench["app.db"], rows: 60_000, journal: journal);
        using OtherProcess writer = OtherProcess.Write(path);

        for (int round = 0; round < 3; round++)
        {
            long before = writer.LastCommitted();
            Backup backup = await _bench.BackUpAsync(
                new BackupRequest { Sources = [Workbench.Sqlite(path)], Fingerprint = FingerprintLevel.Content, Verify = true });
            Assert.False(writer.Process.HasExited);

            Assert.Equal(BackupStatus.Matched, backup.Status);
            string copy = await _bench.RestoredCopyAsync(backup);
            Assert.Equal("ok", SampleDatabase.Text(copy, "PRAGMA integrity_check"));
            Assert.Equal("0", SampleDatabase.Text(copy, "SELECT count(*) FROM left_half WHERE id NOT IN (SELECT id FROM right_half)"));
            long last = long.Parse(SampleDatabase.Text(copy, "SELECT max(id) FROM left_half")!, System.Globalization.CultureInfo.InvariantCulture);
            Assert.True(last >= before, $"Row {before} was committed before the backup began, but the last one in it is {last}.");
            Assert.Equal(last.ToString(System.Globalization.CultureInfo.InvariantCulture), SampleDatabase.Text(copy, "SELECT count(*) FROM right_half"));
        }
    }

    [Fact]
    public async Task A_sql_dump_is_made_of_one_moment_of_a_busy_database()
    {
        Require.Tool("sqlite3");
        string path = SampleDatabase.Create(_bench["app.db"], journal: "WAL");
        using OtherProcess writer = OtherProcess.Write(path);

        Backup backup = await _bench.BackUpAsync(Workbench.Sqlite(path, SqliteFormat.Sql));

        Assert.True((await _bench.TestAsync(backup, BackupTestLevel.Restore)).Passed);
    }
}
