using System.Collections.Concurrent;
using System.Diagnostics;

namespace DbBackup.Testing;

/// <summary>How a command of a <see cref="WorkerProcess"/> ended.</summary>
/// <param name="Exit">0; 1 for an error of the module's own; 2 for any other exception; 3 if the process is dead or does not answer.</param>
/// <param name="Words">The error.</param>
/// <param name="Lines">What it printed.</param>
internal sealed record WorkerEnd(int Exit, string Words, IReadOnlyList<string> Lines)
{
    /// <summary>The error's code.</summary>
    public string Code => Words.Split(':')[0];
}

/// <summary>The helper program of the tests as a process that runs one command after another.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private const string EndMark = "end ";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly BlockingCollection<WorkerEnd> _ends = [];

    /// <param name="prefix">A program that starts it, such as one that changes the user.</param>
    public WorkerProcess(params string[] prefix)
    {
        string[] command = [.. prefix, .. OtherProcess.Command("worker")];
        _process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        // What it reports meanwhile is of no use here, and would fill its pipe.
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        new Thread(Read) { IsBackground = true }.Start();
    }

    /// <summary>Begins a command.</summary>
    public void Send(params string[] command)
    {
        _process.StandardInput.WriteLine(string.Join('\t', command));
        _process.StandardInput.Flush();
    }

    /// <summary>Waits for the end of a command.</summary>
    public WorkerEnd End() => _ends.TryTake(out WorkerEnd? end, s_patience) ? end : new WorkerEnd(3, "it does not answer", []);

    /// <summary>Runs a command to its end.</summary>
    public WorkerEnd Run(params string[] command)
    {
        Send(command);
        return End();
    }

    /// <summary>Kills it, as kill -9 does, unless its command ends before.</summary>
    /// <param name="after">How long the command runs.</param>
    /// <returns>Whether it was killed in the middle of the command.</returns>
    public bool KillAfter(TimeSpan after)
    {
        bool ended = _ends.TryTake(out _, after);
        _process.Kill();
        _process.WaitForExit();
        return !ended && (!_ends.TryTake(out WorkerEnd? end, s_patience) || end.Exit == 3);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Read()
    {
        var lines = new List<string>();
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (!line.StartsWith(EndMark, StringComparison.Ordinal))
            {
                lines.Add(line);
                continue;
            }

            _ends.Add(new WorkerEnd(line[EndMark.Length] - '0', line.Length > EndMark.Length + 2 ? line[(EndMark.Length + 2)..] : string.Empty, lines));
            lines = [];
        }

        _ends.Add(new WorkerEnd(3, "the process ended " + string.Join(' ', lines), lines));
    }
}
