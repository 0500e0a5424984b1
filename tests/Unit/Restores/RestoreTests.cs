using DbBackup.Engine.Restores;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>Restores of SQLite databases in place: what is there is replaced, and kept.</summary>
public sealed class RestoreTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public RestoreTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("WAL")]
    [InlineData("DELETE")]
    public async Task The_present_state_is_replaced_and_kept_in_the_safety_backup(string journal)
    {
        SampleDatabase.Create(_database, journal: journal);
        string wanted = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Run(_database, "UPDATE notes SET text = 'present'", "CREATE TABLE later(x)");
        string present = SampleDatabase.Content(_database);

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(wanted, SampleDatabase.Content(_database));
        Assert.Equal(journal == "WAL" ? "wal" : "delete", SampleDatabase.Text(_database, "PRAGMA journal_mode"));
        Assert.Equal(BackupReason.Safety, result.SafetyBackup!.Reason);
        Assert.Equal(present, SampleDatabase.Content(await _bench.RestoredCopyAsync(result.SafetyBackup)));
        _bench.AssertNoLeftovers();
    }

    [Theory]
    [InlineData("corrupt")]
    [InlineData("empty")]
    [InlineData("text")]
    public async Task A_present_database_that_is_damaged_is_set_aside_and_restored(string damage)
    {
        SampleDatabase.Create(_database, rows: 2000);
        string wanted = SampleDatabase.Content(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        if (damage == "corrupt")
            SampleDatabase.Damage(_database);
        else
            File.WriteAllText(_database, damage == "empty" ? "" : new string('x', 5000));
        byte[] before = File.ReadAllBytes(_database);

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(wanted, SampleDatabase.Content(_database));
        Assert.Equal(before, File.ReadAllBytes(Assert.Single(result.KeptAside)));
        Assert.Null(result.SafetyBackup);
        _bench.AssertNoLeftovers();
    }

    [Fact]
    public async Task A_backup_cannot_be_removed_while_a_restore_reads_it()
    {
        SampleDatabase.Create(_database);
        Backup backup = await _bench.BackUpAsync(_database);
        string? code = null;
        _bench.Observer.At = step =>
        {
            if (code is null && step.StartsWith("checking", StringComparison.Ordinal))
                code = Assert.ThrowsAny<BackupException>(() => new BackupRemoval(_bench.Repository).RemoveAsync(backup, force: true, new(), new RecordingObserver(), CancellationToken.None).GetAwaiter().GetResult()).Code;
        };

        await _bench.RestoreAsync(backup);

        Assert.Equal(ErrorCodes.BackupInUse, code);
    }

    [Fact]
    public async Task A_note_of_a_restore_that_was_killed_while_it_wrote_it_is_cleaned_up()
    {
        SampleDatabase.Create(_database);
        string note = _bench[".dbbackup-restore-0123.json"];
        File.WriteAllText(note, "{\"Owner\":{\"Ho");
        await _bench.BackUpAsync(_database);
        Assert.True(File.Exists(note));

        // Until then it may belong to a restore that has just begun.
        File.SetLastWriteTimeUtc(note, DateTime.UtcNow.AddMinutes(-5));
        await _bench.BackUpAsync(_database);

        Assert.False(File.Exists(note));
    }

    [Fact]
    public async Task Without_a_safety_backup_none_is_made()
    {
        SampleDatabase.Create(_database);
        Backup backup = await _bench.BackUpAsync(_database);

        RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, NoSafetyBackup = true });

        Assert.Null(result.SafetyBackup);
        Assert.Single(await _bench.ListAsync());
    }
}
