using System.Text;
using System.Text.Json.Nodes;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository;

/// <summary>Several hosts in one repository: whose names, clocks and processes are not this machine's.</summary>
public sealed class FleetTests : IDisposable
{
    private const string Leased = "app/one";
    private readonly TempFolder _folder = new();
    private readonly MemoryBucket _bucket = new();
    private readonly RecordingObserver _observer = new();
    private readonly string _database;

    public FleetTests() => _database = SampleDatabase.Create(_folder["app.db"]);

    public void Dispose() => _folder.Dispose();

    private BackupRepository Open(string user, IObjectStore? store = null) => new(
        store ?? _bucket, new KnownRepositories(_folder[user + "/repositories"]), new SignerMemory(_folder[user + "/signing"], _folder[user + "/signers"]));

    private Task<Backup> MakeAsync(BackupRepository repository, string? source = null) =>
        new BackupService(repository).CreateAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], SourceName = source }, _observer, CancellationToken.None);

    // A lease that a process of this machine takes, as if its owner were another.
    private async Task<string> LeaseOfAsync(Action<JsonObject> owner)
    {
        Assert.NotNull(await new Leases(_bucket).TryTakeAsync(Leased, LeasePurpose.Write, CancellationToken.None));
        string key = Assert.Single(_bucket.Keys, each => each.StartsWith(RepositoryKeys.Leases, StringComparison.Ordinal));
        JsonNode json = JsonNode.Parse(_bucket.Content(key))!;
        owner(json["owner"]!.AsObject());
        _bucket.Spoil(key, _ => Encoding.UTF8.GetBytes(json.ToJsonString()));
        return key;
    }

    private static void IsElsewhere(JsonObject owner)
    {
        owner["host"] = "elsewhere";
        owner["bootId"] = Guid.NewGuid().ToString();
    }

    private async Task<bool> IsTakenAsync()
    {
        await using Lease? lease = await new Leases(_bucket).TryTakeAsync(Leased, LeasePurpose.Write, CancellationToken.None);
        Assert.True(lease is null || lease.TookOver);
        return lease is not null;
    }

    // How far the store is ahead of this machine, in hours: this machine's clock may be wrong, or the store's.
    [Theory]
    [InlineData(0, 49)]
    [InlineData(3, 52)]
    [InlineData(-3, 49)]
    [InlineData(-49, 49)]
    [InlineData(-1000, 49)]
    [InlineData(-100_000, 49)]
    [InlineData(1000, 49)]
    [InlineData(100_000, 49)]
    public async Task A_clock_that_is_off_steals_no_living_lease_and_is_not_locked_out_by_a_dead_one(int ahead, int dead)
    {
        _bucket.IsAhead = TimeSpan.FromHours(ahead);
        string key = await LeaseOfAsync(IsElsewhere);

        foreach (int silent in (int[])[0, 1, 24, 47])
        {
            _bucket.Age(key, TimeSpan.FromHours(silent));
            Assert.False(await IsTakenAsync(), $"It was taken after {silent} hours.");
        }

        // What its owner wrote last counts, not when it was taken.
        _bucket.Age(key, TimeSpan.FromHours(dead + 1000));
        await _bucket.PutAsync("app/one/app.db", new byte[1], CancellationToken.None);
        Assert.False(await IsTakenAsync());
        _bucket.Age("app/one/app.db", TimeSpan.FromHours(dead));
        Assert.True(await IsTakenAsync());
        Assert.Equal(["app/one/app.db"], _bucket.Keys);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-100_000)]
    [InlineData(100_000)]
    public async Task A_lease_that_cannot_be_read_is_as_old_as_the_store_says(int ahead)
    {
        _bucket.IsAhead = TimeSpan.FromHours(ahead);
        string key = await LeaseOfAsync(_ => { });
        _bucket.Spoil(key, _ => "of a later version"u8.ToArray());
        Assert.False(await IsTakenAsync());
        _bucket.Age(key, TimeSpan.FromMinutes(11));
        Assert.True(await IsTakenAsync());
    }

    [Fact]
    public async Task Another_machine_of_the_same_name_is_not_this_one_after_a_restart()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && ProcessIdentity.Current.MachineId is not null, "This machine has no id.");
        await LeaseOfAsync(owner =>
        {
            owner["bootId"] = Guid.NewGuid().ToString();
            owner["machineId"] = "0123456789abcdef0123456789abcdef";
        });
        Assert.False(await IsTakenAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_a_restart_of_its_machine_ended_is_dead_at_once(bool hasId)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells one boot from another.");
        await LeaseOfAsync(owner =>
        {
            owner["bootId"] = Guid.NewGuid().ToString();
            if (!hasId)
                owner.Remove("machineId");
        });
        Assert.True(await IsTakenAsync());
    }

    [Fact]
    public void The_id_of_the_machine_is_not_the_systems_own()
    {
        Assert.SkipUnless(File.Exists("/etc/machine-id"), "This machine has no id.");
        string own = File.ReadAllText("/etc/machine-id").Trim();
        Assert.DoesNotContain(own.Length > 0 ? own : "none", ProcessIdentity.Current.MachineId ?? string.Empty, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_same_name_on_two_hosts_is_refused_until_it_is_named_and_each_keeps_its_own_history()
    {
        await MakeAsync(Open("one"));
        string key = _bucket.Keys.Single(each => each.EndsWith("/backup.json", StringComparison.Ordinal));
        // As if another host had made it, of a database of the same path.
        _bucket.Spoil(key, json => Resealed.Of(Encoding.UTF8.GetString(json).Replace($"\"host\": \"{Environment.MachineName}\"", "\"host\": \"elsewhere\"", StringComparison.Ordinal)));

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => MakeAsync(Open("two")));
        Assert.Equal(ErrorCodes.SourceNameTaken, failure.Code);
        Assert.Contains("elsewhere", failure.Message, StringComparison.Ordinal);
        Assert.Contains(Environment.MachineName, failure.Message, StringComparison.Ordinal);
        ErrorAssert.Sound(failure);

        await MakeAsync(Open("two"), "app-two");
        await MakeAsync(Open("two"), "app-two");
        Assert.Equal(2, (await Open("two").ListAsync("app-two", CancellationToken.None)).Count);
        Assert.Single(await Open("two").ListAsync("app", CancellationToken.None));
        RetentionPlan plan = await new BackupRemoval(Open("two")).PlanAsync("app-two", RetentionPolicy.Parse("1d"), DateTimeOffset.UtcNow, CancellationToken.None);
        Assert.All(plan.Decisions, decision => Assert.Equal("app-two", decision.Source));
    }

    [Fact]
    public async Task A_third_machine_that_can_only_read_sees_the_whole_fleet_and_who_signed_it()
    {
        await MakeAsync(Open("one"), "app-one");
        await MakeAsync(Open("two"), "app-two");
        var readOnly = new FaultyStore(_bucket) { IsReadOnly = true };

        IReadOnlyList<Backup> fleet = await Open("three", readOnly).ListAsync(null, CancellationToken.None);

        Assert.Equal(["app-one", "app-two"], fleet.Select(backup => backup.Source).Order(StringComparer.Ordinal));
        Assert.Equal(2, fleet.Select(backup => backup.Signer).Distinct().Count());
        Assert.All(fleet, backup => Assert.Equal((SignatureStatus.Valid, true), (backup.Signature, backup.IsGood)));
        Assert.Equal(0, readOnly.Writes);
        Assert.Equal(ErrorCodes.RepositoryNotWritable, (await Assert.ThrowsAnyAsync<BackupException>(() => MakeAsync(Open("three", readOnly), "app-three"))).Code);
    }
}
