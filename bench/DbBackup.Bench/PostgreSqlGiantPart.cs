using System.Globalization;

namespace DbBackup.Bench;

/// <summary>One giant table, there and back: time and memory, one run each, for it takes minutes.</summary>
internal static class PostgreSqlGiantPart
{
    private const string Restored = "restored";
    private const double LimitMB = 200;

    public static void Measure(BenchRun bench)
    {
        Report.Heading("PostgreSQL: one giant table");
        if (!PostgreSqlPart.CanMeasure() || !MemoryPart.CanMeasure())
            return;
        string database = bench.OnServer(SampleServerDatabases.Single), repository = bench.Work("repo"), folder = bench.Work("stock.dir"), packed = bench.Work("stock.dump.zst");
        int jobs = PostgreSqlPart.Jobs;
        Report.Line($"{PostgreSqlPart.Size(bench, database)} on the server; one run each, the module in a fresh shell each time.\n");
        Report.Line($"| what | time | added memory | result |");
        Report.Line($"|---|--:|--:|--:|");

        double Module(string name, string command, string? result)
        {
            BenchRun.Settle();
            (double idle, double peak, double seconds) = MemoryPart.Of(command);
            Row(name, seconds, peak - idle, result);
            return peak - idle;
        }

        double Stock(string name, string line, string? result)
        {
            BenchRun.Settle();
            double seconds = Tool.Run(line);
            Row(name, seconds, null, result);
            return seconds;
        }

        // Not counted: it reads the table into the page cache, for all of them.
        bench.Clean();
        Tool.Run($"psql -X -q -c 'COPY entry TO STDOUT' {database} > /dev/null");
        double dumped = Module("`New-DbBackup`", PostgreSqlPart.Backup(database, repository), repository);
        Stock($"`pg_dump -Fd -j{jobs} -Z1`", $"pg_dump -Fd -j{jobs} -Z1 -f '{folder}' {database}", folder);
        if (Tool.IsInstalled("zstd") && Tool.IsInstalled("bash"))
            Stock("`pg_dump -Fc -Z0` + `zstd -1 -T0`, flushed", $"bash -c \"set -o pipefail; pg_dump -Fc -Z0 {database} | zstd -q -1 -T0 -o '{packed}' && sync '{packed}'\"", packed);
        PostgreSqlRestores.MakeRoom(bench);
        double restored = Module("`Restore-DbBackup`, with comparison and ANALYZE", PostgreSqlRestores.Restore(repository), null);
        PostgreSqlRestores.MakeRoom(bench);
        Stock($"`pg_restore -j{jobs}` of the folder, and ANALYZE", $"createdb -T template0 {Restored} && pg_restore -j{jobs} -d {Restored} '{folder}' && psql -X -q -c ANALYZE {Restored}", null);
        PostgreSqlRestores.MakeRoom(bench);
        bench.Clean();
        var targets = new Targets();
        targets.AtMost(LimitMB, "less than 200 MB added", Math.Max(dumped, restored), "MB");
        Report.Line($"");
        targets.Print();
    }

    private static void Row(string name, double seconds, double? addedMB, string? result) => Report.Line(
        $"| {name} | {seconds:0.0} s | {(addedMB is { } added ? added.ToString("0 MB", CultureInfo.InvariantCulture) : string.Empty)} | {(result is null ? string.Empty : PostgreSqlBackup.Bytes(result) / 1000000 + " MB")} |");
}
