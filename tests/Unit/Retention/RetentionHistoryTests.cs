using CsCheck;
using DbBackup.Engine.Retention;
using DbBackup.Testing.Retention;

namespace DbBackup.Tests.Unit.Retention;

/// <summary>Generated years of nightly runs: the rules keep what an independent model keeps, and the last good backup is there every day.</summary>
public sealed class RetentionHistoryTests
{
    private int _histories, _removed, _stopped;

    [Fact]
    public void Ten_thousand_histories_are_kept_as_the_model_says()
    {
        Gen.Select(GeneratedHistory.Nights(5, 18), GeneratedHistory.Policies.Where(policy => !policy.KeepsNothing)).Sample((nights, policy) => Live(nights, policy), iter: 10_000);
        Assert.True(_histories >= 10_000 && _removed > 10_000 && _stopped > 1_000, $"{_histories} histories, {_removed} removals and {_stopped} stops are too few to tell.");
    }

    [Theory]
    [InlineData("7d,4w,12m,timeZone=Europe/Berlin")]
    [InlineData("24h,7d,4w,12m,3y,last=5,weeklyOn=Saturday,timeZone=Australia/Lord_Howe")]
    public void Three_years_of_nights_are_kept_as_the_model_says(string text)
    {
        var policy = RetentionPolicy.Parse(text);
        Gen<Night[]> years = Gen.Select(Gen.Const(24), Gen.Int[0, 99], Gen.Const(0), Gen.Int[0, 400], Gen.Int[0, 1000], (gap, kind, clock, later, which) => new Night(gap, kind, clock, later, which)).Array[3 * 365];
        years.Sample(nights => Live(nights, policy), iter: 1, threads: 1);
    }

    private void Live(IEnumerable<Night> nights, RetentionPolicy policy)
    {
        Interlocked.Increment(ref _histories);
        var history = new GeneratedHistory();
        foreach (Night night in nights)
        {
            history.Live(night);
            string? lastGood = history.LastWholeGood();
            IReadOnlyList<Backup> all = history.List();

            RetentionPlan plan = RetentionRules.Decide(all, policy, history.Now, history.ParentsOf);

            string[] kept = [.. plan.Decisions.Where(each => each.Action == RetentionAction.Keep).Select(each => each.Name)];
            var model = new RetentionModel(all, policy, history.Now, history.ParentsOf);
            Assert.Equal(model.Kept().Order(StringComparer.Ordinal), kept.Order(StringComparer.Ordinal));
            Assert.Equal(model.IsStopped, plan.Stops.Count > 0);
            Interlocked.Add(ref _removed, all.Count - kept.Length);
            Interlocked.Add(ref _stopped, plan.Stops.Count);
            Assert.Equal(all, plan.Decisions.Select(each => each.Backup));
            Assert.All(plan.Decisions, each => Assert.NotEmpty(each.Reasons));
            history.Keep(kept.ToHashSet(StringComparer.Ordinal));
            Assert.Equal(lastGood, history.LastWholeGood());
            Assert.All(history.Held(), held => Assert.Contains(held, kept));
            Assert.False(history.IsOrphaned);
        }
    }
}
