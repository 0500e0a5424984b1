using System.Collections.Concurrent;
using System.Diagnostics;
using System.Management.Automation;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>Hands reports from worker threads to the pipeline thread, which alone may write.</summary>
internal sealed class QueueingObserver : IOperationObserver
{
    private static readonly TimeSpan ShortestBetweenProgress = TimeSpan.FromMilliseconds(150);
    private static int s_nextActivity;
    private readonly BlockingCollection<Action> _reports;
    private readonly PSCmdlet _cmdlet;
    private readonly int _activity = Interlocked.Increment(ref s_nextActivity);
    private readonly Lock _gate = new();
    private long _lastShown;
    private string? _lastStep;
    private ProgressRecord? _shown;

    public QueueingObserver(BlockingCollection<Action> reports, PSCmdlet cmdlet)
    {
        _reports = reports;
        _cmdlet = cmdlet;
    }

    /// <inheritdoc/>
    public void Progress(OperationProgress progress)
    {
        lock (_gate)
        {
            // A console is slower than a copy: what comes too soon is dropped, but never the beginning of a step.
            if (progress.Step == _lastStep && Stopwatch.GetElapsedTime(_lastShown) < ShortestBetweenProgress)
                return;
            _lastStep = progress.Step;
            _lastShown = Stopwatch.GetTimestamp();
        }

        Post(() => _cmdlet.WriteProgress(_shown = ToRecord(progress)));
    }

    /// <inheritdoc/>
    public void Verbose(string message) => Post(() => _cmdlet.WriteVerbose(ForeignText.Shown(message)));

    /// <inheritdoc/>
    public void Warning(string message) => Post(() => _cmdlet.WriteWarning(ForeignText.Shown(message)));

    /// <summary>Takes the progress bar away; called on the pipeline thread.</summary>
    public void Complete()
    {
        if (_shown is null)
            return;
        _shown.RecordType = ProgressRecordType.Completed;
        try
        {
            _cmdlet.WriteProgress(_shown);
        }
        catch (PipelineStoppedException)
        {
            // The pipeline is going down and takes the bar with it.
        }
    }

    private ProgressRecord ToRecord(OperationProgress progress)
    {
        string status = progress.TotalBytes is { } total
            ? $"{progress.Step}: {ByteSize.Format(progress.DoneBytes)} of {ByteSize.Format(total)}"
            : progress.DoneBytes > 0 ? $"{progress.Step}: {ByteSize.Format(progress.DoneBytes)}" : progress.Step;
        return new ProgressRecord(_activity, ForeignText.ShownLine(progress.Activity), ForeignText.ShownLine(status))
        {
            PercentComplete = progress.TotalBytes is > 0 ? (int)Math.Clamp(progress.DoneBytes * 100 / progress.TotalBytes.Value, 0, 100) : -1,
        };
    }

    private void Post(Action report)
    {
        try
        {
            _reports.Add(report);
        }
        catch (InvalidOperationException)
        {
            // The work has ended while another thread still reported: nobody waits for it any more.
        }
    }
}
