using System.Text;
using System.Text.RegularExpressions;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Verification;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

/// <summary>Copies that were cut, and the next ones, over a server that lists what has arrived.</summary>
public sealed partial class ResumedCopyTests : IDisposable
{
    private const int PartSize = 100_000;
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly Workbench _bench = new();
    private readonly S3Double _server = new();
    private readonly string _database;
    private readonly BackupRepository _bucket;

    public ResumedCopyTests()
    {
        _database = SampleDatabase.Create(_bench["app.db"]);
        Directory.CreateDirectory(_bench["uploads"]);
        Fill(1);
        _bucket = new BackupRepository(Open());
    }

    public void Dispose()
    {
        _bench.Dispose();
        _server.Dispose();
    }

    [Fact]
    public async Task A_copy_that_is_cut_inside_a_large_payload_goes_on_where_it_was()
    {
        Backup backup = await BackUpAsync();
        string[] first = await CutAsync(backup, fromPart: 8);
        Assert.Empty(await _bucket.ListAsync(null, None));
        Assert.Single(_server.Uploads);

        string[] second = await SentDuringAsync(() => CopyAsync(backup));

        Assert.Equal(7, first.Distinct().Intersect(Parts(1, 7)).Count());
        Assert.Empty(second.Intersect(Parts(1, 7)));
        Assert.Contains("8", second);
        await AssertWholeAsync(backup);
    }

    [Fact]
    public async Task A_copy_is_cut_again_and_again_and_sends_each_part_once()
    {
        Backup backup = await BackUpAsync();
        var sent = new List<string>();
        for (int part = 3; part <= 12; part += 3)
            sent.AddRange((await CutAsync(backup, fromPart: part)).Where(number => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) < part));
        sent.AddRange(await SentDuringAsync(() => CopyAsync(backup)));

        Assert.Equal(sent.Distinct().Count(), sent.Count);
        await AssertWholeAsync(backup);
    }

    [Fact]
    public async Task A_part_that_is_not_what_it_should_be_is_sent_again()
    {
        Backup backup = await BackUpAsync();
        await CutAsync(backup, fromPart: 8);
        _server.SpoilPart(3);

        string[] second = await SentDuringAsync(() => CopyAsync(backup));

        Assert.Contains("3", second);
        Assert.DoesNotContain("4", second);
        await AssertWholeAsync(backup);
    }

    [Fact]
    public async Task What_arrived_of_another_backup_under_the_same_name_is_not_taken()
    {
        await CutAsync(await BackUpAsync(), fromPart: 8);
        Directory.Delete(Path.Join(_bench.RepositoryPath, "app"), recursive: true);
        Fill(2);
        Backup other = await BackUpAsync();

        string[] sent = await SentDuringAsync(() => CopyAsync(other));

        Assert.Contains("1", sent);
        await AssertWholeAsync(other);
    }

    [Fact]
    public async Task Other_runs_leave_it_alone_for_a_week_and_remove_it_then()
    {
        Backup backup = await BackUpAsync();
        await CutAsync(backup, fromPart: 8);
        await _bucket.PrepareAsync(allowNew: false, None);
        Assert.Single(_server.Uploads);
        Assert.Contains(await new RepositoryCheck(_bucket).RunAsync(deep: false, _bench.Observer, None), finding => finding.Message.Contains("of a copy that was cut", StringComparison.Ordinal));

        await AgeNotesAsync(TimeSpan.FromDays(7.1));
        await _bucket.PrepareAsync(allowNew: false, None);

        Assert.Empty(_server.Uploads);
        Assert.Equal(["repository.json"], KeysOfBackups());
        Assert.Empty(await _bucket.Store.ListAsync(RepositoryKeys.Copies, None));
    }

    [Fact]
    public async Task A_dead_copy_is_gone_on_with_and_a_dead_backup_is_not()
    {
        Backup backup = await BackUpAsync();
        await CutAsync(backup, fromPart: 8);
        // As where the process was killed: its lease is still there.
        await LeaveDeadLeaseAsync(backup.ToString());
        await _bucket.PrepareAsync(allowNew: false, None);
        Assert.Single(_server.Uploads);
        Assert.DoesNotContain("1", await SentDuringAsync(() => CopyAsync(backup)));

        await _bucket.Store.WriteAsync("app/two/app.db", stream => stream.WriteAsync(new byte[10]).AsTask(), None);
        await LeaveDeadLeaseAsync("app/two");
        await _bucket.PrepareAsync(allowNew: false, None);
        Assert.DoesNotContain(KeysOfBackups(), key => key.StartsWith("app/two/", StringComparison.Ordinal));
        await AssertWholeAsync(backup);
    }

    [Fact]
    public async Task The_note_of_a_copy_that_died_when_it_was_whole_goes_with_the_next_run()
    {
        Backup backup = await BackUpAsync();
        await CopyAsync(backup);
        await new UnfinishedCopies(_bucket.Store).NoteAsync(backup.ToString(), "0", None);

        await CopyAsync(backup);

        await AssertWholeAsync(backup);
    }

    [Fact]
    public async Task A_new_backup_may_have_the_name_of_an_unfinished_copy()
    {
        await CutAsync(await BackUpAsync(), fromPart: 8);
        using var direct = new Workbench(store: Open());
        Backup made = await direct.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], SourceName = "app", Name = "one" });

        Assert.Equal("one", made.Name);
        Assert.True((await direct.TestAsync(made, BackupTestLevel.Restore)).Passed);
        Assert.DoesNotContain(KeysOfBackups(), key => key.Contains("uploads", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_the_server_lists_no_uploads_it_begins_again_and_is_whole()
    {
        Backup backup = await BackUpAsync();
        await CutAsync(backup, fromPart: 8);
        _server.Faults = (method, path) => method == "GET" && path.Contains("?uploads", StringComparison.Ordinal) ? S3Double.Fault.Of(501, "NotImplemented") : null;

        Assert.Contains("1", await SentDuringAsync(() => CopyAsync(backup)));
        Assert.Equal(backup.Id, Assert.Single(await _bucket.ListAsync(null, None)).Id);
    }

    [Fact]
    public async Task What_has_arrived_takes_none_of_the_pace()
    {
        Backup backup = await BackUpAsync();
        await CutAsync(backup, fromPart: 11);
        long begun = Environment.TickCount64;

        await new BackupCopy(_bench.Repository, _bucket, bytesPerSecond: backup.Size / 20).RunAsync(backup, allowNew: false, _bench.Observer, None);

        // All of it would take 20 seconds. What is left, about a fifth, takes its time.
        Assert.InRange(Environment.TickCount64 - begun, 2_000, 14_000);
        await AssertWholeAsync(backup);
    }

    [Fact]
    public async Task A_full_store_keeps_nothing_of_a_copy()
    {
        Backup backup = await BackUpAsync();
        _server.Faults = (_, path) => path.Contains("partNumber=5", StringComparison.Ordinal) ? S3Double.Fault.Of(507, "QuotaExceeded") : null;

        Assert.Equal(ErrorCodes.NotEnoughSpace, (await Assert.ThrowsAnyAsync<BackupException>(() => CopyAsync(backup))).Code);

        Assert.Empty(_server.Uploads);
        Assert.Equal(["repository.json"], KeysOfBackups());
        Assert.Empty(await _bucket.Store.ListAsync(RepositoryKeys.Copies, None));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task In_a_folder_a_payload_that_arrived_is_read_and_written_again_only_if_it_is_damaged(bool isDamaged)
    {
        Backup backup = await BackUpAsync();
        using var other = new Workbench();
        using var stop = new CancellationTokenSource();
        _bench.Observer.At = step =>
        {
            if (step.StartsWith("uploads", StringComparison.Ordinal))
                stop.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new BackupCopy(_bench.Repository, other.Repository).RunAsync(backup, allowNew: false, _bench.Observer, stop.Token));
        _bench.Observer.At = null;
        Assert.Empty(await other.ListAsync());
        string arrived = Directory.GetFiles(Path.Join(other.RepositoryPath, "app", "one"), "app.db*").Single();
        byte[] content = File.ReadAllBytes(arrived);
        var written = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        // As where it was killed in the moment before its manifest had its name.
        File.WriteAllText(Path.Join(Path.GetDirectoryName(arrived), Path.GetFileName(UnfinishedKey.For("backup.json"))), "{");
        if (isDamaged)
            File.WriteAllBytes(arrived, [.. content[..^1], (byte)(content[^1] ^ 1)]);
        File.SetLastWriteTimeUtc(arrived, written);

        Backup copy = await new BackupCopy(_bench.Repository, other.Repository).RunAsync(backup, allowNew: false, _bench.Observer, None);

        Assert.Equal(isDamaged, File.GetLastWriteTimeUtc(arrived) != written);
        Assert.Equal(content, File.ReadAllBytes(arrived));
        Assert.True((await other.TestAsync(copy, BackupTestLevel.Restore)).Passed);
        Assert.DoesNotContain(Directory.EnumerateFiles(other.RepositoryPath, "*", SearchOption.AllDirectories), UnfinishedKey.IsOne);
        other.AssertNothingStaged();
    }

    [Fact]
    public async Task Temporary_objects_of_dead_writers_are_removed_when_no_process_is_at_work()
    {
        using var folder = new Workbench();
        Backup backup = await folder.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Name = "one" });
        IObjectStore store = folder.Repository.Store;
        string[] begun = [UnfinishedKey.For($"{backup}/tests/x.json"), UnfinishedKey.For($"{backup}/hold.json"), UnfinishedKey.For(RepositoryKeys.Copies + "x.json")];
        foreach (string key in begun)
            await store.WriteAsync(key, stream => stream.WriteAsync("{"u8.ToArray()).AsTask(), None);
        Lease dead = await new Leases(store).ShareAsync(backup.ToString(), None);
        await KillOwnerAsync(store);
        Lease living = await new Leases(store).ShareAsync(backup.ToString(), None);

        await folder.Repository.PrepareAsync(allowNew: false, None);
        Assert.Equal(begun.Order(), await UnfinishedAsync(store));
        await living.DisposeAsync();
        await folder.Repository.PrepareAsync(allowNew: false, None);

        Assert.Empty(await UnfinishedAsync(store));
        Assert.Empty(await store.ListAsync(RepositoryKeys.Leases, None));
        Assert.True((await folder.TestAsync(backup, BackupTestLevel.Restore)).Passed);
        await dead.DisposeAsync();
    }

    private static async Task<IEnumerable<string>> UnfinishedAsync(IObjectStore store) =>
        (await store.ListAsync(string.Empty, None)).Concat(await store.ListAsync(RepositoryKeys.Work, None)).Select(each => each.Key).Where(UnfinishedKey.IsOne).Distinct().Order();

    private DbBackup.Engine.Repository.Stores.S3.S3Store Open() => _server.Open("copies", partSize: PartSize, patience: 1);

    private void Fill(int seed)
    {
        byte[] content = new byte[1_400_000];
        new Random(seed).NextBytes(content);
        File.WriteAllBytes(_bench["uploads/a.bin"], content);
    }

    private Task<Backup> BackUpAsync() => _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database), new FolderSource(_bench["uploads"])], Name = "one" });

    private Task<Backup> CopyAsync(Backup backup) => new BackupCopy(_bench.Repository, _bucket).RunAsync(backup, allowNew: false, _bench.Observer, None);

    // The numbers of the parts that arrived.
    private async Task<string[]> CutAsync(Backup backup, int fromPart)
    {
        _server.Faults = (method, path) => method == "PUT" && NumberOf(path) is { } number && int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) >= fromPart ? S3Double.Fault.Of(500) : null;
        string[] sent = await SentDuringAsync(() => Assert.ThrowsAnyAsync<BackupException>(() => CopyAsync(backup)));
        _server.Faults = null;
        return sent;
    }

    private async Task<string[]> SentDuringAsync(Func<Task> run)
    {
        int before = _server.Requests.Count;
        await run();
        return [.. _server.Requests.Skip(before).Where(request => request.StartsWith("PUT", StringComparison.Ordinal)).Select(NumberOf).OfType<string>()];
    }

    private static string? NumberOf(string request) => PartNumber().Match(request) is { Success: true } match ? match.Groups[1].Value : null;

    private static IEnumerable<string> Parts(int first, int last) => Enumerable.Range(first, last - first + 1).Select(number => $"{number}");

    private string[] KeysOfBackups() => [.. _server.Keys.Select(key => key["copies/".Length..]).Where(key => key[0] != '.')];

    private async Task AssertWholeAsync(Backup backup)
    {
        using var there = new Workbench(store: Open());
        Backup copy = Assert.Single(await there.ListAsync());
        Assert.Equal(backup.Id, copy.Id);
        Assert.True((await there.TestAsync(copy, BackupTestLevel.Restore)).Passed);
        Assert.Empty(_server.Uploads);
        Assert.Empty(await _bucket.Store.ListAsync(RepositoryKeys.Work, None) is var left ? left.Where(each => !each.Key.Contains("conditional-put", StringComparison.Ordinal)) : []);
    }

    private async Task AgeNotesAsync(TimeSpan age)
    {
        StoredObject note = Assert.Single(await _bucket.Store.ListAsync(RepositoryKeys.Copies, None));
        string json = Encoding.UTF8.GetString((await _bucket.Store.ReadAsync(note.Key, None))!);
        await _bucket.Store.DeleteAsync(note.Key, None);
        json = Begun().Replace(json, $"\"begun\": \"{DateTimeOffset.UtcNow - age:O}\"");
        Assert.True(await _bucket.Store.PutAsync(note.Key, Encoding.UTF8.GetBytes(json), None));
    }

    private async Task LeaveDeadLeaseAsync(string name)
    {
        _ = (await new Leases(_bucket.Store).TryTakeAsync(name, LeasePurpose.Write, None))!;
        await KillOwnerAsync(_bucket.Store);
    }

    private static async Task KillOwnerAsync(IObjectStore store)
    {
        StoredObject lease = Assert.Single(await store.ListAsync(RepositoryKeys.Leases, None));
        string json = Encoding.UTF8.GetString((await store.ReadAsync(lease.Key, None))!);
        await store.DeleteAsync(lease.Key, None);
        await store.PutAsync(lease.Key, Encoding.UTF8.GetBytes(StartTicks().Replace(json, "\"startTicks\": 1")), None);
    }

    [GeneratedRegex("partNumber=([0-9]+)")]
    private static partial Regex PartNumber();

    [GeneratedRegex("\"begun\": \"[^\"]*\"")]
    private static partial Regex Begun();

    [GeneratedRegex("\"startTicks\": [0-9]+")]
    private static partial Regex StartTicks();
}
