using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Retention;
using DbBackup.Testing;
using DbBackup.Testing.Retention;

namespace DbBackup.Tests.Unit.Retention;

public sealed class BackupHoldsTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public BackupHoldsTests() => _database = SampleDatabase.Create(_bench["app.db"]);

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_locked_backup_is_removed_only_by_force_and_after_it_was_unlocked()
    {
        Backup held = await LockAsync(await MakeAsync(), "audit");
        await MakeAsync();
        Assert.Equal(("audit", Environment.MachineName), (held.Hold?.Reason, held.Hold?.Host));
        Assert.Equal(held.Hold, (await _bench.ListAsync("app"))[^1].Hold);
        Assert.Equal(held.Hold, (await _bench.ListAsync())[^1].Hold);

        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(held));
        Assert.Equal((ErrorCodes.BackupHeld, FailureCategory.Refused), (refused.Code, refused.Category));
        Assert.Contains("Unlock-DbBackup", refused.Hint, StringComparison.Ordinal);
        Assert.Contains(await new BackupRemoval(_bench.Repository).DecideAsync([held], force: false, CancellationToken.None), each => each.Refusal?.Code == ErrorCodes.BackupHeld);
        Assert.Null((await new BackupHolds(_bench.Repository).UnlockAsync(held, CancellationToken.None)).Hold);
        await RemoveAsync(held);
        Assert.Single(await _bench.ListAsync());
        Backup other = await LockAsync(await MakeAsync(), null);
        Assert.Null(other.Hold?.Reason);
        await RemoveAsync(other, force: true);
        _bench.AssertNothingStaged();
    }

    [Fact]
    public async Task A_hold_that_has_ended_is_none_and_one_that_is_set_again_is_replaced()
    {
        Backup backup = await MakeAsync();
        await MakeAsync();
        Assert.NotNull((await LockAsync(backup, "first", DateTimeOffset.UtcNow.AddHours(1))).Hold?.Until);
        Backup ended = await LockAsync(backup, "second", DateTimeOffset.UtcNow.AddSeconds(-1));

        Assert.Null(ended.Hold);
        Assert.Equal("second", ended.GetHold(DateTimeOffset.UtcNow.AddHours(-1))?.Reason);
        await RemoveAsync(backup);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{ "reason": "audit", "until": "2001-01-01T00:00:00Z" }""")]
    public async Task A_hold_that_cannot_be_read_is_one(string content)
    {
        Backup backup = await MakeAsync();
        await MakeAsync();
        await File.WriteAllTextAsync(Path.Join(backup.Location, "hold.json"), content);

        Assert.Contains("cannot be read", (await _bench.ListAsync())[^1].Hold?.Reason, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.BackupHeld, (await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(backup))).Code);
        await new BackupHolds(_bench.Repository).UnlockAsync(backup, CancellationToken.None);
        await RemoveAsync(backup);
    }

    [Fact]
    public async Task A_folder_in_the_holds_place_is_a_hold_too()
    {
        Backup backup = await MakeAsync();
        await MakeAsync();
        Directory.CreateDirectory(Path.Join(backup.Location, "hold.json"));

        Assert.NotNull((await _bench.ListAsync())[^1].Hold);
        Assert.Equal(ErrorCodes.BackupHeld, (await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(backup))).Code);
    }

    [Fact]
    public async Task A_hold_that_was_set_after_the_listing_is_seen_by_the_removal()
    {
        Backup backup = await MakeAsync();
        await MakeAsync();
        var deletionSees = new BackupRemoval(_bench.Repository);
        IReadOnlyList<RemovalDecision> decisions = await deletionSees.DecideAsync([backup], force: false, CancellationToken.None);
        Assert.Null(Assert.Single(decisions).Refusal);

        await LockAsync(backup, "late");

        Assert.Equal(ErrorCodes.BackupHeld, (await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(backup))).Code);
    }

    [Fact]
    public async Task What_is_gone_or_a_rehearsals_is_not_locked()
    {
        Backup gone = await MakeAsync();
        Directory.Delete(gone.Location, recursive: true);
        Assert.Equal(ErrorCodes.BackupNotFound, (await Assert.ThrowsAnyAsync<BackupException>(() => LockAsync(gone, null))).Code);
        Backup rehearsal = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], Reason = BackupReason.Rehearsal, SourceName = "app" });
        Assert.Equal(ErrorCodes.InvalidArgument, (await Assert.ThrowsAnyAsync<BackupException>(() => LockAsync(rehearsal, null))).Code);
    }

    [Fact]
    public async Task The_entry_of_a_database_that_is_kept_on_its_server_is_locked_as_a_backup_is()
    {
        await MakeAsync();
        Manifest manifest = SampleBackups.Make(DateTimeOffset.UtcNow, 2, "kept1", reason: BackupReason.Safety, isKept: true).Manifest!;
        Directory.CreateDirectory(Path.Join(_bench.RepositoryPath, "kept"));
        await File.WriteAllBytesAsync(Path.Join(_bench.RepositoryPath, "kept", $"{manifest.Id}.json"), ManifestJson.Write(manifest));
        Backup entry = (await _bench.ListAsync()).Single(each => each.KeptOnServer is not null);

        Backup held = await LockAsync(entry, "audit");

        Assert.Equal("audit", held.Hold?.Reason);
        foreach (string? source in (string?[])[null, "app"])
            Assert.Equal("audit", (await _bench.ListAsync(source)).Single(each => each.KeptOnServer is not null).Hold?.Reason);
        // Before the server is asked to drop the database.
        Assert.Equal(ErrorCodes.BackupHeld, (await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(entry))).Code);
        Assert.Null((await new BackupHolds(_bench.Repository).UnlockAsync(entry, CancellationToken.None)).Hold);
    }

    [Fact]
    public async Task A_locked_backup_is_tested_and_restored_as_before()
    {
        Backup held = await LockAsync(await MakeAsync(), "audit");

        Assert.True((await _bench.TestAsync(held, BackupTestLevel.Structure)).Passed);
        await _bench.RestoreAsync(held);
    }

    private Task<Backup> MakeAsync() => _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], SourceName = "app" });

    private Task<Backup> LockAsync(Backup backup, string? reason, DateTimeOffset? until = null) => new BackupHolds(_bench.Repository).LockAsync(
        backup, new BackupHold { Reason = reason, Since = DateTimeOffset.UtcNow, Until = until }, CancellationToken.None);

    private Task<bool> RemoveAsync(Backup backup, bool force = false) =>
        new BackupRemoval(_bench.Repository).RemoveAsync(backup, force, new(), _bench.Observer, CancellationToken.None);
}
