using System.Globalization;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>The memory that commands add to a fresh shell with the module imported.</summary>
internal static class MemoryPart
{
    // The value's unit is kB: man 5 proc_pid_status. Idle is the present working set, the peak is the highest that ever was.
    private const string Idle = "(Get-Content /proc/self/status | Select-String '^VmRSS:\\s+(\\d+)').Matches[0].Groups[1].Value";
    private const string Peak = "(Get-Content /proc/self/status | Select-String '^VmHWM:\\s+(\\d+)').Matches[0].Groups[1].Value";

    public static void Measure(BenchRun bench)
    {
        Report.Heading("Peak memory");
        if (!OperatingSystem.IsLinux())
        {
            Report.Line($"Left out: it is read from /proc, which only Linux has.");
            return;
        }

        string repository = Quote(bench.Work("repo"));
        string backup = $"New-DbBackup {Quote(bench.Database)} -Name one -Repository {repository}";
        string test = $"Test-DbBackup one -Level Restore -Repository {repository}";
        Report.Line($"The highest working set (VmHWM) after the command, less the working set (VmRSS) of the same fresh shell before it, with the module imported; median of {Math.Min(3, bench.Options.Rounds)} shell(s).\n");
        Report.Line($"| command, database of {new FileInfo(bench.Database).Length / 1e6:0} MB | idle shell | peak | added |");
        Report.Line($"|---|--:|--:|--:|");
        Row(bench, "New-DbBackup", null, backup);
        Row(bench, "Test-DbBackup -Level Restore", backup, test);
        bench.Clean();
    }

    private static void Row(BenchRun bench, string name, string? prepare, string command)
    {
        var runs = new List<(double Idle, double Peak)>();
        for (int i = 0; i < Math.Min(3, bench.Options.Rounds); i++)
        {
            bench.Clean();
            if (prepare is not null)
                bench.Shell.Run(prepare);
            using var fresh = new ModuleShell(BenchRun.ModulePath);
            // Asked twice: the first question itself loads what it needs.
            fresh.Run(Idle);
            double idle = Read(fresh, Idle);
            fresh.Run(command);
            runs.Add((idle, Read(fresh, Peak)));
        }

        (double before, double peak) = runs.OrderBy(run => run.Peak - run.Idle).ElementAt(runs.Count / 2);
        Report.Line($"| `{name}` | {before:0} MB | {peak:0} MB | **{peak - before:0} MB** |");
    }

    private static double Read(ModuleShell shell, string what) =>
        double.Parse(shell.Run(what).Output, CultureInfo.InvariantCulture) * 1024 / 1e6;
}
