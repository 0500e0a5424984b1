using System.Diagnostics;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Listing;
using DbBackup.Engine.Retention;

namespace DbBackup.Bench;

/// <summary>What listing, retention and removal cost a fleet that shares one bucket: requests, bytes and time, by a bucket in memory.</summary>
internal static class FleetPart
{
    private static readonly TimeSpan s_latency = TimeSpan.FromMilliseconds(10);

    public static void Measure(BenchRun bench)
    {
        int hosts = bench.Options.Hosts;
        var fleet = new SimulatedFleet(File.ReadAllText(SampleRepository.MakeOne(bench.Options.DataFolder)), hosts);
        var bucket = new SimulatedBucket(fleet.Keys, fleet.Make, s_latency) { IsHidden = fleet.IsNew };
        string cache = bench.Work("cache");
        BackupRepository Open() => new(bucket, null, null, new ListingCache(cache));
        Report.Heading($"{hosts} hosts, {hosts * SimulatedFleet.Nights} backups, {fleet.Keys.Length} objects in one bucket, {s_latency.TotalMilliseconds} ms a request");
        Report.Line($"| what | listings | reads | puts | deletions | bytes | time |");
        Report.Line($"|---|--:|--:|--:|--:|--:|--:|");
        RetentionPolicy policy = RetentionPolicy.Parse("7d,4w,12m");
        int before = hosts * (SimulatedFleet.Nights - 1);
        Line("all backups, for the first time", bucket, () => Count(Open(), null, before));
        Line("all backups, listed before", bucket, () => Count(Open(), null, before));
        bucket.IsHidden = _ => false;
        Line("all backups, after the next night", bucket, () => Count(Open(), null, before + hosts));
        Report.Line($"\nThe cache has {new DirectoryInfo(cache).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) / 1e6:0.0} MB, the process {Process.GetCurrentProcess().PeakWorkingSet64 / 1e6:0} MB at its peak.\n");

        Report.Line($"| what | listings | reads | puts | deletions | bytes | time |");
        Report.Line($"|---|--:|--:|--:|--:|--:|--:|");
        cache = bench.Work("cache-of-host");
        Line("one host: its own backups, for the first time", bucket, () => Count(Open(), "host-0007", SimulatedFleet.Nights));
        Line("one host: its own backups, listed before", bucket, () => Count(Open(), "host-0007", SimulatedFleet.Nights));
        RetentionPlan plan = Plan(Open(), "host-0007");
        RetentionDecision[] goes = [.. plan.Decisions.Where(each => each.Action == RetentionAction.Remove)];
        bucket.Take();
        Line("one host: deciding what its policy keeps", bucket, () => Plan(Open(), "host-0007"));
        Line("one host: removing one backup, as each night", bucket, () => Remove(Open(), [goes[^1]]));
        int many = Math.Min(100, goes.Length - 1);
        Line($"one host: removing {many} at once, for each", bucket, () => Remove(Open(), goes[..many]), many);
        cache = bench.Work("cache");
        Line("deciding for all hosts, listed before", bucket, () => Plan(Open(), null));
        bench.Clean();

        RetentionPlan Plan(BackupRepository repository, string? source) => new BackupRemoval(repository).PlanAsync(source, policy, DateTimeOffset.UtcNow, CancellationToken.None).Result;

        void Remove(BackupRepository repository, RetentionDecision[] decisions)
        {
            int removed = RemoveAsync(repository, decisions, policy).Result;
            if (removed != decisions.Length)
                throw new InvalidOperationException($"{removed} backups were removed instead of {decisions.Length}.");
        }
    }

    private static async Task<int> RemoveAsync(BackupRepository repository, RetentionDecision[] decisions, RetentionPolicy policy)
    {
        int removed = 0;
        await foreach (RetentionOutcome outcome in new BackupRemoval(repository).RetainAsync(decisions, policy, DateTimeOffset.UtcNow, new SilentObserver(), CancellationToken.None))
            removed += outcome is { Failure: null, Decision.Removed: true } ? 1 : 0;
        return removed;
    }

    private static void Count(BackupRepository repository, string? source, int expected)
    {
        IReadOnlyList<Backup> listed = repository.ListAsync(source, CancellationToken.None).Result;
        if (listed.Count != expected || listed.Any(backup => backup.Status != BackupStatus.Matched))
            throw new InvalidOperationException($"{listed.Count} backups were listed instead of {expected}, {listed.Count(backup => backup.Status == BackupStatus.Matched)} of them matched.");
    }

    private static void Line(string what, SimulatedBucket bucket, Action work, int times = 1)
    {
        bucket.Take();
        var watch = Stopwatch.StartNew();
        work();
        double seconds = watch.Elapsed.TotalSeconds / times;
        Report.Line($"| {what} | {bucket.Take().Per(times)} | {seconds:0.00} s |");
    }

    private sealed class SilentObserver : IOperationObserver
    {
        public void Progress(OperationProgress progress)
        {
        }

        public void Verbose(string message)
        {
        }

        public void Warning(string message) => Report.Line($"{message}");
    }
}
