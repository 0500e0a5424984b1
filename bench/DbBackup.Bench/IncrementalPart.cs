using System.Globalization;
using DbBackup.Engine.Engines.Files;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>The second backup of databases and files that have changed a little, a day's worth, or altogether: its time, what it adds, its memory.</summary>
internal static class IncrementalPart
{
    /// <summary>Of a SQLite database.</summary>
    public static void OfSqlite(BenchRun bench) => Measure(bench, "Incremental backups of a SQLite database", "sqlite3", Tool.IsInstalled("sqlite3"), OfSqlite);

    /// <summary>Of a PostgreSQL database.</summary>
    public static void OfPostgreSql(BenchRun bench) =>
        Measure(bench, "Incremental backups of a PostgreSQL database", "initdb", BenchServer.Programs is not null && !OperatingSystem.IsWindows(), OfPostgreSql);

    /// <summary>Of a folder of many small files.</summary>
    public static void OfFiles(BenchRun bench) => Measure(bench, "Incremental backups of many files", "restic", true, OfFiles);

    private static void Measure(BenchRun bench, string heading, string tool, bool isInstalled, Action<BenchRun, Targets> measure)
    {
        Report.Heading(heading);
        if (!isInstalled || !Tool.IsInstalled("restic"))
        {
            Report.LeftOut("all of it", isInstalled ? "restic" : tool);
            return;
        }

        Report.Line($"Each line is the second backup beside the first, which is taken out again. Memory: what `New-DbBackup` adds to a fresh shell, and all of restic's process.\n");
        Report.Line($"| changed | what | median | min–max | compared with the first | added | memory |");
        Report.Line($"|---|---|--:|--:|--:|--:|--:|");
        var targets = new Targets();
        measure(bench, targets);
        Report.Line($"");
        targets.Print();
        bench.Clean();
    }

    private static void OfSqlite(BenchRun bench, Targets targets)
    {
        bench.Clean();
        string live = bench.Work("app.db"), copy = bench.Work("copy.db");
        File.Copy(bench.Database, live);
        var pair = new SecondBackups(bench, "SQLite", bench.Shell, Quote(live), $"sqlite3 '{live}' '.backup {copy}'", copy, ["app.db"]);
        pair.First();
        foreach (Change change in SampleChanges.OfSqlite)
        {
            // From the same beginning, so that the changes do not add up.
            File.Copy(bench.Database, live, overwrite: true);
            SampleChanges.Apply(live, change);
            pair.Compete(change.Name, targets, isRewritten: change == SampleChanges.OfSqlite[^1]);
        }
    }

    private static void OfPostgreSql(BenchRun bench, Targets targets)
    {
        const string Database = "changing";
        bench.Clean();
        string from = bench.OnServer(SampleServerDatabases.Many), dump = bench.Work("dump.fc");
        var pair = new SecondBackups(bench, "PostgreSQL", bench.ServerShell, $"-Database {Database}", $"pg_dump -Fc -Z0 -f '{dump}' {Database}", dump, []);
        foreach (Change change in SampleChanges.OfPostgreSql)
        {
            bench.Clean();
            bench.Server.Drop(Database);
            bench.Server.Execute("postgres", $"CREATE DATABASE {Database} TEMPLATE {from}", "CHECKPOINT");
            // One database: a server that names the blocks that are written knows it by its number.
            pair.First();
            bench.Server.Execute(Database, [.. change.Statements, "VACUUM ANALYZE", "CHECKPOINT"]);
            pair.Compete(change.Name, targets, isRewritten: change == SampleChanges.OfPostgreSql[^1]);
        }

        bench.Server.Drop(Database);
    }

    private static void OfFiles(BenchRun bench, Targets targets)
    {
        bench.Clean();
        string files = bench.Work("files"), database = bench.Work("small.db");
        File.Copy(SampleDatabase.Ensure(bench.Options.DataFolder, 1), database);
        var random = new Random(11);
        var prose = new Prose(random);
        string PathOf(int number) => Path.Combine(files, string.Create(CultureInfo.InvariantCulture, $"{number / 500:000}"), string.Create(CultureInfo.InvariantCulture, $"{number:000000}.txt"));
        for (int i = 0; i < bench.Options.Files; i++)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(PathOf(i))!);
            File.WriteAllText(PathOf(i), prose.Sentence(random.Next(100, 2000)));
        }

        // Files that were changed just before the full backup are read again by each incremental one.
        Thread.Sleep(FileCatalog.SettledAfter + TimeSpan.FromSeconds(2));
        var pair = new SecondBackups(bench, "files", bench.Shell, $"{Quote(database)} -AdditionalPath {Quote(files)}", null, files, ["files", "small.db"]);
        pair.First();
        for (int i = 0; i < 100; i++)
        {
            // A sentence in the middle of a file, as of one who edits it.
            string path = PathOf(random.Next(bench.Options.Files)), text = File.ReadAllText(path);
            File.WriteAllText(path, text.Insert(text.Length / 2, prose.Sentence(20)));
        }

        pair.Compete(string.Create(CultureInfo.InvariantCulture, $"100 of {bench.Options.Files}"), targets, isRewritten: false);
    }
}
