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
        if (!CanMeasure())
            return;
        string repository = Quote(bench.Work("repo"));
        string backup = $"New-DbBackup {Quote(bench.Database)} -Name one -AllowNewRepository -Repository {repository}";
        string test = $"Test-DbBackup one -Level Restore -Repository {repository}";
        Header(bench, string.Create(CultureInfo.InvariantCulture, $"database of {new FileInfo(bench.Database).Length / 1e6:0} MB"));
        Row(bench, "New-DbBackup", () => { }, backup);
        Row(bench, "Test-DbBackup -Level Restore", () => bench.Shell.Run(backup), test);
        bench.Clean();
    }

    /// <summary>Whether this system tells what is needed; says so where it does not.</summary>
    public static bool CanMeasure()
    {
        if (OperatingSystem.IsLinux())
            return true;
        Report.Line($"Left out: it is read from /proc, which only Linux has.");
        return false;
    }

    /// <summary>What the lines mean, and the head of their table.</summary>
    public static void Header(BenchRun bench, string what)
    {
        Report.Line($"The highest working set (VmHWM) after the command, less the working set (VmRSS) of the same fresh shell before it, with the module imported; median of {Shells(bench)} shell(s).\n");
        Report.Line($"| command, {what} | idle shell | peak | added |");
        Report.Line($"|---|--:|--:|--:|");
    }

    /// <summary>Measures a command, and prints its line.</summary>
    /// <param name="bench">The run.</param>
    /// <param name="name">The command as a person knows it.</param>
    /// <param name="prepare">What comes before each measured shell.</param>
    /// <param name="command">The command.</param>
    /// <returns>What it added, in MB.</returns>
    public static double Row(BenchRun bench, string name, Action prepare, string command) => Row(bench, name, prepare, () => command);

    /// <inheritdoc cref="Row(BenchRun, string, Action, string)"/>
    /// <param name="bench">The run.</param>
    /// <param name="name">The command as a person knows it.</param>
    /// <param name="prepare">What comes before each measured shell.</param>
    /// <param name="command">Gives the command, after the preparation.</param>
    /// <param name="keep">What stays in the work folder.</param>
    public static double Row(BenchRun bench, string name, Action prepare, Func<string> command, params string[] keep)
    {
        var runs = new List<(double Idle, double Peak)>();
        for (int i = 0; i < Shells(bench); i++)
        {
            bench.Clean(keep);
            prepare();
            (double idle, double highest, _) = Of(command());
            runs.Add((idle, highest));
        }

        (double before, double peak) = runs.OrderBy(run => run.Peak - run.Idle).ElementAt(runs.Count / 2);
        Report.Line($"| `{name}` | {before:0} MB | {peak:0} MB | **{peak - before:0} MB** |");
        return peak - before;
    }

    /// <summary>The working set of a fresh shell before a command, and the highest after it, in MB; and the command's own time.</summary>
    public static (double Idle, double Peak, double Seconds) Of(string command)
    {
        using var fresh = new ModuleShell(BenchRun.ModulePath);
        // Asked twice: the first question itself loads what it needs.
        fresh.Run(Idle);
        double idle = Read(fresh, Idle);
        double seconds = fresh.Run(command).Seconds;
        return (idle, Read(fresh, Peak), seconds);
    }

    private static int Shells(BenchRun bench) => Math.Min(3, bench.Options.Rounds);

    private static double Read(ModuleShell shell, string what) =>
        double.Parse(shell.Run(what).Output, CultureInfo.InvariantCulture) * 1024 / 1e6;
}
