using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>Incremental backups: restored, tested, copied and removed like full ones, and never without the one that they need.</summary>
public sealed class IncrementalBackupTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;
    private readonly string _uploads;

    public IncrementalBackupTests()
    {
        _database = SampleDatabase.Create(_bench["app.db"]);
        SampleDatabase.Run(_database, "CREATE TABLE big(id INTEGER PRIMARY KEY, body BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) INSERT INTO big SELECT i, randomblob(1000) FROM n");
        _uploads = Directory.CreateDirectory(_bench["uploads"]).FullName;
        for (int file = 0; file < 40; file++)
        {
            byte[] content = new byte[200_000];
            new Random(file).NextBytes(content);
            File.WriteAllBytes(Path.Join(_uploads, $"{file:D3}.bin"), content);
        }
    }

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task ADifferenceIsSmallProvesItselfAndIsRestoredLikeAFullBackup()
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        Change();
        string changed = SampleDatabase.Content(_database);
        Backup made = await _bench.BackUpAsync(Request(BackupMethod.Incremental) with { Verify = true, Fingerprint = FingerprintLevel.Content });

        Assert.Equal((BackupMethod.Incremental, full.Name), (made.Method, made.Parent));
        Assert.Equal(BackupStatus.Matched, made.Status);
        Assert.Equal(["app.db.patch.tar", "uploads.tar.patch.tar"], made.Manifest!.Payloads.Select(payload => payload.FileName));
        Assert.True(made.Size < full.Size / 20, string.Create(CultureInfo.InvariantCulture, $"{made.Size} of {full.Size}"));
        foreach (BackupTestLevel level in Enum.GetValues<BackupTestLevel>())
            Assert.True((await _bench.TestAsync(made, level)).Passed);

        SampleDatabase.Run(_database, "DELETE FROM big");
        Directory.Delete(_uploads, recursive: true);
        Assert.Equal(BackupStatus.Matched, (await _bench.RestoreAsync(made)).Status);
        Assert.Equal(changed, SampleDatabase.Content(_database));
        Assert.Equal("new", await File.ReadAllTextAsync(Path.Join(_uploads, "005a.txt")));
        Assert.False(File.Exists(Path.Join(_uploads, "007.bin")));
    }

    [Fact]
    public async Task EachDiffersFromTheFullOneAndNotFromTheOther()
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        for (int day = 0; day < 3; day++)
        {
            SampleDatabase.Run(_database, $"UPDATE big SET body = randomblob(1000) WHERE id = {day + 5}");
            Backup made = await BackUpAsync(null);
            Assert.Equal((BackupMethod.Incremental, full.Name), (made.Method, made.Parent));
        }
    }

    [Fact]
    public async Task AutoMakesAFullOneWhereThereIsNoneWhereItIsOldAndAfterALargeDifference()
    {
        var clock = new FixedClock(DateTimeOffset.UtcNow);
        Task<Backup> NextAsync() => _bench.BackUpAsync(Request(null), clock);
        Assert.Equal(BackupMethod.Full, (await NextAsync()).Method);
        clock.Now += TimeSpan.FromDays(6.9);
        Assert.Equal(BackupMethod.Incremental, (await NextAsync()).Method);
        clock.Now += TimeSpan.FromDays(0.2);
        Assert.Equal(BackupMethod.Full, (await NextAsync()).Method);
        // A third of the files is new: a stream is not read twice, so the next one is whole.
        for (int file = 0; file < 30; file++)
            File.WriteAllBytes(Path.Join(_uploads, $"{file:D3}.bin"), RandomBytes(200_000));
        Backup large = await NextAsync();
        Assert.Equal(BackupMethod.Incremental, large.Method);
        Assert.True(large.Size > 0.3 * (await _bench.ListAsync()).First(backup => backup.Method == BackupMethod.Full).Size / 2);
    }

    [Fact]
    public async Task ADatabaseThatWasRewrittenIsStoredWhole()
    {
        await BackUpAsync(BackupMethod.Full);
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000)");
        Backup made = await BackUpAsync(null);
        Assert.Equal("app.db.zst", made.Manifest!.Payloads[0].FileName);
        Assert.Equal("uploads.tar.patch.tar", made.Manifest.Payloads[1].FileName);
        // What had been written of the difference is gone.
        Assert.False(File.Exists(Path.Join(made.Location, "app.db.patch.tar")));

        SampleDatabase.Run(_database, "PRAGMA page_size = 8192; VACUUM");
        Backup vacuumed = await BackUpAsync(null);
        Assert.Equal(BackupStatus.Matched, (await _bench.RestoreAsync(vacuumed)).Status);
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("damaged")]
    [InlineData("another")]
    [InlineData("index")]
    public async Task AParentThatIsNotThereMakesItsChildrenDamagedAndTheNextBackupFull(string what)
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        Change();
        Backup made = await BackUpAsync(BackupMethod.Incremental);
        string present = SampleDatabase.Content(_database);
        string payload = Path.Join(full.Location, "app.db.zst");
        switch (what)
        {
            case "gone":
                Directory.Delete(full.Location, recursive: true);
                break;
            case "damaged":
                Flip(payload, 1000);
                Assert.False((await _bench.TestAsync(full, BackupTestLevel.Checksum)).Passed);
                break;
            case "index":
                Flip(payload, (int)new FileInfo(payload).Length - 40);
                Assert.False((await _bench.TestAsync(full, BackupTestLevel.Checksum)).Passed);
                break;
            default:
                Directory.Delete(full.Location, recursive: true);
                await _bench.BackUpAsync(Request(BackupMethod.Full) with { Name = full.Name });
                break;
        }

        Backup listed = Assert.Single(await _bench.ListAsync(), backup => backup.Name == made.Name);
        Assert.Equal(BackupStatus.Damaged, listed.Status);
        Assert.Contains(full.Name, listed.Problem!, StringComparison.Ordinal);
        Assert.False((await _bench.TestAsync(listed, BackupTestLevel.Checksum)).Passed);
        await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(made));
        Assert.Equal(present, SampleDatabase.Content(_database));
        Assert.Equal(what == "another" ? BackupMethod.Incremental : BackupMethod.Full, (await BackUpAsync(null)).Method);
    }

    [Theory]
    [InlineData("app.db.zst", false, false)]
    [InlineData("uploads.tar.zst", false, false)]
    [InlineData("uploads.tar.zst", true, true)]
    public async Task UndiscoveredDamageOfTheFullOneMakesAFullBackup(string file, bool isAtEnd, bool verify)
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id = 1");
        File.WriteAllText(Path.Join(_uploads, "000.bin"), "changed");
        string payload = Path.Join(full.Location, file);
        // Before the index, in the last block's frame.
        Flip(payload, isAtEnd ? (int)new FileInfo(payload).Length - 20_000 : 1000);

        Backup made = await _bench.BackUpAsync(Request(BackupMethod.Incremental) with { Verify = verify });

        Assert.Equal(BackupMethod.Full, made.Method);
        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains(full.Name, StringComparison.Ordinal) && warning.Contains("Test-DbBackup", StringComparison.Ordinal));
        Assert.Equal(2, (await _bench.ListAsync()).Count);
        _bench.AssertNothingStaged();
        Assert.True((await _bench.TestAsync(made, BackupTestLevel.Restore)).Passed);
    }

    [Fact]
    public async Task AFlippedBitAnywhereIsFoundBeforeTheTargetIsTouched()
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        Change();
        Backup made = await BackUpAsync(BackupMethod.Incremental);
        string present = SampleDatabase.Content(_database);
        var random = new Random(11);
        foreach (string file in new[] { Path.Join(full.Location, "app.db.zst"), Path.Join(made.Location, "app.db.patch.tar"), Path.Join(made.Location, "uploads.tar.patch.tar"), Path.Join(full.Location, "uploads.tar.zst") })
        {
            for (int round = 0; round < 4; round++)
            {
                int place = random.Next((int)new FileInfo(file).Length);
                Flip(file, place);
                Assert.False((await _bench.TestAsync(made, BackupTestLevel.Checksum)).Passed, $"{file} at {place}");
                if (round == 0)
                {
                    await TryRestoreAsync(made);
                    Assert.Equal(present, SampleDatabase.Content(_database));
                }

                Flip(file, place);
            }
        }

        Assert.True((await _bench.TestAsync(made, BackupTestLevel.Checksum)).Passed);
    }

    [Fact]
    public async Task WhatOthersNeedIsNotRemovedAndRetentionKeepsIt()
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        Change();
        Backup child = await BackUpAsync(BackupMethod.Incremental);
        SampleDatabase.Run(_database, "DELETE FROM big WHERE id < 100");
        Backup other = await BackUpAsync(BackupMethod.Full);
        var removal = new BackupRemoval(_bench.Repository);

        RemovalDecision refused = Assert.Single(await removal.DecideAsync([full], force: false, CancellationToken.None));
        Assert.Equal(ErrorCodes.ParentNeeded, refused.Refusal!.Code);
        Assert.Equal(ErrorCodes.ParentNeeded, (await Assert.ThrowsAnyAsync<BackupException>(() => removal.RemoveAsync(full, force: false, new(), _bench.Observer, CancellationToken.None))).Code);
        RetentionPlan plan = await removal.PlanAsync(null, new RetentionPolicy { Last = 2 }, DateTimeOffset.UtcNow, CancellationToken.None);
        Assert.Contains(plan.Decisions.Single(each => each.Backup.Name == full.Name).Reasons, reason => reason.Contains(child.Name, StringComparison.Ordinal));
        plan = await removal.PlanAsync(null, new RetentionPolicy { Last = 1 }, DateTimeOffset.UtcNow, CancellationToken.None);
        Assert.Equal([RetentionAction.Keep, RetentionAction.Remove, RetentionAction.Remove], plan.Decisions.Select(each => each.Action));

        // Both together may go, the child first.
        IReadOnlyList<RemovalDecision> both = await removal.DecideAsync([full, child], force: false, CancellationToken.None);
        Assert.Equal([child.Name, full.Name], both.Select(each => each.Backup.Name));
        Assert.All(both, each => Assert.Null(each.Refusal));
        // A full one alone never, and with force those that differ from it are named too, unless one of them is locked.
        Assert.Equal(ErrorCodes.ParentNeeded, (await Assert.ThrowsAnyAsync<BackupException>(() => removal.RemoveAsync(full, force: true, new(), _bench.Observer, CancellationToken.None))).Code);
        var holds = new BackupHolds(_bench.Repository);
        await holds.LockAsync(child, new BackupHold { Reason = "audit" }, CancellationToken.None);
        Assert.Equal(ErrorCodes.ParentNeeded, Assert.Single(await removal.DecideAsync([full], force: true, CancellationToken.None)).Refusal!.Code);
        await holds.UnlockAsync(child, CancellationToken.None);
        IReadOnlyList<RemovalDecision> forced = await removal.DecideAsync([full], force: true, CancellationToken.None);
        Assert.Equal([child.Name, full.Name], forced.Select(each => each.Backup.Name));
        foreach (RemovalDecision each in forced)
            await removal.RemoveAsync(each.Backup, force: true, new(), _bench.Observer, CancellationToken.None);
        Assert.Equal([other.Name], (await _bench.ListAsync()).Select(backup => backup.Name));
    }

    [Fact]
    public async Task ACopyBringsTheFullOneAlong()
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        Change();
        Backup made = await BackUpAsync(BackupMethod.Incremental);
        var there = new BackupRepository(new DirectoryStore(_bench["there"]));

        Backup copy = await new BackupCopy(_bench.Repository, there).RunAsync(made, allowNew: true, _bench.Observer, CancellationToken.None);

        Assert.Equal(BackupStatus.Written, copy.Status);
        Assert.Equal([made.Name, full.Name], (await there.ListAsync(null, CancellationToken.None)).Select(backup => backup.Name));
        Directory.Delete(_bench.RepositoryPath, recursive: true);
        Assert.True((await new Engine.Verification.BackupVerifier(there).TestAsync(copy, new BackupTestOptions { Level = BackupTestLevel.Restore }, _bench.Observer, CancellationToken.None)).Passed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OneTarHoldsBothAndIsTakenBack(bool fullIsThere)
    {
        Backup full = await BackUpAsync(BackupMethod.Full);
        Change();
        Backup made = await BackUpAsync(BackupMethod.Incremental);
        var exporter = new BackupExporter(_bench.Repository);
        string tar = await exporter.ExportArchiveAsync(new ExportRequest { Backup = made, Destination = _bench["both.tar"], Format = ExportFormat.Tar }, _bench.Observer, CancellationToken.None);
        var there = new BackupRepository(new DirectoryStore(_bench["there"]));
        if (fullIsThere)
            await new BackupCopy(_bench.Repository, there).RunAsync(full, allowNew: true, _bench.Observer, CancellationToken.None);

        byte[] content = await File.ReadAllBytesAsync(tar);
        await File.WriteAllBytesAsync(_bench["cut.tar"], content[..^3000]);
        await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(there, _bench["cut.tar"]));
        Backup taken = await ImportAsync(there, tar);

        Assert.Equal([made.Name, full.Name], (await there.ListAsync(null, CancellationToken.None)).Select(backup => backup.Name));
        Assert.True((await new Engine.Verification.BackupVerifier(there).TestAsync(taken, new BackupTestOptions { Level = BackupTestLevel.Restore }, _bench.Observer, CancellationToken.None)).Passed);
        // Its content comes out as it was, without the other.
        IReadOnlyList<string> files = await exporter.ExportAsync(new ExportRequest { Backup = made, Destination = _bench["plain"] + Path.DirectorySeparatorChar }, _bench.Observer, CancellationToken.None);
        Assert.Equal(SampleDatabase.Content(_database), SampleDatabase.Content(files.Single(file => file.EndsWith("app.db", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task AnEncryptedOneDiffersWhereTheKeyIsAtHandAndIsFullWhereItIsNot()
    {
        string recipient = IdentityFile.Create(_bench["my.key"]);
        BackupRequest request = Request(null) with { Sealing = BackupSealing.To([recipient]) };
        await _bench.BackUpAsync(request);
        Change();
        Assert.Equal(BackupMethod.Full, (await BackUpAsync(new BackupRepository(_bench.Store), request)).Method);
        Assert.Equal(BackupMethod.Full, (await BackUpAsync(new BackupRepository(_bench.Store), request with { Sealing = null })).Method);

        await BackUpAsync(new BackupRepository(_bench.Store), request);
        var ring = new KeyRing();
        ring.AddIdentity(_bench["my.key"], path => path);
        var holder = new BackupRepository(_bench.Store) { Keys = ring };
        Backup made = await BackUpAsync(holder, request with { Verify = true });
        Assert.Equal(BackupMethod.Incremental, made.Method);
        Assert.Equal("app.db.patch.tar.age", made.Manifest!.Payloads[0].FileName);

        // Another process, without and with the key.
        var other = new BackupRepository(_bench.Store);
        Backup listed = (await other.ListAsync(null, CancellationToken.None))[0];
        Assert.True(listed.Manifest!.IsSealed);
        Assert.Equal(made.Parent, listed.Parent);
        Assert.True((await new Engine.Verification.BackupVerifier(other).TestAsync(listed, new BackupTestOptions { Level = BackupTestLevel.Checksum }, _bench.Observer, CancellationToken.None)).Passed);
        var ring2 = new KeyRing();
        ring2.AddIdentity(_bench["my.key"], path => path);
        var opens = new BackupRepository(_bench.Store) { Keys = ring2 };
        Assert.True((await new Engine.Verification.BackupVerifier(opens).TestAsync(listed, new BackupTestOptions { Level = BackupTestLevel.Restore }, _bench.Observer, CancellationToken.None)).Passed);
    }

    private async Task<Backup> ImportAsync(BackupRepository repository, string tar) =>
        await new ArchiveImporter(repository).RunAsync(tar, new MemoryStream(await File.ReadAllBytesAsync(tar)), new BackupRequest { Sources = [], AllowNewRepository = true }, _bench.Observer, CancellationToken.None);

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }

    private static void Flip(string file, int place)
    {
        using FileStream stream = File.Open(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = place;
        int value = stream.ReadByte();
        stream.Position = place;
        stream.WriteByte((byte)(value ^ 4));
    }

    private void Change()
    {
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 3000 = 0; INSERT INTO big(body) SELECT randomblob(1000) FROM big LIMIT 20");
        File.WriteAllText(Path.Join(_uploads, "005a.txt"), "new");
        File.Delete(Path.Join(_uploads, "007.bin"));
    }

    private async Task TryRestoreAsync(Backup backup)
    {
        try
        {
            await _bench.RestoreAsync(backup);
            Assert.Fail("A damaged backup was restored.");
        }
        catch (BackupException failure)
        {
            Assert.Equal(FailureCategory.InvalidData, failure.Category);
        }
    }

    private BackupRequest Request(string? method) => new()
    {
        Sources = [Workbench.Sqlite(_database), new FolderSource(_uploads)],
        Method = new MethodChoice { Method = method },
        Fingerprint = FingerprintLevel.Rows,
    };

    private Task<Backup> BackUpAsync(string? method) => _bench.BackUpAsync(Request(method));

    private Task<Backup> BackUpAsync(BackupRepository repository, BackupRequest request) =>
        new BackupService(repository).CreateAsync(request, _bench.Observer, CancellationToken.None);
}
