using System.Diagnostics;

namespace DbBackup.Bench;

/// <summary>Notes how long the steps of a piece of work take, from its own reports.</summary>
internal sealed class StepWatch : IOperationObserver
{
    private readonly Lock _gate = new();
    private readonly List<(string Step, long Began)> _steps = [("looking at the backup and the server", Stopwatch.GetTimestamp())];

    /// <inheritdoc/>
    public void Progress(OperationProgress progress)
    {
        lock (_gate)
        {
            if (_steps[^1].Step != progress.Step)
                _steps.Add((progress.Step, Stopwatch.GetTimestamp()));
        }
    }

    /// <inheritdoc/>
    public void Verbose(string message)
    {
    }

    /// <inheritdoc/>
    public void Warning(string message) => Console.Error.WriteLine(message);

    /// <summary>The steps in their order, with the seconds of each; one that came twice is counted together.</summary>
    public IReadOnlyList<(string Step, double Seconds)> Finish()
    {
        long end = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            return [.. _steps
                .Select((step, i) => (step.Step, Seconds: Stopwatch.GetElapsedTime(step.Began, i + 1 < _steps.Count ? _steps[i + 1].Began : end).TotalSeconds))
                .GroupBy(step => step.Step, (name, times) => (name, times.Sum(time => time.Seconds)))];
        }
    }
}
