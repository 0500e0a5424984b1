using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores;

/// <summary>Restores of a SQLite database that an application has open: refused, or with -Force done under its feet; what it commits is never lost.</summary>
[Trait("Category", "Kill")]
public sealed class OpenDatabaseRestoreTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public OpenDatabaseRestoreTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task A_database_that_another_process_has_open_is_refused_by_the_name_of_that_process(string journal)
    {
        SampleDatabase.Create(_database, journal: journal);
        Backup backup = await _bench.BackUpAsync(_database);
        using OtherProcess application = OtherProcess.Hold(_database);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(backup));

        Assert.Equal(ErrorCodes.TargetInUse, failure.Code);
        Assert.Contains($"dotnet (process {application.Process.Id})", failure.Message, StringComparison.Ordinal);
        Assert.Single(await _bench.ListAsync());
    }

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task A_database_that_is_opened_between_the_plan_and_the_swap_is_refused_and_unchanged(string journal)
    {
        SampleDatabase.Create(_database, journal: journal);
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Run(_database, "DELETE FROM notes WHERE id > 5");
        PreparedRestore restore = await PreparedRestore.PrepareAsync(
            _bench.Repository, new RestoreRequest { Backup = backup, LockTimeout = TimeSpan.FromSeconds(1) }, changeNothing: false, _bench.Observer, CancellationToken.None);
        using OtherProcess application = OtherProcess.Hold(_database);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => restore.RunAsync(_bench.Observer, CancellationToken.None));

        Assert.Equal(ErrorCodes.TargetInUse, failure.Code);
        Assert.Equal("5", application.Ask("SELECT count(*) FROM notes"));
        Assert.Equal("6", application.Ask("INSERT INTO notes VALUES (6, '', ''); SELECT count(*) FROM notes"));
        Assert.Equal(journal == "WAL" ? "wal" : "delete", application.Ask("PRAGMA journal_mode"));
        _bench.AssertNoLeftovers();
    }

    [Theory]
    [InlineData("WAL", "WAL")]
    [InlineData("DELETE", "DELETE")]
    [InlineData("WAL", "DELETE")]
    [InlineData("DELETE", "WAL")]
    public async Task With_force_an_open_connection_reads_the_restored_data_and_goes_on_writing(string backedUp, string present)
    {
        SampleDatabase.Create(_database, journal: backedUp);
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Run(_database, "PRAGMA journal_mode=" + present, "DELETE FROM notes", "CREATE TABLE later(x)");
        using OtherProcess application = OtherProcess.Hold(_database);
        Assert.Equal("0", application.Ask("SELECT count(*) FROM notes"));

        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Force = true });

        Assert.Equal("100", application.Ask("SELECT count(*) FROM notes"));
        Assert.Equal("101", application.Ask("INSERT INTO notes VALUES (1000, 'x', ''); SELECT count(*) FROM notes"));
        Assert.Equal("ok", application.Ask("PRAGMA integrity_check"));
        Assert.NotNull(result.SafetyBackup);
        application.Kill();
        Assert.Equal("101", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
        _bench.AssertNoLeftovers();
    }

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task No_row_that_visitors_commit_while_a_restore_runs_is_lost(string journal)
    {
        SampleDatabase.Create(_database, rows: 5000, journal: journal);
        SampleDatabase.Run(_database, "CREATE TABLE left_half(id INTEGER PRIMARY KEY, filler TEXT)", "CREATE TABLE right_half(id INTEGER PRIMARY KEY, filler TEXT)");
        Backup backup = await _bench.BackUpAsync(_database);
        using OtherProcess visitor = OtherProcess.Start("visit", _database);
        visitor.WaitFor(lines => lines.Count > 2);

        var states = new List<Backup>();
        int restored = 0;
        for (int attempt = 0; attempt < 100 && restored < 2; attempt++)
        {
            try
            {
                RestoreResult result = await _bench.RestoreAsync(backup);
                restored++;
                states.Add(result.SafetyBackup!);
            }
            catch (BackupException failure) when (failure.Code is ErrorCodes.TargetInUse or ErrorCodes.SourceLocked)
            {
                // A visitor was there at that moment: refused, nothing changed.
            }
        }

        visitor.Kill();
        Assert.True(restored > 0);
        // It may have died in the middle of a transaction, which the next writer rolls back.
        SampleDatabase.Run(_database, "BEGIN IMMEDIATE; COMMIT");
        var kept = new HashSet<long>();
        foreach (Backup state in states)
            kept.UnionWith(Ids(await _bench.RestoredCopyAsync(state)));
        kept.UnionWith(Ids(_database));
        Assert.All(visitor.Committed(), id => Assert.Contains(id, kept));
        _bench.AssertNoLeftovers();
    }

    private static List<long> Ids(string database)
    {
        using SqliteDatabase opened = SqliteDatabase.OpenLive(database, SampleDatabase.Patience, CancellationToken.None);
        return opened.Rows("SELECT id FROM left_half JOIN right_half USING(id)", row => row.GetInt64(0));
    }
}
