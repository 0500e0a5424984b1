using System.Reflection;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.DiskFaults;

/// <summary>
/// Runs a command again and again on the same files, and has another one of its system calls fail each time. What must be true afterwards is
/// collected, so that one run shows all that is wrong.
/// </summary>
internal sealed class FaultCampaign : IDisposable
{
    private static readonly HashSet<string> s_codes = [.. typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!)];

    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly TempFolder _outer = TempFolder.InMemory();
    private readonly Dictionary<string, int> _problems = [];
    private readonly Dictionary<string, int> _errors = [];
    private FaultInjector? _injector;

    /// <param name="environment">Further variables of the process whose calls fail.</param>
    public FaultCampaign(IReadOnlyDictionary<string, string>? environment = null)
    {
        _environment = environment ?? new Dictionary<string, string>();
        Root = _outer["run"];
        Directory.CreateDirectory(Root);
        _injector = Start();
    }

    /// <summary>The folder in which everything is: the calls below it count.</summary>
    public string Root { get; }

    /// <summary>How many runs met a fault.</summary>
    public int Injected { get; private set; }

    public string this[string name] => Path.Join(Root, name);

    /// <summary>Takes the present state for the one with which each run begins.</summary>
    public void Remember() => Copy(Root, _outer["template"]);

    /// <summary>Runs a command without a fault.</summary>
    public (int Exit, string Words) Run(params string[] command) => _injector!.Run(command);

    /// <summary>Fails each call of a command in turn, or with a step between where not all are wanted.</summary>
    /// <param name="fault">The error.</param>
    /// <param name="sample">How many calls fail usually.</param>
    /// <param name="command">The command.</param>
    /// <param name="check">Looks at what a run has left: with its exit code and a way to report.</param>
    public async Task FailEachAsync(Faults fault, int sample, string[] command, Func<int, Action<string>, Task> check)
    {
        Reset();
        ((int exit, string words), int count, _) = _injector!.Run(Root, fault, 0, command);
        Assert.True(exit == 0, words);
        Assert.True(count > 20, $"Only {count} calls can have this error.");
        foreach (int number in KillPoints.Of(count, sample))
        {
            Reset();
            ((int Exit, string Words) end, _, InjectedFault? injected) = _injector!.Run(Root, fault, number, command);
            // Threads take turns in another way each time: there may be one call less.
            if (injected is null)
                continue;
            Injected++;
            string place = $"{fault} at call {number} of {count}, {Anonymous(injected.ToString())}";
            void Report(string what) => Count(_problems, $"{what} [{place}] (the run ended with {end.Exit}: {Anonymous(end.Words)})");
            if (end.Exit > 1)
                Report("raw exception");
            else if (end.Exit == 1 && !s_codes.Contains(end.Words.Split(':')[0]))
                Report("no code");
            if (end.Exit == 1)
                Count(_errors, Anonymous(end.Words));
            try
            {
                await check(end.Exit, Report);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Report($"{exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}");
            }
        }
    }

    /// <summary>Ends the process, as a user would close the shell, so that its locks and leases are a dead one's.</summary>
    public void EndProcess()
    {
        _injector!.Dispose();
        _injector = Start();
    }

    /// <summary>Fails where anything was reported.</summary>
    public void Complete()
    {
        string file = Environment.GetEnvironmentVariable("DBBACKUP_FAULT_REPORT") ?? string.Empty;
        if (file.Length > 0)
            File.AppendAllLines(file, [$"{Injected} faults", .. _errors.OrderByDescending(each => each.Value).Select(each => $"{each.Value} x {each.Key}"), .. _problems.Keys.Select(problem => "PROBLEM " + problem)]);
        Assert.True(Injected > 0, "Nothing was failed.");
        Assert.True(_problems.Count == 0, $"{_problems.Count} problems after {Injected} faults:\n{string.Join('\n', _problems.Keys)}");
    }

    public void Dispose()
    {
        _injector?.Dispose();
        _outer.Dispose();
    }

    private FaultInjector Start() => FaultInjector.Start(new Dictionary<string, string>(_environment) { ["TMPDIR"] = this["tmp"], ["XDG_DATA_HOME"] = this["data"] });

    private void Reset()
    {
        Directory.Delete(Root, recursive: true);
        Copy(_outer["template"], Root);
    }

    private static void Count(Dictionary<string, int> counts, string key) => counts[key] = counts.GetValueOrDefault(key) + 1;

    // Names that differ each time would make each error another one.
    private string Anonymous(string text) => System.Text.RegularExpressions.Regex.Replace(
        text.Replace(_outer.Path, "…", StringComparison.Ordinal), "[0-9a-f]{32}|[0-9]{8}T[0-9]{6}Z", "*", System.Text.RegularExpressions.RegexOptions.CultureInvariant);

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(to, File.GetUnixFileMode(from));
        foreach (string folder in Directory.EnumerateDirectories(from))
            Copy(folder, Path.Join(to, Path.GetFileName(folder)));
        foreach (string file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Join(to, Path.GetFileName(file)));
    }
}
