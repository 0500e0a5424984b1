using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>Undone restores: everything that was replaced has its previous state, and nothing else is touched.</summary>
public sealed class UndoRestoreTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public UndoRestoreTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Database_and_folder_go_back_together_and_the_undo_can_be_undone()
    {
        Backup backup = await PrepareAsync();
        string present = State();
        RestoreResult restored = await _bench.RestoreAsync(backup);
        string wanted = State();
        Assert.NotEqual(present, wanted);

        RestoreResult undone = await _bench.UndoAsync(backup.Source);
        Assert.Equal(present, State());
        Assert.Equal(restored.Restored.Order(), undone.Restored.Order());

        await _bench.UndoAsync(backup.Source);
        Assert.Equal(wanted, State());
        await _bench.UndoAsync(backup.Source);
        Assert.Equal(present, State());
        _bench.AssertNoLeftovers();
        _bench.AssertNothingStaged();
    }

    [Fact]
    public async Task What_the_restore_did_not_replace_is_not_touched()
    {
        Backup backup = await PrepareAsync();
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Content = ContentKind.Database });
        File.WriteAllText(_bench["uploads/photo.txt"], "later");

        await _bench.UndoAsync(backup.Source);

        Assert.Equal("later", File.ReadAllText(_bench["uploads/photo.txt"]));
        Assert.Equal("3", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task The_plan_names_what_goes_back_and_what_stays()
    {
        Backup backup = await PrepareAsync();
        Directory.Delete(_bench["uploads"], recursive: true);
        RestoreResult restored = await _bench.RestoreAsync(backup);
        RestoreRecord record = Assert.Single(await RestoreUndo.ListAsync(_bench.Repository, backup.Source, CancellationToken.None));
        Assert.Equal(restored.RestoreId, record.Id);

        PreparedRestore undo = await RestoreUndo.PrepareAsync(_bench.Repository, new UndoRequest { Record = record }, changeNothing: true, _bench.Observer, CancellationToken.None);

        string plan = undo.Plan.ToString();
        Assert.StartsWith($"Undo the restore of '{backup}'", plan, StringComparison.Ordinal);
        Assert.Equal([_database], undo.Plan.Targets.Select(target => target.Path));
        Assert.Contains($"the restore created {_bench["uploads"]}, which stays", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_was_damaged_before_gets_its_own_bytes_back()
    {
        SampleDatabase.Create(_database, rows: 2000);
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Damage(_database);
        byte[] damaged = File.ReadAllBytes(_database);
        RestoreResult restored = await _bench.RestoreAsync(backup);
        Assert.Null(restored.SafetyBackup);
        Assert.Equal("2000", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));

        await _bench.UndoAsync(backup.Source);

        Assert.Equal(damaged, File.ReadAllBytes(_database));
    }

    [Fact]
    public async Task A_restore_whose_previous_state_was_removed_is_refused_or_not_offered()
    {
        Backup backup = await PrepareAsync();
        RestoreResult restored = await _bench.RestoreAsync(backup);
        RestoreRecord record = (await RestoreUndo.ListAsync(_bench.Repository, backup.Source, CancellationToken.None))[0];
        string wanted = State();
        Directory.Delete(restored.SafetyBackup!.Location, recursive: true);

        Assert.Empty(await RestoreUndo.ListAsync(_bench.Repository, backup.Source, CancellationToken.None));
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => RestoreUndo.PrepareAsync(
            _bench.Repository, new UndoRequest { Record = record }, changeNothing: false, _bench.Observer, CancellationToken.None));

        Assert.Equal(ErrorCodes.BackupNotFound, failure.Code);
        Assert.Equal(wanted, State());
    }

    [Fact]
    public async Task A_restore_without_a_safety_backup_cannot_be_undone()
    {
        Backup backup = await PrepareAsync();
        RestoreResult restored = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, NoSafetyBackup = true });
        Assert.Null(restored.RestoreId);
        Assert.Empty(await RestoreUndo.ListAsync(_bench.Repository, backup.Source, CancellationToken.None));
    }

    [Fact]
    public async Task Files_of_another_machine_are_refused()
    {
        Backup backup = await PrepareAsync();
        await _bench.RestoreAsync(backup);
        RestoreRecord record = (await RestoreUndo.ListAsync(_bench.Repository, backup.Source, CancellationToken.None))[0] with { Host = "elsewhere" };
        string wanted = State();

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => RestoreUndo.PrepareAsync(
            _bench.Repository, new UndoRequest { Record = record }, changeNothing: false, _bench.Observer, CancellationToken.None));

        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
        Assert.Contains("elsewhere", failure.Message, StringComparison.Ordinal);
        Assert.Equal(wanted, State());
    }

    private async Task<Backup> PrepareAsync()
    {
        SampleDatabase.Create(_database);
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(_bench["uploads/photo.txt"], "wanted");
        Backup backup = await _bench.BackUpAsync(_database, _bench["uploads"]);
        SampleDatabase.Run(_database, "DELETE FROM notes WHERE id > 3");
        File.WriteAllText(_bench["uploads/photo.txt"], "present");
        File.WriteAllText(_bench["uploads/later.txt"], "later");
        return backup;
    }

    private string State() => SampleDatabase.Content(_database) + string.Join(' ', Directory.GetFiles(_bench["uploads"]).Order(StringComparer.Ordinal).Select(File.ReadAllText));
}
