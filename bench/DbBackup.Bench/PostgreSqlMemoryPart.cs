using System.Globalization;

namespace DbBackup.Bench;

/// <summary>The memory that commands on a PostgreSQL database add to a fresh shell; that of pg_dump and the server is not in it.</summary>
internal static class PostgreSqlMemoryPart
{
    // What docs/performance.md promises, whatever the size of the database.
    private const double LimitMB = 200;

    public static void Measure(BenchRun bench)
    {
        Report.Heading("PostgreSQL: peak memory");
        if (!PostgreSqlPart.CanMeasure() || !MemoryPart.CanMeasure())
            return;
        string repository = bench.Work("repo");
        string backup = PostgreSqlPart.Backup(bench.OnServer(SampleServerDatabases.Many), repository);
        string test = $"Test-DbBackup one -Source app -Level Restore -Repository {ModuleShell.Quote(repository)}";
        void MakeRoom() => PostgreSqlRestores.MakeRoom(bench);
        void BackUp()
        {
            MakeRoom();
            bench.ServerShell.Run(backup);
        }

        // Its environment must name the server before the measured shells start.
        MakeRoom();
        MemoryPart.Header(bench, string.Create(CultureInfo.InvariantCulture, $"`many` of {bench.Options.SizeMB} MB"));
        double[] added =
        [
            MemoryPart.Row(bench, "New-DbBackup", MakeRoom, backup),
            MemoryPart.Row(bench, "Test-DbBackup -Level Restore", BackUp, test),
            MemoryPart.Row(bench, "Restore-DbBackup", BackUp, PostgreSqlRestores.Restore(repository)),
        ];
        MakeRoom();
        bench.Clean();
        var targets = new Targets();
        targets.AtMost(LimitMB, "less than 200 MB added, the same with 5 GB", added.Max(), "MB");
        Report.Line($"");
        targets.Print();
    }
}
