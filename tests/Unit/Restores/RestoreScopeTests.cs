using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>What of a backup is restored, and where to.</summary>
public sealed class RestoreScopeTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public RestoreScopeTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_restored_folder_equals_the_one_that_was_backed_up()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sample has what only Linux keeps.");
        SampleDatabase.Create(_database);
        string uploads = SampleTree.Create(_bench.Folder);
        IReadOnlyList<string> before = TreeSnapshot.Of(uploads);
        Backup backup = await _bench.BackUpAsync(_database, uploads);
        File.WriteAllText(Path.Join(uploads, "later.txt"), "x");
        File.Delete(Path.Join(uploads, "plain.txt"));

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(before, TreeSnapshot.Of(uploads));
        Assert.Equal(2, result.SafetyBackup!.Manifest!.Payloads.Count);
        _bench.AssertNoLeftovers();
    }

    [Fact]
    public async Task Only_one_kind_is_restored_when_asked_and_the_next_backup_knows_its_source_again()
    {
        SampleDatabase.Create(_database);
        Directory.CreateDirectory(_bench["uploads"]);
        File.WriteAllText(_bench["uploads/photo.txt"], "wanted");
        Backup backup = await _bench.BackUpAsync(_database, _bench["uploads"]);
        File.WriteAllText(_bench["uploads/photo.txt"], "present");
        SampleDatabase.Run(_database, "DELETE FROM notes");

        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Content = ContentKind.Files });
        Assert.Equal("wanted", File.ReadAllText(_bench["uploads/photo.txt"]));
        Assert.Equal("0", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
        await _bench.BackUpAsync(_database);

        File.WriteAllText(_bench["uploads/photo.txt"], "present");
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Content = ContentKind.Database });
        Assert.Equal("present", File.ReadAllText(_bench["uploads/photo.txt"]));
        Assert.Equal("100", SampleDatabase.Text(_database, "SELECT count(*) FROM notes"));
    }

    [Fact]
    public async Task A_destination_is_a_file_for_a_database_and_a_folder_for_more()
    {
        SampleDatabase.Create(_database);
        Directory.CreateDirectory(_bench["uploads"]);
        Directory.CreateDirectory(_bench["existing"]);
        Backup single = await _bench.BackUpAsync(_database);
        Backup both = await _bench.BackUpAsync(_database, _bench["uploads"]);

        await ToAsync(single, "other.db", "other.db");
        await ToAsync(single, "existing", "existing/app.db");
        await ToAsync(single, "fresh/", "fresh/app.db");
        await ToAsync(both, "place", "place/app.db", "place/uploads");
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ToAsync(both, "other.db"));
        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
        failure = await Assert.ThrowsAnyAsync<BackupException>(() => ToAsync(single, "other.db/below/x.db"));
        Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);

        async Task ToAsync(Backup backup, string destination, params string[] expected)
        {
            RestoreResult result = await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench[destination] });
            Assert.Equal(expected.Select(name => _bench[name]), result.Restored);
            Assert.All(expected, name => Assert.True(Path.Exists(_bench[name])));
        }
    }
}
