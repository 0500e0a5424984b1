using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores;

/// <summary>Restores where there is too little room.</summary>
[Trait("Category", "Tool")]
public sealed class RestoreSpaceTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Folders_of_one_volume_share_its_room()
    {
        using var disk = new SmallDisk(64);
        Directory.CreateDirectory(disk["data"]);
        string database = SampleDatabase.Create(disk["data/app.db"], rows: 20_000);
        string uploads = Directory.CreateDirectory(disk["files/uploads"]).FullName;
        long size = new FileInfo(database).Length;
        File.WriteAllBytes(Path.Join(uploads, "photo"), new byte[size]);
        Backup backup = await _bench.BackUpAsync(database, uploads);
        // Enough for either, not for both.
        disk.FillBut(size * 3 / 2);

        NotEnoughSpaceException failure = await Assert.ThrowsAsync<NotEnoughSpaceException>(
            () => PreparedRestore.PrepareAsync(_bench.Repository, new RestoreRequest { Backup = backup }, changeNothing: true, _bench.Observer, CancellationToken.None));

        Assert.True(failure.RequiredBytes >= 2 * size);
    }

    [Fact]
    public async Task A_restore_onto_a_full_disk_changes_nothing()
    {
        using var disk = new SmallDisk(24);
        string database = SampleDatabase.Create(disk["app.db"], rows: 20_000);
        Backup backup = await _bench.BackUpAsync(database);
        SampleDatabase.Run(database, "UPDATE notes SET text = 'present'");
        string present = SampleDatabase.Content(database);
        bool filled = false;
        _bench.Observer.At = step =>
        {
            if (!filled && step.StartsWith("restoring", StringComparison.Ordinal))
            {
                filled = true;
                disk.FillBut(100_000);
            }
        };

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(backup));
        Assert.Equal(ErrorCodes.NotEnoughSpace, failure.Code);
        failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(backup));
        Assert.IsType<NotEnoughSpaceException>(failure);

        Assert.Equal(present, SampleDatabase.Content(database));
        Assert.DoesNotContain(Directory.GetFiles(disk.Path), file => file.Contains(".dbbackup-", StringComparison.Ordinal));
    }
}
