using System.Globalization;
using System.Runtime.InteropServices;

namespace DbBackup.TestHost;

/// <summary>Ends this process as kill -9 does, without any clean-up, at the nth report of the engine, or when an upgrade begins a step; never for 0.</summary>
internal sealed class Executioner(int killAt, string? step = null) : IOperationObserver
{
    private const int KillSignal = 9;
    private int _reports;

    /// <summary>From an argument: the number of the report, or the name of the step.</summary>
    public static Executioner Of(string killAt) =>
        int.TryParse(killAt, NumberStyles.None, CultureInfo.InvariantCulture, out int report) ? new Executioner(report) : new Executioner(0, killAt);

    public void Progress(OperationProgress progress)
    {
        Report(progress.Step);
        // What a step does reports steps of its own.
        if (progress.Step == step && progress.Activity.StartsWith("Upgrading ", StringComparison.Ordinal))
            _ = Kill(Environment.ProcessId, KillSignal);
    }

    public void Verbose(string message) => Report(message);

    public void Warning(string message) => Report(message);

    private void Report(string what)
    {
        int report = Interlocked.Increment(ref _reports);
        Console.Error.WriteLine($"report {report}: {what}");
        if (report == killAt)
            _ = Kill(Environment.ProcessId, KillSignal);
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
