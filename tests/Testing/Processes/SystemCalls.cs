using System.Globalization;
using System.Runtime.InteropServices;

namespace DbBackup.Testing;

/// <summary>
/// Kills the other process right after its nth system call of some kind, whichever thread made it. strace's own injection
/// counts in each thread apart, and a runtime that spreads its work over threads rarely makes a second call in the same one;
/// so strace holds the process for a moment after each call, and it is killed in that moment. Names of calls that this
/// processor does not have are passed over.
/// </summary>
internal static class SystemCalls
{
    private const int KillSignal = 9;

    /// <summary>Skips, or in CI fails, where there is no strace.</summary>
    public static void Require()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Calls are counted by strace, which only Linux has.");
        Testing.Require.Tool("strace");
    }

    /// <summary>How many of these calls a run makes.</summary>
    public static int Count(TempFolder folder, string calls, string[] command)
    {
        string trace = folder[$"calls-{Guid.NewGuid():N}"];
        (int exit, string output) = OtherProcess.Run(Traced(trace, calls, command));
        Assert.True(exit == 0, output);
        int count = File.ReadLines(trace).Count(IsCall);
        File.Delete(trace);
        Assert.True(count > 0, $"None of {calls} was called.");
        return count;
    }

    /// <summary>Runs a command and kills it after the nth of these calls.</summary>
    public static (int ExitCode, string Output) KillAt(TempFolder folder, string calls, int number, string[] command)
    {
        string trace = folder[$"calls-{Guid.NewGuid():N}"];
        using OtherProcess run = OtherProcess.StartCommand(Traced(trace, calls, command, "-e", $"inject={Known(calls)}:delay_exit=30000"));
        int? thread = null;
        while (!run.Process.HasExited && (thread = ThreadOfCall(trace, number)) is null)
            Thread.Sleep(1);
        // A thread's number stands for its process.
        if (thread is not null)
            _ = Kill(thread.Value, KillSignal);
        run.Process.WaitForExit();
        File.Delete(trace);
        return (run.Process.ExitCode, string.Join('\n', run.Lines));
    }

    private static int? ThreadOfCall(string trace, int number)
    {
        if (!File.Exists(trace))
            return null;
        using var reader = new StreamReader(new FileStream(trace, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        string? line = reader.ReadToEnd().Split('\n')[..^1].Where(IsCall).ElementAtOrDefault(number - 1);
        return line is null ? null : int.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture);
    }

    // A line for each call that is over; that of one which another thread interrupts in the log comes when it is resumed.
    private static bool IsCall(string line) => line.Contains(") = ", StringComparison.Ordinal) || line.Contains(")  ", StringComparison.Ordinal);

    // Without diagnostics, for which the runtime makes and deletes files of its own.
    private static string[] Traced(string trace, string calls, string[] command, params string[] options) =>
        ["strace", "-f", "--seccomp-bpf", "-qq", "-o", trace, "-E", "DOTNET_EnableDiagnostics=0", "-e", "trace=" + Known(calls), .. options, .. command];

    private static string Known(string calls) => string.Join(',', calls.Split(',').Select(call => "?" + call));

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
