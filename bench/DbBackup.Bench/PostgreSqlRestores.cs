using System.Diagnostics;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>The way back of one PostgreSQL database, and its proof.</summary>
internal static class PostgreSqlRestores
{
    private const string Restored = "restored";

    // The step's name in the engine's reports.
    private const string Comparing = "comparing it with its fingerprint";

    public static void Measure(BenchRun bench, string database, Targets targets)
    {
        bench.Clean();
        string repository = bench.Work("repo");
        bench.ServerShell.Run(PostgreSqlPart.Backup(database, repository));
        Tool.Run($"pg_dump -Fc -f '{bench.Work("stock.dump")}' {database}");
        Tool.Run($"pg_dump -Fd -j{PostgreSqlPart.Jobs} -Z1 -f '{bench.Work("stock.dir")}' {database}");
        Restores(bench, database, targets);
        Tests(bench, database);
        bench.Server.Drop(Restored);
        bench.Clean();
    }

    /// <summary>The command that restores what <see cref="PostgreSqlPart.Backup"/> made.</summary>
    public static string Restore(string repository) =>
        $"Restore-DbBackup one -Source app -Database {Restored} -Force -NoSafetyBackup -Repository {Quote(repository)}";

    /// <summary>Makes room for it.</summary>
    public static void MakeRoom(BenchRun bench) => bench.Server.Drop(Restored);

    private static void Restores(BenchRun bench, string database, Targets targets)
    {
        string repository = bench.Work("repo");
        var contest = new Contest(bench);
        void DropRestored() => MakeRoom(bench);
        var module = new Series("`Restore-DbBackup`, with comparison and ANALYZE", $"Restore-DbBackup one -Database {Restored} -Force -NoSafetyBackup -Repository repo");
        contest.Add(module, () => bench.ServerShell.Run(Restore(repository)).Seconds, DropRestored);

        var steps = new List<Series>();
        contest.Add(
            new Series("the engine alone, whose steps are below", $"PreparedRestore.PrepareAsync(…).RunAsync(…)"),
            () =>
            {
                (double seconds, IReadOnlyList<(string Step, double Seconds)> taken) = RunEngine(repository);
                for (int i = 0; i < taken.Count && contest.IsCounted; i++)
                {
                    string name = taken[i].Step;
                    Series? known = steps.Find(step => step.Name == name);
                    if (known is null)
                        steps.Add(known = new Series(name, string.Empty));
                    known.Add(taken[i].Seconds);
                }

                return seconds;
            },
            DropRestored);

        var stock = new List<Series>();
        var analyzed = new List<Series>();
        foreach ((string name, string form) in new[] { ("stock.dump", "-Fc"), ("stock.dir", "-Fd -Z1") })
        {
            string command = $"createdb {Restored} && pg_restore -j{PostgreSqlPart.Jobs} -d {Restored}";
            var alone = new Series($"`pg_restore -j{PostgreSqlPart.Jobs}` of `pg_dump {form}`", $"{command} {name}");
            var whole = new Series("the same and ANALYZE", $"… && psql -c ANALYZE {Restored}");
            stock.Add(alone);
            analyzed.Add(whole);
            contest.Add(
                alone,
                () =>
                {
                    double seconds = Tool.Run($"createdb -T template0 {Restored} && pg_restore -j{PostgreSqlPart.Jobs} -d {Restored} '{bench.Work(name)}'");
                    double analyzing = Tool.Run($"psql -X -q -c ANALYZE {Restored}");
                    if (contest.IsCounted)
                        whole.Add(seconds + analyzing);
                    return seconds;
                },
                DropRestored);
        }

        IReadOnlyList<Series> all = contest.Run("repo", "stock.dump", "stock.dir");
        Series[] compared = [.. steps.Where(step => step.Name == Comparing)];
        var without = new Series("the first without its comparison", "the first less the comparison below");
        for (int i = 0; i < module.Values.Count; i++)
            without.Add(module.Values[i] - compared.Sum(step => step.Values[i]));
        Report.Heading($"PostgreSQL: restore of `{database}`");
        Report.Table([all[0], without, all[1], stock[0], analyzed[0], stock[1], analyzed[1]]);
        Report.Line($"\n| step of the engine | median | min–max |");
        Report.Line($"|---|--:|--:|");
        foreach (Series step in steps)
            Report.Line($"| {step.Name} | {step.Median:0.00} s | {step.Range("0.00")} |");

        Series best = analyzed.MinBy(series => series.Median)!;
        targets.AtMost(1.1, $"`{database}`: restore without its comparison within 1.1 times of {stock[analyzed.IndexOf(best)].Name} and ANALYZE", without.RatioTo(best));
    }

    // In this process, for a shell passes on only what its console could show.
    private static (double Seconds, IReadOnlyList<(string Step, double Seconds)> Steps) RunEngine(string repository)
    {
        var watch = Stopwatch.StartNew();
        var steps = new StepWatch();
        var at = new BackupRepository(new DirectoryStore(repository));
        Backup backup = at.ListAsync("app", CancellationToken.None).GetAwaiter().GetResult().Single();
        var request = new RestoreRequest { Backup = backup, NewName = Restored, Force = true, NoSafetyBackup = true };
        PreparedRestore restore = PreparedRestore.PrepareAsync(at, request, changeNothing: false, steps, CancellationToken.None).GetAwaiter().GetResult();
        restore.RunAsync(steps, CancellationToken.None).GetAwaiter().GetResult();
        return (watch.Elapsed.TotalSeconds, steps.Finish());
    }

    private static void Tests(BenchRun bench, string database)
    {
        string repository = bench.Work("repo");
        var contest = new Contest(bench);
        foreach ((string level, string status, string what) in new[] { ("Restore", "Matched", "restored, compared, dropped"), ("Structure", "", "read back whole") })
        {
            string test = $"Test-DbBackup one -Source app -Level {level} -Repository {Quote(repository)}";
            string check = status.Length == 0 ? "-not $r.Passed" : $"$r.Status -ne '{status}'";
            contest.Add(
                new Series($"`Test-DbBackup -Level {level}`: {what}", $"Test-DbBackup one -Level {level} -Repository repo"),
                () => bench.ServerShell.Run($"$r = {test}; if ({check}) {{ throw \"$r\" }}").Seconds,
                () => MakeRoom(bench));
        }

        contest.Add(
            new Series("`pg_restore` of `pg_dump -Fc` to nowhere: read back whole", "pg_restore -f /dev/null stock.dump"),
            () => Tool.Run($"pg_restore -f /dev/null '{bench.Work("stock.dump")}'"),
            () => MakeRoom(bench));
        Report.Heading($"PostgreSQL: test of `{database}`");
        Report.Table(contest.Run("repo", "stock.dump", "stock.dir"));
    }
}
