using System.Diagnostics;
using System.Text;

namespace DbBackup.Engine.Platform;

/// <summary>
/// Runs the stock programs that do what they do best. Arguments travel as a list, never through a shell; the whole process tree
/// ends when the work is cancelled; the end of standard error is kept for the failure's text.
/// </summary>
internal static class ExternalTool
{
    private const int KeptErrorCharacters = 2000;

    /// <summary>The full path of a program on PATH; null where there is none.</summary>
    public static string? Find(string name)
    {
        string[] endings = OperatingSystem.IsWindows() ? [".exe"] : [string.Empty];
        return (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => endings.Select(ending => Path.Combine(folder, name + ending)))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>Runs a program, with its standard output going into a stream byte by byte.</summary>
    /// <exception cref="ToolFailedException">Its exit code is not 0.</exception>
    public static void Run(string tool, IReadOnlyList<string> arguments, Stream output, string hint, CancellationToken cancellationToken)
    {
        using Process process = Start(tool, arguments);
        using CancellationTokenRegistration stop = cancellationToken.Register(() => Kill(process));
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.BeginErrorReadLine();
        process.StandardOutput.BaseStream.CopyTo(output, 1 << 20);
        process.WaitForExit();
        cancellationToken.ThrowIfCancellationRequested();
        if (process.ExitCode != 0 || errors.Length > 0)
            throw new ToolFailedException(Path.GetFileNameWithoutExtension(tool), process.ExitCode, errors.ToString(), hint);
    }

    /// <summary>The first line that a short command prints; empty where it fails or prints nothing.</summary>
    public static string FirstLine(string tool, IReadOnlyList<string> arguments)
    {
        using Process process = Start(tool, arguments);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? text.Split('\n')[0].Trim() : string.Empty;
    }

    private static Process Start(string tool, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(tool)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    private static void Keep(StringBuilder errors, string? line)
    {
        if (line is null)
            return;
        lock (errors)
        {
            errors.AppendLine(line);
            if (errors.Length > KeptErrorCharacters)
                errors.Remove(0, errors.Length - KeptErrorCharacters);
        }
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in the meantime.
        }
    }
}
