using System.Globalization;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>PostgreSQL databases, there and back: one of many tables, one of a single large one.</summary>
internal static class PostgreSqlPart
{
    /// <summary>How many jobs the stock tools get: as many as the module takes by itself on up to 8 processors.</summary>
    public static int Jobs { get; } = Environment.ProcessorCount;

    public static void Measure(BenchRun bench)
    {
        Report.Heading("PostgreSQL");
        if (!CanMeasure())
            return;
        Report.Line($"- {bench.Server.Query("postgres", "SELECT split_part(version(), ' on ', 1)")}, {Tool.Version("pg_dump", "--version")}; fsync on, shared_buffers 512 MB, max_wal_size 4 GB, else defaults");
        Report.Line($"- on the server: {Size(bench, bench.OnServer(SampleServerDatabases.Many))} in `many`, {Size(bench, bench.OnServer(SampleServerDatabases.Single))} in `single`; about {bench.Options.SizeMB} MB each in pg_dump's text");
        Report.Line($"- N = {Jobs} jobs");
        var targets = new Targets();
        foreach (string database in new[] { SampleServerDatabases.Many, SampleServerDatabases.Single })
        {
            PostgreSqlBackup.Measure(bench, database, targets);
            PostgreSqlRestores.Measure(bench, database, targets);
        }

        Report.Heading("PostgreSQL: targets");
        targets.Print();
    }

    /// <summary>Whether a server can be started; says so where it cannot.</summary>
    public static bool CanMeasure()
    {
        if (BenchServer.Programs is not null && !OperatingSystem.IsWindows())
            return true;
        Report.LeftOut("PostgreSQL", "initdb");
        return false;
    }

    /// <summary>The command that makes a backup.</summary>
    public static string Backup(string database, string repository) =>
        $"New-DbBackup -Database {database} -Name one -Source app -AllowNewRepository -Repository {Quote(repository)}";

    /// <summary>How large a database is on the server.</summary>
    public static string Size(BenchRun bench, string database) =>
        string.Create(CultureInfo.InvariantCulture, $"{double.Parse(bench.Server.Query("postgres", $"SELECT pg_database_size('{database}')"), CultureInfo.InvariantCulture) / 1e6:0} MB");
}
