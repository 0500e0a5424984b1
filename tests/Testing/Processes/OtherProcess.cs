using System.Diagnostics;

namespace DbBackup.Testing;

/// <summary>The helper program of the tests, as a process of its own.</summary>
internal sealed class OtherProcess : IDisposable
{
    private static readonly string Program = Path.Join(AppContext.BaseDirectory, "DbBackup.TestHost.dll");
    // By its path: some processes get a PATH without dotnet. The runtime lies in dotnet's folder, three levels down.
    private static readonly string Dotnet = Path.GetFullPath(Path.Join(
        System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));

    private readonly List<string> _lines = [];

    private OtherProcess(Process process) => Process = process;

    public Process Process { get; }

    /// <summary>All that it has printed.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    public static string[] Command(params string[] arguments) => [Dotnet, "exec", Program, .. arguments];

    /// <summary>Starts it and leaves it running, with its output kept.</summary>
    public static OtherProcess Start(params string[] arguments) => StartCommand(Command(arguments));

    /// <summary>Starts it and waits until its connection to a database is open.</summary>
    public static OtherProcess Hold(string database)
    {
        OtherProcess process = Start("hold", database);
        process.WaitFor(lines => lines.Contains("ready"));
        return process;
    }

    /// <summary>Starts it and waits until it has committed its first rows.</summary>
    public static OtherProcess Write(string database)
    {
        OtherProcess process = Start("write", database);
        process.WaitFor(lines => lines.Count > 5);
        return process;
    }

    /// <summary>Runs a command to its end.</summary>
    public static (int ExitCode, string Output) Run(params string[] command) => Run(new Dictionary<string, string>(), command);

    /// <summary>Runs a command with further variables in its environment to its end.</summary>
    public static (int ExitCode, string Output) Run(IReadOnlyDictionary<string, string> environment, string[] command)
    {
        using OtherProcess process = StartCommand(command, environment);
        process.Process.WaitForExit();
        return (process.Process.ExitCode, string.Join('\n', process.Lines));
    }

    /// <summary>Lets a holding process run a query.</summary>
    public string Ask(string sql)
    {
        int before = Lines.Count;
        Process.StandardInput.WriteLine(sql);
        Process.StandardInput.Flush();
        WaitFor(lines => lines.Count > before);
        return Lines[before];
    }

    /// <summary>The last pair that the writer says is committed.</summary>
    public long LastCommitted() => Committed().DefaultIfEmpty(0).Last();

    public IReadOnlyList<long> Committed() =>
        [.. Lines.Where(line => line.StartsWith("committed ", StringComparison.Ordinal)).Select(line => long.Parse(line[10..], System.Globalization.CultureInfo.InvariantCulture))];

    public void WaitFor(Func<IReadOnlyList<string>, bool> condition)
    {
        var limit = Stopwatch.StartNew();
        while (!condition(Lines))
        {
            Assert.False(Process.HasExited, "The other process ended: " + string.Join('\n', Lines));
            Assert.True(limit.Elapsed < TimeSpan.FromMinutes(1), "The other process does not answer: " + string.Join('\n', Lines));
            Thread.Sleep(5);
        }
    }

    public void Kill()
    {
        Process.Kill();
        Process.WaitForExit();
    }

    public void Dispose()
    {
        if (!Process.HasExited)
            Kill();
        Process.Dispose();
    }

    /// <summary>Starts a command with further variables in its environment and leaves it running.</summary>
    public static OtherProcess StartCommand(string[] command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (string argument in command[1..])
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = new OtherProcess(Process.Start(start)!);
        process.Process.OutputDataReceived += process.Keep;
        process.Process.ErrorDataReceived += process.Keep;
        process.Process.BeginOutputReadLine();
        process.Process.BeginErrorReadLine();
        return process;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is null)
            return;
        lock (_lines)
            _lines.Add(line.Data);
    }
}
