using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Retention;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Retention;

/// <summary>Carries out what a policy decides, in a repository.</summary>
public sealed class RetentionRunTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 2, 0, 0, TimeSpan.Zero);
    private readonly FixedClock _clock = new(Start);
    private readonly Workbench _bench;
    private readonly string _database;

    public RetentionRunTests() => (_bench, _database) = MakeBench();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task What_is_shown_is_removed_and_nothing_else()
    {
        await MakeAsync(6);
        RetentionPlan plan = await PlanAsync("2d");
        string[] shown = [.. plan.Decisions.Where(each => each.Action == RetentionAction.Remove).Select(each => each.Name)];
        Assert.Equal(6, (await _bench.ListAsync()).Count);

        IReadOnlyList<RetentionOutcome> outcomes = await RunAsync(plan, "2d");

        Assert.Equal(4, shown.Length);
        Assert.Equal(shown, outcomes.Where(each => each is { Failure: null, Decision.Removed: true }).Select(each => each.Decision.Name));
        Assert.Equal(plan.Decisions.Where(each => each.Action == RetentionAction.Keep).Select(each => each.Name), (await _bench.ListAsync()).Select(each => each.Name));
        _bench.AssertNothingStaged();
        // Again it has nothing to do.
        Assert.DoesNotContain((await PlanAsync("2d")).Decisions, each => each.Action == RetentionAction.Remove);
    }

    [Fact]
    public async Task One_that_is_read_stays_and_the_others_go()
    {
        IReadOnlyList<Backup> made = await MakeAsync(5);
        RetentionPlan plan = await PlanAsync("1d");
        IReadOnlyList<RetentionOutcome> outcomes;
        await using (await _bench.Repository.ProtectAsync(new BackupKey("app", made[2].Name), CancellationToken.None))
            outcomes = await RunAsync(plan, "1d");

        Assert.Equal(ErrorCodes.BackupInUse, Assert.Single(outcomes, each => each.Failure is not null).Failure!.Code);
        Assert.Equal([made[4].Name, made[2].Name], (await _bench.ListAsync()).Select(each => each.Name));
    }

    [Fact]
    public async Task What_one_that_stays_needs_stays_too()
    {
        IReadOnlyList<Backup> made = await MakeAsync(5);
        // The third is made on the second, and that on the first.
        string[] chain = [made[2].Name, made[1].Name, made[0].Name];
        var removal = new BackupRemoval(_bench.Repository)
        {
            NeedsIn = all => backup => Array.IndexOf(chain, backup.Name) is >= 0 and < 2 and var index ? all.Where(each => each.Name == chain[index + 1]) : [],
        };
        RetentionPlan plan = await removal.PlanAsync(null, RetentionPolicy.Parse("1d"), _clock.Now, CancellationToken.None);
        Assert.Equal(4, Removals(plan).Length);
        var outcomes = new List<RetentionOutcome>();
        await using (await _bench.Repository.ProtectAsync(new BackupKey("app", made[2].Name), CancellationToken.None))
        {
            await foreach (RetentionOutcome outcome in removal.RetainAsync(Removals(plan), RetentionPolicy.Parse("1d"), _clock.Now, _bench.Observer, CancellationToken.None))
                outcomes.Add(outcome);
        }

        Assert.Equal([made[4].Name, .. chain], (await _bench.ListAsync()).Select(each => each.Name));
        Assert.Contains("needed by", outcomes.Single(each => each.Decision.Name == chain[2]).Decision.Reasons[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_happens_between_the_plan_and_the_run_counts()
    {
        IReadOnlyList<Backup> made = await MakeAsync(5);
        RetentionPlan plan = await PlanAsync("1d");
        await new BackupHolds(_bench.Repository).LockAsync(made[0], new BackupHold { Reason = "audit", Since = _clock.Now }, CancellationToken.None);
        Directory.Delete(made[1].Location, recursive: true);

        IReadOnlyList<RetentionOutcome> outcomes = await RunAsync(plan, "1d");

        Assert.Equal(RetentionAction.Keep, outcomes.Single(each => each.Decision.Name == made[0].Name).Decision.Action);
        Assert.Equal(ErrorCodes.BackupNotFound, outcomes.Single(each => each.Decision.Name == made[1].Name).Failure?.Code);
        Assert.Equal([made[4].Name, made[0].Name], (await _bench.ListAsync()).Select(each => each.Name));
    }

    [Fact]
    public async Task A_backup_that_became_damaged_meanwhile_stops_the_run()
    {
        IReadOnlyList<Backup> made = await MakeAsync(4);
        RetentionPlan plan = await PlanAsync("1d");
        await _bench.Repository.RecordAsync(made[3], new TestRecord { Tested = _clock.Now, Level = BackupTestLevel.Checksum, Passed = false, Reached = BackupStatus.Damaged }, CancellationToken.None);

        IReadOnlyList<RetentionOutcome> outcomes = await RunAsync(plan, "1d");

        Assert.All(outcomes, each => Assert.Equal(RetentionAction.Keep, each.Decision.Action));
        Assert.Equal(4, (await _bench.ListAsync()).Count);
    }

    [Fact]
    public async Task A_policy_that_keeps_nothing_is_refused()
    {
        await MakeAsync(2);
        foreach (string text in (string[])["PreMigration=90d", "0d", "within=0d"])
            Assert.Equal(ErrorCodes.InvalidArgument, (await Assert.ThrowsAnyAsync<BackupException>(() => PlanAsync(text))).Code);
    }

    [Fact]
    public async Task A_repository_is_listed_once_however_many_go()
    {
        var store = new MemoryBucket();
        using var bench = new Workbench(store: store);
        string database = SampleDatabase.Create(bench["app.db"]);
        for (int night = 0; night < 8; night++)
        {
            _clock.Now = Start.AddDays(night);
            await bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(database)], SourceName = "app" }, _clock);
        }

        var removal = new BackupRemoval(bench.Repository);
        RetentionPlan plan = await removal.PlanAsync(null, RetentionPolicy.Parse("1d"), _clock.Now, CancellationToken.None);
        int before = store.Reads("/backup.json");
        await foreach (RetentionOutcome outcome in removal.RetainAsync(Removals(plan), RetentionPolicy.Parse("1d"), _clock.Now, bench.Observer, CancellationToken.None))
            Assert.True(outcome.Decision.Removed);

        Assert.Equal(8, store.Reads("/backup.json") - before);
        Assert.Single(await bench.ListAsync());
    }

    private static RetentionDecision[] Removals(RetentionPlan plan) => [.. plan.Decisions.Where(each => each.Action == RetentionAction.Remove)];

    private static (Workbench, string) MakeBench()
    {
        var bench = new Workbench();
        return (bench, SampleDatabase.Create(bench["app.db"]));
    }

    // Oldest first.
    private async Task<IReadOnlyList<Backup>> MakeAsync(int nights)
    {
        var made = new List<Backup>();
        for (int night = 0; night < nights; night++)
        {
            _clock.Now = Start.AddDays(night);
            made.Add(await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(_database)], SourceName = "app" }, _clock));
        }

        return made;
    }

    private Task<RetentionPlan> PlanAsync(string policy) =>
        new BackupRemoval(_bench.Repository).PlanAsync(null, RetentionPolicy.Parse(policy), _clock.Now, CancellationToken.None);

    private async Task<IReadOnlyList<RetentionOutcome>> RunAsync(RetentionPlan plan, string policy)
    {
        var outcomes = new List<RetentionOutcome>();
        await foreach (RetentionOutcome outcome in new BackupRemoval(_bench.Repository).RetainAsync(Removals(plan), RetentionPolicy.Parse(policy), _clock.Now, _bench.Observer, CancellationToken.None))
            outcomes.Add(outcome);
        return outcomes;
    }
}
