using System.Diagnostics;
using System.Globalization;
using DbBackup.Tools;

namespace DbBackup.Bench;

/// <summary>The stock tools beside which the module is measured.</summary>
internal static class Tool
{
    /// <summary>Whether a tool is on the path.</summary>
    public static bool IsInstalled(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, name)));

    /// <summary>The first line of what a tool says of itself.</summary>
    public static string Version(string name, string argument)
    {
        if (!IsInstalled(name))
            return "not installed";
        var start = new ProcessStartInfo(name, argument) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string? line = process.StandardOutput.ReadLine();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return line ?? "unknown";
    }

    /// <summary>The version of the PowerShell that the module is measured in.</summary>
    public static string ShellVersion()
    {
        ProcessStartInfo start = RealShell.StartInfo("--version");
        start.RedirectStandardOutput = true;
        using Process process = Process.Start(start)!;
        string version = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return version;
    }

    /// <summary>Runs a line of sh to its end.</summary>
    /// <returns>The seconds it took.</returns>
    public static double Run(string commandLine) => Run(commandLine, out _);

    /// <summary>Runs a line of sh to its end.</summary>
    /// <returns>What it printed.</returns>
    public static string Output(string commandLine)
    {
        Run(commandLine, out string output);
        return output.Trim();
    }

    private static double Run(string commandLine, out string output)
    {
        var start = new ProcessStartInfo("sh") { RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(commandLine);
        // For restic alone: its repositories live for one round.
        start.Environment["RESTIC_PASSWORD"] = "bench";
        var watch = Stopwatch.StartNew();
        using Process process = Process.Start(start)!;
        output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        watch.Stop();
        return process.ExitCode == 0
            ? watch.Elapsed.TotalSeconds
            : throw new InvalidOperationException($"'{commandLine}' ended with exit code {process.ExitCode}.");
    }

    /// <summary>Runs one program to its end.</summary>
    /// <returns>Its highest working set in MB, as /proc last told it.</returns>
    public static double PeakOf(string commandLine)
    {
        // The shell becomes the program, so that the process looked at is the program's.
        var start = new ProcessStartInfo("sh", ["-c", "exec " + commandLine]) { RedirectStandardOutput = true };
        start.Environment["RESTIC_PASSWORD"] = "bench";
        using Process process = Process.Start(start)!;
        double peak = 0;
        string status = $"/proc/{process.Id}/status";
        while (!process.HasExited)
        {
            try
            {
                // Gone from one that has ended and is not waited for yet.
                if (File.ReadLines(status).FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } line)
                    peak = double.Parse(line.AsSpan(6).Trim().TrimEnd("kB "), CultureInfo.InvariantCulture) * 1024 / 1e6;
            }
            catch (IOException)
            {
                // It ended meanwhile.
            }

            Thread.Sleep(5);
        }

        return process.ExitCode == 0 ? peak : throw new InvalidOperationException($"'{commandLine}' ended with exit code {process.ExitCode}.");
    }
}
