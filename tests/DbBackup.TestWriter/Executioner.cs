using System.Runtime.InteropServices;

namespace DbBackup.TestWriter;

/// <summary>Ends this process as kill -9 does, without any clean-up, at the nth report of the engine; never for 0.</summary>
internal sealed class Executioner(int killAt) : IOperationObserver
{
    private const int KillSignal = 9;
    private int _reports;

    public void Progress(OperationProgress progress) => Report(progress.Step);

    public void Verbose(string message) => Report(message);

    public void Warning(string message) => Report(message);

    private void Report(string what)
    {
        Console.Error.WriteLine(what);
        if (Interlocked.Increment(ref _reports) == killAt)
            _ = Kill(Environment.ProcessId, KillSignal);
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
