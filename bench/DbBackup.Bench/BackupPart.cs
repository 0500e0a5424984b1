using DbBackup.Tools;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>A backup by this module and by stock tools.</summary>
internal static class BackupPart
{
    private static readonly string[] StockTools = ["sqlite3", "tar", "zstd", "restic"];

    public static void Measure(BenchRun bench)
    {
        string database = bench.Database;
        string copy = bench.Work("copy.db"), repository = bench.Work("repo");
        string backup = $"New-DbBackup {Quote(database)} -AllowNewRepository -Repository {Quote(repository)}";
        long Stored() => new DirectoryInfo(Path.Combine(repository)).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

        var contest = new Contest(bench);
        contest.Add(
            new Series("`New-DbBackup`", "New-DbBackup app.db -Repository repo"),
            () => bench.Shell.Run(backup).Seconds,
            size: Stored);
        contest.Add(
            new Series("`New-DbBackup` with the start of the shell", "pwsh -NoProfile -Command \"Import-Module ./DbBackup.psd1; New-DbBackup app.db -Repository repo\""),
            () => Tool.Run($"{RealShell.CommandLine} -NoProfile -Command \"Import-Module {Quote(BenchRun.ModulePath)}; {backup}\""),
            size: Stored);
        if (Tool.IsInstalled("sqlite3"))
        {
            string copied = $"sqlite3 '{database}' '.backup {copy}'";
            contest.Add(
                new Series("`.backup` alone", "sqlite3 app.db '.backup copy.db'"),
                () => Tool.Run(copied),
                size: () => new FileInfo(copy).Length);
            if (Tool.IsInstalled("tar"))
            {
                contest.Add(
                    new Series("`.backup` + `tar czf`", "sqlite3 app.db '.backup copy.db' && tar czf copy.tar.gz copy.db"),
                    () => Tool.Run($"{copied} && tar czf '{copy}.tar.gz' -C '{bench.WorkFolder}' copy.db"),
                    size: () => new FileInfo(copy + ".tar.gz").Length);
            }

            if (Tool.IsInstalled("zstd"))
            {
                contest.Add(
                    new Series("`.backup` + `zstd -1 -T0`", "sqlite3 app.db '.backup copy.db' && zstd -q -1 -T0 copy.db"),
                    () => Tool.Run($"{copied} && zstd -q -1 -T0 '{copy}'"),
                    size: () => new FileInfo(copy + ".zst").Length);
                contest.Add(
                    new Series("the same, checked and flushed as the module does", "… '.backup copy.db' && sqlite3 copy.db 'PRAGMA quick_check' && zstd -q -1 -T0 copy.db && sync copy.db.zst"),
                    () => Tool.Run($"{copied} && sqlite3 '{copy}' 'PRAGMA quick_check' && zstd -q -1 -T0 '{copy}' && sync '{copy}.zst'"),
                    size: () => new FileInfo(copy + ".zst").Length);
            }

            if (Tool.IsInstalled("restic"))
            {
                string store = $"restic -r '{bench.Work("restic")}' --no-cache -q";
                void Init() => Tool.Run($"{store} init");
                long Kept() => new DirectoryInfo(bench.Work("restic")).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
                contest.Add(
                    new Series("`.backup` + `restic backup`", "sqlite3 app.db '.backup copy.db' && restic backup copy.db"),
                    () => Tool.Run($"{copied} && {store} backup '{copy}'"),
                    Init,
                    Kept);
                contest.Add(
                    new Series("`restic backup` of the live file (torn if it is written meanwhile)", "restic backup app.db"),
                    () => Tool.Run($"{store} backup '{database}'"),
                    Init,
                    Kept);
            }
        }

        Report.Heading("Backup");
        Report.Table(contest.Run());
        foreach (string tool in StockTools.Where(tool => !Tool.IsInstalled(tool)))
            Report.LeftOut($"what needs {tool}", tool);
    }
}
