using System.Runtime.InteropServices;

namespace DbBackup.Bench;

/// <summary>On what the run was made.</summary>
internal static class MachinePart
{
    public static void Print(BenchRun bench)
    {
        Report.Heading("The run");
        Report.Line($"- {DateTime.UtcNow:yyyy-MM-dd}, {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors");
        Report.Line($"- database: {new FileInfo(bench.Database).Length / 1e6:0} MB, {Path.GetFileName(bench.Database)}; {bench.Options.Rounds} counted rounds, one before them uncounted");
        Report.Line($"- PowerShell: {Tool.ShellVersion()}, .NET {Environment.Version}");
        Report.Line($"- sqlite3: {Tool.Version("sqlite3", "--version")}");
        Report.Line($"- zstd: {Tool.Version("zstd", "--version")}");
        Report.Line($"- tar: {Tool.Version("tar", "--version")}; gzip: {Tool.Version("gzip", "--version")}");
        Report.Line($"- restic: {Tool.Version("restic", "version")}");
    }
}
