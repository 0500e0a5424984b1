using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace DbBackup.Tests.Fuzz;

/// <summary>An input that is neither read nor refused.</summary>
/// <param name="Kind">What tells it from other findings.</param>
/// <param name="Input">The shortest input of its kind that was met.</param>
/// <param name="Detail">What happened.</param>
internal sealed record Finding(string Kind, byte[] Input, string Detail);

/// <summary>What a run tried and found.</summary>
internal sealed record FuzzReport(string Target, int Seed, long Inputs, int Ways, IReadOnlyList<Finding> Findings)
{
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Target}: {Inputs} inputs, {Ways} ways through the parser, seed {Seed}, {Findings.Count} findings");
        foreach (Finding finding in Findings)
            text.Append(CultureInfo.InvariantCulture, $"\n{finding.Kind}\n{finding.Detail}\ninput ({finding.Input.Length} bytes, base64): {Convert.ToBase64String(finding.Input)}");
        return text.ToString();
    }
}

/// <summary>
/// Runs a target with inputs that are made from its seeds. Inputs that take a new way through the parser (another result, or an exception
/// from another place) are kept and changed further, which leads deeper in without any instrumentation.
/// </summary>
internal sealed class Fuzzer
{
    private const int LargestPool = 2000;
    private const int MostFindings = 20;
    private const int ShorteningRuns = 400;

    private readonly FuzzTarget _target;
    private readonly int _seed;
    private readonly TimeSpan _timeLimit;
    private readonly Random _random;
    private readonly List<byte[]> _pool;
    private readonly HashSet<string> _ways = [];
    private readonly Dictionary<string, Finding> _findings = [];
    private readonly Lock _turn = new();
    private byte[]? _current;
    private long _began;
    private long _inputs;
    private volatile bool _stop;

    /// <param name="target">The parser.</param>
    /// <param name="seed">The seed of all chance.</param>
    /// <param name="corpus">Inputs beside the target's own.</param>
    /// <param name="timeLimit">The longest time for one input; null for 20 seconds, which a busy machine does not reach for other reasons.</param>
    public Fuzzer(FuzzTarget target, int seed, IEnumerable<byte[]> corpus, TimeSpan? timeLimit = null)
    {
        _target = target;
        _seed = seed;
        _timeLimit = timeLimit ?? TimeSpan.FromSeconds(20);
        _random = new Random(seed);
        _pool = [.. target.Seeds(), .. corpus];
    }

    /// <summary>Runs all inputs that are known, then made ones until the time is over.</summary>
    public FuzzReport Run(TimeSpan time)
    {
        var worker = new Thread(() => Work(time)) { IsBackground = true, Name = _target.Name };
        worker.Start();
        while (!worker.Join(TimeSpan.FromMilliseconds(50)))
        {
            lock (_turn)
            {
                if (_current is not { } input || Stopwatch.GetElapsedTime(_began) < _timeLimit)
                    continue;
                // Its thread cannot be ended; it is left behind.
                _stop = true;
                _findings["hang"] = new Finding("hang", input, $"It did not end within {_timeLimit.TotalSeconds} s.");
                break;
            }
        }

        lock (_turn)
            return new FuzzReport(_target.Name, _seed, _inputs, _ways.Count, [.. _findings.Values]);
    }

    private void Work(TimeSpan time)
    {
        var mutator = new Mutator(_random, _target.Form, _target.Words, _target.LongestInput);
        foreach (byte[] known in _pool.ToArray())
            Try(known);
        for (long start = Stopwatch.GetTimestamp(); !_stop && Stopwatch.GetElapsedTime(start) < time && _findings.Count < MostFindings;)
        {
            byte[] input = mutator.Mutate(_pool[_random.Next(_pool.Count)], _pool);
            Try(_target.Repair(input, _random));
        }
    }

    private void Try(byte[] input)
    {
        (string way, Finding? finding) = RunOne(input);
        if (_stop)
            return;
        if (_ways.Add(way) && finding is null && _pool.Count < LargestPool)
            _pool.Add(input);
        if (finding is null || _findings.ContainsKey(finding.Kind))
            return;
        finding = Shorten(finding);
        lock (_turn)
        {
            if (!_stop)
                _findings.TryAdd(finding.Kind, finding);
        }
    }

    private (string Way, Finding? Finding) RunOne(byte[] input)
    {
        lock (_turn)
        {
            (_current, _began) = (input, Stopwatch.GetTimestamp());
            _inputs++;
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        string way;
        Finding? finding = null;
        try
        {
            way = $"{_target.Run(input)}";
        }
        catch (BackupException failure) when (failure.Code.Length > 0 && failure.Message.Length > 0 && failure.Hint.Length > 0)
        {
            way = Place(failure);
        }
        catch (Exception exception)
        {
            way = Place(exception);
            finding = new Finding(way, input, exception.ToString());
        }
        finally
        {
            lock (_turn)
                _current = null;
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (finding is null && allocated > _target.Memory + (1024L * input.Length))
            finding = new Finding("memory", input, $"It allocated {allocated >> 20} MiB.");
        return (way, finding);
    }

    // Where it was thrown; the message would tell one name from another.
    private static string Place(Exception exception)
    {
        StackFrame[] frames = new StackTrace(exception, fNeedFileInfo: false).GetFrames();
        IEnumerable<string> places = frames.Where(frame => frame.GetMethod() is { } method && !method.IsGenericMethod && method.DeclaringType?.Assembly.GetName().Name?.StartsWith("DbBackup", StringComparison.Ordinal) == true)
            .Take(2).Select(frame => string.Create(CultureInfo.InvariantCulture, $"{frame.GetMethod()!.DeclaringType!.Name}.{frame.GetMethod()!.Name}+{frame.GetILOffset()}"));
        string what = exception is PropertyException ? exception.Message : exception.GetType().Name;
        return $"{what} {string.Join(" ", places)}";
    }

    private Finding Shorten(Finding finding)
    {
        int runs = 0;
        for (int piece = finding.Input.Length / 2; piece > 0 && !_stop; piece /= 2)
        {
            for (int at = 0; at + piece <= finding.Input.Length && !_stop && runs < ShorteningRuns; runs++)
            {
                byte[] shorter = [.. finding.Input[..at], .. finding.Input[(at + piece)..]];
                if (RunOne(shorter).Finding is { } same && same.Kind == finding.Kind)
                    finding = same;
                else
                    at += piece;
            }
        }

        return finding;
    }
}
