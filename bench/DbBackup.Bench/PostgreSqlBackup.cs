using DbBackup.Tools;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>The backup of one PostgreSQL database by this module and by pg_dump.</summary>
internal static class PostgreSqlBackup
{
    private static readonly int[] Levels = [1, 0];

    public static void Measure(BenchRun bench, string database, Targets targets)
    {
        string repository = bench.Work("repo"), dump = bench.Work("stock.dump"), folder = bench.Work("stock.dir");
        string backup = PostgreSqlPart.Backup(database, repository);
        int jobs = PostgreSqlPart.Jobs;
        var contest = new Contest(bench);

        Series Module(string name, string options)
        {
            var series = new Series(name, $"New-DbBackup -Database {database}{options} -Repository repo");
            contest.Add(series, () => bench.ServerShell.Run(backup + options).Seconds, size: () => Bytes(repository));
            return series;
        }

        Series Stock(string name, string command, string line, string result)
        {
            var series = new Series(name, command);
            contest.Add(series, () => Tool.Run(line), size: () => Bytes(result));
            return series;
        }

        Series module = Module("`New-DbBackup`, with `-Fingerprint Rows`, the default", string.Empty);
        contest.Add(
            new Series("the same with the start of the shell", $"pwsh -NoProfile -Command \"Import-Module ./DbBackup.psd1; New-DbBackup -Database {database} -Repository repo\""),
            () => Tool.Run($"{RealShell.CommandLine} -NoProfile -Command \"Import-Module {Quote(BenchRun.ModulePath)}; {backup}\""),
            size: () => Bytes(repository));
        Module("`-Fingerprint None`", " -Fingerprint None");
        Module("`-Fingerprint Content`", " -Fingerprint Content");
        Module("`-Format Directory`", " -Format Directory");
        Series custom = Stock("`pg_dump -Fc`", $"pg_dump -Fc -f db.dump {database}", $"pg_dump -Fc -f '{dump}' {database}", dump);
        if (Tool.IsInstalled("zstd") && Tool.IsInstalled("bash"))
        {
            // Flushed as pg_dump flushes the files that it writes itself; without pipefail its failure would not be seen.
            Stock(
                "`pg_dump -Fc -Z0` + `zstd -1 -T0`, flushed",
                $"pg_dump -Fc -Z0 {database} | zstd -q -1 -T0 -o db.dump.zst && sync db.dump.zst",
                $"bash -c \"set -o pipefail; pg_dump -Fc -Z0 {database} | zstd -q -1 -T0 -o '{dump}.zst' && sync '{dump}.zst'\"",
                dump + ".zst");
        }

        Series[] parallel =
        [
            .. Levels.Select(level => Stock(
                $"`pg_dump -Fd -j{jobs} -Z{level}`",
                $"pg_dump -Fd -j{jobs} -Z{level} -f db.dir {database}",
                $"pg_dump -Fd -j{jobs} -Z{level} -f '{folder}' {database}",
                folder)),
        ];

        IReadOnlyList<Series> all = contest.Run();
        Report.Heading($"PostgreSQL: backup of `{database}`");
        Report.Table(all);
        if (!Tool.IsInstalled("zstd"))
            Report.LeftOut("what needs zstd", "zstd");

        targets.AtLeast(3, $"`{database}`: backup at least 3 times faster than `pg_dump -Fc`", custom.RatioTo(module));
        targets.AtMost(1, $"`{database}`: its size, compared with that", Larger(module, custom));
        foreach (Series rival in parallel)
        {
            targets.AtMost(1.1, $"`{database}`: backup within 1.1 times of {rival.Name}", module.RatioTo(rival));
            targets.AtMost(1, $"`{database}`: its size, compared with that", Larger(module, rival));
        }
    }

    private static double Larger(Series mine, Series other) => (double)mine.ResultBytes!.Value / other.ResultBytes!.Value;

    /// <summary>The bytes of a file or of all files in a folder.</summary>
    public static long Bytes(string path) => File.Exists(path)
        ? new FileInfo(path).Length
        : new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
}
