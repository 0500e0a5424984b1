using System.Diagnostics;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>A repository with many backups, listed.</summary>
internal static class ListPart
{
    public static void Measure(BenchRun bench)
    {
        string repository = SampleRepository.Ensure(bench.Options.DataFolder, bench.Options.Backups);
        string list = $"Get-DbBackup -Repository {Quote(repository)}";
        string count = $"({list}).Count";
        var first = new Series("`Get-DbBackup`, first call of a fresh shell", "Get-DbBackup -Repository repo");
        var second = new Series("`Get-DbBackup`, second call", "Get-DbBackup -Repository repo");
        var one = new Series("`Get-DbBackup -Source`, one of 20", "Get-DbBackup -Source source-07 -Repository repo");
        var filtered = new Series("with a filter on its age", "Get-DbBackup -Repository repo | Where-Object Age -gt 7d");
        for (int round = 0; round <= bench.Options.Rounds; round++)
        {
            using var fresh = new ModuleShell(BenchRun.ModulePath);
            (double seconds, string found) = fresh.Run(count);
            if (found != bench.Options.Backups.ToString(System.Globalization.CultureInfo.InvariantCulture))
                throw new InvalidOperationException($"{found} backups were listed instead of {bench.Options.Backups}.");
            double again = fresh.Run(count).Seconds;
            double single = fresh.Run($"{list} -Source source-07").Seconds;
            double old = fresh.Run($"{list} | Where-Object Age -gt 7d").Seconds;
            if (round == 0)
                continue;
            first.Add(seconds);
            second.Add(again);
            one.Add(single);
            filtered.Add(old);
        }

        Report.Heading($"Listing {bench.Options.Backups} backups of 20 sources");
        Report.Table([first, second, one, filtered]);
        MeasureSignatures(bench, repository);
    }

    // In this process: what a shell adds is the same for all three.
    private static void MeasureSignatures(BenchRun bench, string repository)
    {
        var unread = new Series("signatures not read", "the engine alone");
        var known = new Series("read, as they fitted before", "the engine alone");
        var verified = new Series("read, each verified: the first listing of a user", "the engine alone");
        string user = bench.Work("user");
        for (int round = 0; round <= bench.Options.Rounds; round++)
        {
            double[] seconds = [Time(repository, null), Time(repository, MemoryIn(bench.Work($"new-user-{round}"))), Time(repository, MemoryIn(user))];
            if (round == 0)
                continue;
            unread.Add(seconds[0]);
            verified.Add(seconds[1]);
            known.Add(seconds[2]);
        }

        Report.Heading($"What signatures cost in a listing of {bench.Options.Backups} backups");
        Report.Table([unread, known, verified]);
        bench.Clean();
    }

    private static SignerMemory MemoryIn(string folder) => new(Path.Combine(folder, "signing"), Path.Combine(folder, "signers"));

    private static double Time(string repository, SignerMemory? signers)
    {
        var watch = Stopwatch.StartNew();
        _ = new BackupRepository(new DirectoryStore(repository), null, signers).ListAsync(null, CancellationToken.None).Result;
        return watch.Elapsed.TotalSeconds;
    }
}
