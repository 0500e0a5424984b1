using System.Globalization;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>What the module costs before its first command.</summary>
internal static class ImportPart
{
    private const int Shells = 10;

    public static void Measure(BenchRun bench)
    {
        string module = Quote(BenchRun.ModulePath);
        var import = new Series("Import-Module DbBackup", "Measure-Command { Import-Module ./DbBackup.psd1 }");
        var other = new Series("Import-Module ThreadJob, which comes with PowerShell, for comparison", "Measure-Command { Import-Module Microsoft.PowerShell.ThreadJob }");
        for (int i = 0; i < Shells; i++)
        {
            import.Add(Seconds($"Import-Module {module}"));
            other.Add(Seconds("Import-Module Microsoft.PowerShell.ThreadJob"));
        }

        Report.Heading($"Import, {Shells} fresh shells each");
        Report.Line($"| what | median | min–max | command |");
        Report.Line($"|---|--:|--:|---|");
        foreach (Series series in new[] { import, other })
            Report.Line($"| {series.Name} | {series.Median * 1000:0} ms | {series.Range("0", 1000)} ms | `{series.Command}` |");
    }

    // The first Measure-Command of a shell compiles and loads what it needs itself: that is not the module's.
    private static double Seconds(string command)
    {
        using var shell = new ModuleShell(null);
        shell.Run("(Measure-Command { $null = 1 }).TotalSeconds");
        string text = shell.Run($"(Measure-Command {{ {command} }}).TotalSeconds.ToString([cultureinfo]::InvariantCulture)").Output;
        return double.Parse(text, CultureInfo.InvariantCulture);
    }
}
