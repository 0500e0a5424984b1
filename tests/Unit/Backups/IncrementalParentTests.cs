using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>The full backup of an incremental one: never another source's, and nothing is published that lacks it.</summary>
public sealed class IncrementalParentTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public IncrementalParentTests() => _database = Create("app.db");

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Two_sources_whose_backups_have_the_same_names_keep_apart()
    {
        string other = Create("other.db");
        foreach (string database in (string[])[_database, other])
        {
            await BackUpAsync(database, request => request with { Name = "one", Method = new MethodChoice() });
            SampleDatabase.Run(database, "UPDATE big SET body = randomblob(1000) WHERE id = 7");
            Assert.Equal("one", (await BackUpAsync(database, request => request with { Name = "two" })).Parent);
        }

        Backup full = Assert.Single(await _bench.ListAsync("app"), backup => backup.Name == "one");
        Backup needed = Assert.Single(await _bench.ListAsync("other"), backup => backup.Name == "one");
        foreach (RemovalDecision each in await new BackupRemoval(_bench.Repository).DecideAsync([full], force: true, CancellationToken.None))
            await new BackupRemoval(_bench.Repository).RemoveAsync(each.Backup, force: true, new(), _bench.Observer, CancellationToken.None);

        Assert.Empty(await _bench.ListAsync("app"));
        Assert.Equal(["two", "one"], (await _bench.ListAsync("other")).Select(backup => backup.Name));
        // The other source's folder in the place of one's own is another backup.
        Directory.CreateDirectory(Path.Join(_bench.RepositoryPath, "app"));
        await BackUpAsync(_database, request => request with { Name = "one", Method = new MethodChoice() });
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id = 9");
        Backup child = await BackUpAsync(_database, request => request with { Name = "two" });
        string place = Path.Join(_bench.RepositoryPath, "app", "one");
        Directory.Delete(place, recursive: true);
        CopyFolder(needed.Location, place);
        Backup listed = Assert.Single(await _bench.ListAsync("app"), backup => backup.Name == child.Name);
        Assert.Equal(BackupStatus.Damaged, listed.Status);
        await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoredCopyAsync(child));
    }

    [Fact]
    public async Task Another_database_under_the_same_name_is_stored_whole_and_says_so()
    {
        await BackUpAsync(_database, request => request with { SourceName = "shop" });
        string other = Create("elsewhere.db");
        Backup made = await BackUpAsync(other, request => request with { SourceName = "shop" });

        Assert.Equal(BackupMethod.Full, made.Method);
        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("elsewhere.db", StringComparison.Ordinal) && warning.StartsWith("A full backup is made", StringComparison.Ordinal));
        Assert.Equal(SampleDatabase.Content(other), SampleDatabase.Content(await _bench.RestoredCopyAsync(made)));
        // The next one of either differs from its own, or is whole.
        Backup next = await BackUpAsync(other, request => request with { SourceName = "shop" });
        Assert.Equal(made.Name, next.Parent);
        Assert.Equal(BackupMethod.Full, (await BackUpAsync(_database, request => request with { SourceName = "shop" })).Method);
    }

    [Theory]
    [InlineData("copying", false)]
    [InlineData("storing", false)]
    [InlineData("Stored app.db", false)]
    [InlineData("flushing", false)]
    [InlineData("flushing", true)]
    public async Task A_full_one_that_vanishes_meanwhile_leaves_no_backup_that_lacks_it(string moment, bool verify)
    {
        Backup full = await BackUpAsync(_database, request => request with { Method = new MethodChoice() });
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 100 = 0");
        string content = SampleDatabase.Content(_database);
        bool gone = false;
        _bench.Observer.At = step =>
        {
            // By hand, past the product's own doors.
            if (!gone && step.StartsWith(moment, StringComparison.Ordinal))
            {
                gone = true;
                Directory.Delete(full.Location, recursive: true);
            }
        };

        Backup made = await BackUpAsync(_database, request => request with { Verify = verify });

        Assert.True(gone);
        Assert.Equal(BackupMethod.Full, made.Method);
        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains(full.Name, StringComparison.Ordinal));
        Assert.Equal(made.Name, Assert.Single(await _bench.ListAsync()).Name);
        _bench.AssertNothingStaged();
        Assert.Equal(content, SampleDatabase.Content(await _bench.RestoredCopyAsync(made)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_index_that_was_cut_or_flipped_anywhere_makes_a_whole_backup_and_no_wrong_one(bool isEncrypted)
    {
        BackupSealing? sealing = null;
        if (isEncrypted)
        {
            sealing = BackupSealing.To([IdentityFile.Create(_bench["my.key"])]);
            _bench.Repository.Keys.AddIdentity(_bench["my.key"], path => path);
        }

        Backup full = await BackUpAsync(_database, request => request with { Method = new MethodChoice(), Sealing = sealing });
        SampleDatabase.Run(_database, "UPDATE big SET body = randomblob(1000) WHERE id % 1000 = 0");
        string content = SampleDatabase.Content(_database);
        string payload = Directory.EnumerateFiles(full.Location, "app.db*").Single();
        byte[] whole = await File.ReadAllBytesAsync(payload);
        // The hashes, the table of frames and its last bytes; of an encrypted one what is sealed at the same place.
        int[] places = [.. Enumerable.Range(0, 12).Select(part => whole.Length - 1 - (part * part * 12))];
        foreach (int place in places)
        {
            foreach (bool isCut in (bool[])[false, true])
            {
                byte[] damaged = isCut ? whole[..place] : [.. whole];
                if (!isCut)
                    damaged[place] ^= 0x10;
                await File.WriteAllBytesAsync(payload, damaged);
                _bench.Observer.Warnings.Clear();

                Backup made = await BackUpAsync(_database, request => request with { Sealing = sealing });

                Assert.True(made.Method == BackupMethod.Full, $"{place} of {whole.Length}, cut: {isCut}");
                Assert.NotEmpty(_bench.Observer.Warnings);
                Assert.Equal(content, SampleDatabase.Content(await _bench.RestoredCopyAsync(made)));
                foreach (RemovalDecision each in await new BackupRemoval(_bench.Repository).DecideAsync([made], force: true, CancellationToken.None))
                    await new BackupRemoval(_bench.Repository).RemoveAsync(each.Backup, force: true, new(), _bench.Observer, CancellationToken.None);
            }
        }

        await File.WriteAllBytesAsync(payload, whole);
        Assert.Equal(full.Name, (await BackUpAsync(_database, request => request with { Sealing = sealing })).Parent);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Join(to, Path.GetFileName(file)));
    }

    private string Create(string name)
    {
        string database = SampleDatabase.Create(_bench[name]);
        SampleDatabase.Run(database, "CREATE TABLE big(id INTEGER PRIMARY KEY, body BLOB)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000) INSERT INTO big SELECT i, randomblob(1000) FROM n");
        return database;
    }

    private Task<Backup> BackUpAsync(string database, Func<BackupRequest, BackupRequest> how) =>
        _bench.BackUpAsync(how(new BackupRequest { Sources = [Workbench.Sqlite(database)], Method = new MethodChoice { Method = BackupMethod.Incremental } }));
}
