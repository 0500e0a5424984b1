using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace DbBackup.Tools;

/// <summary>
/// Starts the PowerShell in which the module is tested and measured: the one that DBBACKUP_TEST_PWSH names, otherwise the .NET
/// tool that the repository pins. A <c>pwsh</c> on the path is not used unasked, so that each machine tests the same version.
/// </summary>
internal static class RealShell
{
    private const string Variable = "DBBACKUP_TEST_PWSH";

    /// <summary>The program, and the arguments that precede the shell's own.</summary>
    public static IReadOnlyList<string> Command { get; } = Find();

    /// <summary>The command as the beginning of a line for sh.</summary>
    public static string CommandLine => string.Join(' ', Command.Select(word => $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'"));

    /// <summary>Returns what starts the shell with the given arguments.</summary>
    public static ProcessStartInfo StartInfo(params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo(Command[0]);
        foreach (string word in (string[])[.. Command.Skip(1), .. arguments])
            start.ArgumentList.Add(word);
        start.Environment["NO_COLOR"] = "1";
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        start.Environment["POWERSHELL_UPDATECHECK"] = "Off";
        return start;
    }

    private static IReadOnlyList<string> Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } own)
            return [own];
        string tool = typeof(RealShell).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RealShell").Value!;
        if (!File.Exists(tool))
            throw new FileNotFoundException($"PowerShell is not where the build found it; run 'dotnet restore', or set {Variable} to a pwsh 7.6 or newer.", tool);
        // The tool is no program of its own: the dotnet that runs this process runs it too, wherever it is installed.
        string dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        return [File.Exists(dotnet) ? dotnet : "dotnet", tool];
    }
}
