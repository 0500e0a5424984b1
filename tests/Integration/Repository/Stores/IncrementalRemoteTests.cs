using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Repository.Stores;

/// <summary>Incremental backups at buckets and over SFTP, plain and encrypted: made there, copied there and back, exported as one tar, kept and removed. At each kind of place with DBBACKUP_TEST_FULL=1.</summary>
[Trait("Category", "Tool")]
[Collection("rclone")]
public sealed class IncrementalRemoteTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _database;
    private readonly string _uploads;

    public IncrementalRemoteTests()
    {
        _database = SampleDatabase.Create(_folder["app.db"]);
        SampleDatabase.Run(_database, "CREATE TABLE big(id INTEGER PRIMARY KEY, body BLOB)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO big SELECT i, randomblob(1000) FROM n");
        _uploads = Directory.CreateDirectory(_folder["uploads"]).FullName;
        byte[] photo = new byte[6_000_000];
        new Random(1).NextBytes(photo);
        File.WriteAllBytes(Path.Join(_uploads, "photo.jpg"), photo);
    }

    public static TheoryData<string, bool> Places() => new(
        from kind in Sampling.Of(RemotePlace.Kinds, "s3", "sftp")
        from isEncrypted in (bool[])[false, true]
        select (kind, isEncrypted));

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Places))]
    public async Task There_it_is_made_kept_exported_copied_and_removed_as_in_a_folder(string kind, bool isEncrypted)
    {
        using RemotePlace place = RemotePlace.Open(kind);
        using var there = new Workbench(store: place.Store);
        using var here = new Workbench(_folder["here"]);
        BackupRequest request = Request(isEncrypted, there, here);

        Backup full = await there.BackUpAsync(request);
        Change("one");
        Backup first = await there.BackUpAsync(request);
        Change("two");
        string content = SampleDatabase.Content(_database);
        Backup second = await there.BackUpAsync(request);
        Assert.Equal((BackupMethod.Full, full.Name, full.Name), (full.Method, first.Parent, second.Parent));
        Assert.True(second.Size < full.Size / 10, $"{second.Size} of {full.Size}");
        Assert.All(second.Manifest!.Payloads, payload => Assert.Equal((true, isEncrypted), (payload.Parent is not null, payload.IsEncrypted)));
        await RestoresAsync(there, second, content);

        // One tar has both, and gives both back.
        string tar = await new BackupExporter(there.Repository).ExportArchiveAsync(new ExportRequest { Backup = second, Destination = _folder["both.tar"], Format = ExportFormat.Tar }, there.Observer, CancellationToken.None);
        await using (FileStream archive = File.OpenRead(tar))
        {
            Backup taken = await new ArchiveImporter(here.Repository).RunAsync(tar, archive, new BackupRequest { Sources = [], AllowNewRepository = true }, here.Observer, CancellationToken.None);
            Assert.Equal([second.Name, full.Name], (await here.ListAsync()).Select(backup => backup.Name));
            await RestoresAsync(here, taken, content);
        }

        // Of the copy, only what is not there yet.
        Backup copied = await new BackupCopy(there.Repository, here.Repository).RunAsync(first, allowNew: true, here.Observer, CancellationToken.None);
        Assert.Equal([second.Name, first.Name, full.Name], (await here.ListAsync()).Select(backup => backup.Name));
        Assert.True((await here.TestAsync(copied, BackupTestLevel.Restore)).Passed);

        // The full one stays as long as one that is kept differs from it.
        var removal = new BackupRemoval(there.Repository);
        RetentionPlan plan = await removal.PlanAsync(null, new RetentionPolicy { Last = 1 }, DateTimeOffset.UtcNow, CancellationToken.None);
        Assert.Equal([(second.Name, RetentionAction.Keep), (first.Name, RetentionAction.Remove), (full.Name, RetentionAction.Keep)], plan.Decisions.Select(decision => (decision.Backup.Name, decision.Action)));
        await removal.RemoveAsync(first, force: false, new PostgreSqlConnectionRequest(), there.Observer, CancellationToken.None);
        Assert.Equal(ErrorCodes.ParentNeeded, (await Assert.ThrowsAnyAsync<BackupException>(() => removal.RemoveAsync(full, force: true, new PostgreSqlConnectionRequest(), there.Observer, CancellationToken.None))).Code);
        await RestoresAsync(there, second, content);
        foreach (RemovalDecision each in await removal.DecideAsync([full], force: true, CancellationToken.None))
            await removal.RemoveAsync(each.Backup, force: true, new PostgreSqlConnectionRequest(), there.Observer, CancellationToken.None);
        await place.AssertNothingLeftAsync([]);

        // And back: the copy brings the full one along.
        Backup back = await new BackupCopy(here.Repository, there.Repository).RunAsync(second, allowNew: true, there.Observer, CancellationToken.None);
        Assert.Equal([second.Name, full.Name], (await there.ListAsync()).Select(backup => backup.Name));
        await RestoresAsync(there, back, content);
        await place.AssertNothingLeftAsync(await there.ListAsync());
        Assert.Empty(there.Observer.Warnings);
    }

    private static async Task RestoresAsync(Workbench bench, Backup backup, string content)
    {
        Assert.True((await bench.TestAsync(backup, BackupTestLevel.Checksum)).Passed);
        Assert.True((await bench.TestAsync(backup, BackupTestLevel.Restore)).Passed);
        // As Restore-DbBackup does first, with the key of its user.
        Backup opened = await new EncryptedBackups(bench.Repository).OpenAsync(backup, CancellationToken.None);
        Assert.Equal(content, SampleDatabase.Content(await bench.RestoredCopyAsync(opened)));
    }

    private BackupRequest Request(bool isEncrypted, params Workbench[] readers)
    {
        var request = new BackupRequest
        {
            Sources = [Workbench.Sqlite(_database), new FolderSource(_uploads)],
            Method = new MethodChoice { Method = null },
            AllowNewRepository = true,
        };
        if (!isEncrypted)
            return request;
        request = request with { Sealing = BackupSealing.To([IdentityFile.Create(_folder["my.key"])]) };
        foreach (Workbench reader in readers)
            reader.Repository.Keys.AddIdentity(_folder["my.key"], path => path);
        return request;
    }

    private void Change(string what)
    {
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 3000 = 0", $"UPDATE notes SET text = '{what}' WHERE id = 1");
        File.WriteAllText(Path.Join(_uploads, $"a {what}.txt"), what);
    }
}
