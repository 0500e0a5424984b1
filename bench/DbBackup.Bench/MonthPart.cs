using System.Diagnostics;
using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Retention;

namespace DbBackup.Bench;

/// <summary>Thirty days of a database that grows: a backup a day and a policy that removes, beside restic and borg with the same policy.</summary>
internal static class MonthPart
{
    private const int Days = 30;
    private const int SizeMB = 200;
    private const string Policy = "7d,4w,12m";

    // Its days are UTC's, as those of the others are here.
    private static readonly DateTimeOffset s_first = new(2026, 3, 2, 2, 0, 0, TimeSpan.Zero);

    public static void Measure(BenchRun bench)
    {
        Report.Heading("Thirty days of daily backups");
        if (!Tool.IsInstalled("restic") || !Tool.IsInstalled("sqlite3"))
        {
            Report.LeftOut("all of it", "restic");
            return;
        }

        bench.Clean();
        string live = bench.Work("app.db"), copy = bench.Work("copy.db");
        File.Copy(SampleDatabase.Ensure(bench.Options.DataFolder, SizeMB), live);
        long before = new FileInfo(live).Length;
        List<Contender> contenders = [Module(bench, live), Restic(bench, copy)];
        if (Tool.IsInstalled("borg"))
            contenders.Add(Borg(bench, copy));
        foreach (Contender contender in contenders)
            contender.Start();
        for (int day = 0; day < Days; day++)
        {
            if (day > 0)
                SampleChanges.Apply(live, SampleChanges.OfDay(day));
            DateTimeOffset now = s_first.AddDays(day);
            foreach (Contender contender in contenders)
            {
                BenchRun.Settle();
                var watch = Stopwatch.StartNew();
                // The copy is restic's and borg's alone to make.
                if (contender.NeedsCopy)
                    Tool.Run($"sqlite3 '{live}' '.backup {copy}'");
                contender.BackUp(now);
                contender.Written += Math.Max(0, BytesOf(contender.Folder) - contender.Bytes);
                contender.Retain(now);
                contender.Seconds += watch.Elapsed.TotalSeconds;
                contender.Bytes = BytesOf(contender.Folder);
                contender.Most = Math.Max(contender.Most, contender.Bytes);
                File.Delete(copy);
            }
        }

        Report.Line($"A SQLite database of {before / 1e6:0} MB that grows to {new FileInfo(live).Length / 1e6:0} MB: each day 0.5 % of its rows change, spread over all tables, and 0.3 % are added. After each backup the policy `{Policy}` is carried out.\n");
        Report.Line($"| what | repository at the end | at most | written in {Days} days | time in all | compared with the first | kept |");
        Report.Line($"|---|--:|--:|--:|--:|--:|--:|");
        foreach (Contender each in contenders)
            Report.Line($"| {each.Name} | {each.Bytes / 1e6:0} MB | {each.Most / 1e6:0} MB | {each.Written / 1e6:0} MB | {each.Seconds:0.0} s | {each.Seconds / contenders[0].Seconds:0.00} | {each.Kept()} |");
        bench.Clean();
    }

    private static Contender Module(BenchRun bench, string live)
    {
        string folder = bench.Work("repo");
        var repository = new BackupRepository(new DirectoryStore(folder));
        var clock = new DayClock();
        var policy = RetentionPolicy.Parse(Policy + ",timeZone=UTC");
        return new Contender("`New-DbBackup -Method Auto` and the policy, by the engine", folder, NeedsCopy: false)
        {
            Start = () => { },
            BackUp = now =>
            {
                clock.Now = now;
                var request = new BackupRequest { Sources = [new SqliteSource(live, SqliteFormat.Native, TimeSpan.FromSeconds(10))], SourceName = "app", Method = new MethodChoice { Method = null }, AllowNewRepository = true };
                new BackupService(repository, clock).CreateAsync(request, new SilentObserver(), CancellationToken.None).GetAwaiter().GetResult();
            },
            Retain = now => RetainAsync(new BackupRemoval(repository), policy, now).GetAwaiter().GetResult(),
            Kept = () => Kept(repository.ListAsync("app", CancellationToken.None).GetAwaiter().GetResult()),
        };
    }

    private static string Kept(IReadOnlyList<Backup> backups) =>
        string.Create(CultureInfo.InvariantCulture, $"{backups.Count}, {backups.Count(backup => backup.Method == BackupMethod.Full)} of them full");

    private static async Task RetainAsync(BackupRemoval removal, RetentionPolicy policy, DateTimeOffset now)
    {
        RetentionPlan plan = await removal.PlanAsync("app", policy, now, CancellationToken.None);
        await foreach (RetentionOutcome outcome in removal.RetainAsync(plan.Decisions, policy, now, new SilentObserver(), CancellationToken.None))
        {
            if (outcome.Failure is { } failure)
                throw failure;
        }
    }

    private static Contender Restic(BenchRun bench, string copy)
    {
        string folder = bench.Work("restic");
        string store = $"restic -r '{folder}' --no-cache -q";
        return new Contender("`.backup` + `restic backup`, `restic forget --prune`", folder, NeedsCopy: true)
        {
            Start = () => Tool.Run($"{store} init"),
            BackUp = now => Tool.Run($"TZ=UTC {store} backup --time '{now:yyyy-MM-dd HH:mm:ss}' '{copy}'"),
            Retain = _ => Tool.Run($"TZ=UTC {store} forget --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --prune"),
            Kept = () => Tool.Output($"{store} snapshots --json | tr ',' '\\n' | grep -c '\"short_id\"'"),
        };
    }

    private static Contender Borg(BenchRun bench, string copy)
    {
        string folder = bench.Work("borg");
        return new Contender("`.backup` + `borg create`, `borg prune` and `compact`", folder, NeedsCopy: true)
        {
            Start = () => Tool.Run(BorgStore.Init(folder)),
            BackUp = now => Tool.Run(BorgStore.Create(folder, $"--timestamp {now:yyyy-MM-ddTHH:mm:ss} ", $"{now:yyyyMMdd}", copy)),
            Retain = _ => Tool.Run($"{BorgStore.Of(folder)} prune --keep-daily 7 --keep-weekly 4 --keep-monthly 12 '{folder}' && {BorgStore.Of(folder)} compact '{folder}'"),
            Kept = () => Tool.Output($"{BorgStore.Of(folder)} list --short '{folder}' | wc -l"),
        };
    }

    private static long BytesOf(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) : 0;

    private sealed class DayClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private sealed record Contender(string Name, string Folder, bool NeedsCopy)
    {
        public required Action Start { get; init; }

        public required Action<DateTimeOffset> BackUp { get; init; }

        public required Action<DateTimeOffset> Retain { get; init; }

        public required Func<string> Kept { get; init; }

        public double Seconds { get; set; }

        public long Bytes { get; set; }

        public long Most { get; set; }

        public long Written { get; set; }
    }
}
