using System.Text.Json;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Retention;

public sealed class BackupRemovalTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public BackupRemovalTests() => _database = SampleDatabase.Create(_bench["app.db"]);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task The_last_good_backup_is_kept_unless_forced()
    {
        Backup only = await MakeAsync();

        Assert.Equal(ErrorCodes.LastGoodBackup, (await RefusedAsync(only)).Code);
        Assert.Single(await _bench.ListAsync());
        await RemoveAsync(only, force: true);
        Assert.Empty(await _bench.ListAsync());
        Assert.False(Directory.Exists(Path.Join(_bench.RepositoryPath, "app")));
    }

    [Fact]
    public async Task Of_all_good_backups_chosen_at_once_the_newest_stays()
    {
        await MakeAsync();
        await MakeAsync();
        Backup newest = await MakeAsync();

        IReadOnlyList<RemovalDecision> decisions = await new BackupRemoval(_bench.Repository).DecideAsync(await _bench.ListAsync(), force: false, CancellationToken.None);

        Assert.Equal(newest.Name, Assert.Single(decisions, decision => decision.Refusal is not null).Backup.Name);
    }

    [Fact]
    public async Task A_damaged_backup_does_not_count_as_the_good_one_that_stays()
    {
        Backup good = await MakeAsync();
        Backup damaged = await MakeAsync();
        File.WriteAllText(Directory.GetFiles(damaged.Location, "app.db*").Single(), "x");
        await _bench.TestAsync(damaged, BackupTestLevel.Checksum);

        Assert.Equal(ErrorCodes.LastGoodBackup, (await RefusedAsync(good)).Code);
        await RemoveAsync(damaged);
    }

    [Fact]
    public async Task A_mismatched_backup_is_kept_while_there_is_no_better_one()
    {
        Backup mismatched = await MakeAsync();
        await _bench.Repository.RecordAsync(
            mismatched,
            new TestRecord { Tested = DateTimeOffset.UtcNow, Level = BackupTestLevel.Restore, Passed = false, Reached = BackupStatus.Mismatched, Failure = "differs" },
            CancellationToken.None);
        // Reading the files back does not tell what a restore gives.
        await _bench.TestAsync(mismatched, BackupTestLevel.Structure);
        mismatched = Assert.Single(await _bench.ListAsync());
        Assert.Equal((BackupStatus.Mismatched, false), (mismatched.Status, mismatched.IsGood));

        Assert.Equal(ErrorCodes.LastGoodBackup, (await RefusedAsync(mismatched)).Code);
        await MakeAsync();
        await RemoveAsync(mismatched);
    }

    [Fact]
    public async Task A_backup_with_an_unreadable_manifest_does_not_count_and_can_be_removed()
    {
        Backup good = await MakeAsync();
        Backup unreadable = await MakeAsync();
        File.WriteAllText(Path.Join(unreadable.Location, "backup.json"), "");

        Assert.Equal(ErrorCodes.LastGoodBackup, (await RefusedAsync(good)).Code);
        await RemoveAsync((await _bench.ListAsync()).Single(backup => backup.Name == unreadable.Name));
        Assert.Single(await _bench.ListAsync());
    }

    [Fact]
    public async Task A_safety_backup_does_not_count_as_the_good_one_that_stays()
    {
        Backup good = await MakeAsync();
        Backup safety = await MakeAsync(BackupReason.Safety);

        Assert.Equal(ErrorCodes.LastGoodBackup, (await RefusedAsync(good)).Code);
        await RemoveAsync(safety);
    }

    [Fact]
    public async Task Where_there_are_only_safety_backups_the_last_of_them_is_kept()
    {
        Backup first = await MakeAsync(BackupReason.Safety);
        Backup second = await MakeAsync(BackupReason.Safety);

        await RemoveAsync(first);
        Assert.Equal(ErrorCodes.LastGoodBackup, (await RefusedAsync(second)).Code);
    }

    [Fact]
    public async Task A_source_whose_name_begins_like_another_is_another()
    {
        await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], SourceName = "app-test" });
        Backup only = await MakeAsync();

        Assert.Equal(ErrorCodes.LastGoodBackup, (await RefusedAsync(only)).Code);
        Assert.Single(await _bench.ListAsync("app"));
    }

    [Fact]
    public async Task Of_two_removals_at_once_one_finds_that_it_would_take_the_last()
    {
        Backup[] both = [await MakeAsync(), await MakeAsync()];

        Task[] work = [.. both.Select(backup => Task.Run(() => RemoveAsync(backup)))];
        await Assert.ThrowsAnyAsync<BackupException>(() => Task.WhenAll(work));

        Assert.Single(await _bench.ListAsync());
    }

    [Fact]
    public async Task A_backup_that_is_being_read_is_not_removed()
    {
        Backup read = await MakeAsync();
        await MakeAsync();
        await using (await _bench.Repository.ProtectAsync(new BackupKey(read.Source, read.Name), CancellationToken.None))
        {
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(read, force: true));
            Assert.Equal(ErrorCodes.BackupInUse, failure.Code);
        }

        await RemoveAsync(read);
        Assert.Single(await _bench.ListAsync());
    }

    [Fact]
    public async Task A_removal_that_was_interrupted_is_not_listed_and_the_next_run_ends_it()
    {
        await MakeAsync();
        Backup half = await MakeAsync();
        // As a process leaves it that is killed between the manifest and the rest.
        string lease = Path.Join(_bench.RepositoryPath, ".dbbackup", "leases", $"{HashOf(half.ToString())}.1.json");
        Directory.CreateDirectory(Path.GetDirectoryName(lease)!);
        File.WriteAllText(lease, $$"""{"name":"{{half}}","purpose":"Remove","owner":{{DeadOwner}},"taken":"2026-11-21T02:00:00Z"}""");
        File.Delete(Path.Join(half.Location, "backup.json"));

        Assert.Single(await _bench.ListAsync());
        await MakeAsync();

        Assert.Equal(2, (await _bench.ListAsync()).Count);
        _bench.AssertNothingStaged();
    }

    [Fact]
    public async Task A_backup_that_is_gone_is_reported()
    {
        Backup gone = await MakeAsync();
        await MakeAsync();
        Directory.Delete(gone.Location, recursive: true);

        Assert.Equal(ErrorCodes.BackupNotFound, (await RefusedAsync(gone)).Code);
    }

    [Fact]
    public async Task A_rehearsals_backup_is_never_the_good_one_that_stays_and_goes_by_its_reason_alone()
    {
        Backup real = await MakeAsync();
        Backup copy = await MakeAsync(BackupReason.Rehearsal);
        var removal = new BackupRemoval(_bench.Repository);

        Assert.Equal(ErrorCodes.LastGoodBackup, (await RefusedAsync(real)).Code);
        Assert.Contains(await removal.DecideAsync([real], force: false, CancellationToken.None), decision => decision.Refusal is not null);
        await Assert.ThrowsAnyAsync<BackupException>(() => removal.RemoveTemporaryAsync(real, _bench.Observer));
        await removal.RemoveTemporaryAsync(copy, _bench.Observer);

        Assert.Equal(real.Name, Assert.Single(await _bench.ListAsync()).Name);
    }

    [Fact]
    public async Task Removals_end_when_their_process_is_alive_but_another_took_the_lease_of_a_dead_one()
    {
        await MakeAsync();
        Backup[] all = [await MakeAsync(), await MakeAsync()];
        string leases = Path.Join(_bench.RepositoryPath, ".dbbackup", "leases");
        Directory.CreateDirectory(leases);
        File.WriteAllText(Path.Join(leases, $"{HashOf("removal")}.1.json"), $$"""{"name":"removal","purpose":"Remove","owner":{{DeadOwner}},"taken":"2026-11-21T02:00:00Z"}""");

        await Task.WhenAll(all.Select(backup => Task.Run(() => RemoveAsync(backup))));

        Assert.Single(await _bench.ListAsync());
        _bench.AssertNothingStaged();
    }

    private static string HashOf(string name) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)))[..32];

    // Of this machine and boot, with an id that no process can have.
    private static string DeadOwner => JsonSerializer.Serialize(ProcessIdentity.Current with { ProcessId = int.MaxValue }, JsonSerializerOptions.Web);

    private Task<Backup> MakeAsync(string reason = BackupReason.Manual) =>
        _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Reason = reason, SourceName = "app" });

    private Task<bool> RemoveAsync(Backup backup, bool force = false) =>
        new BackupRemoval(_bench.Repository).RemoveAsync(backup, force, new(), _bench.Observer, CancellationToken.None);

    private Task<BackupException> RefusedAsync(Backup backup) => Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(backup));
}
