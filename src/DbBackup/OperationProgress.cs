namespace DbBackup;

/// <summary>How far a piece of work has come.</summary>
/// <param name="Activity">What is being done, as in <c>Backing up pats</c>.</param>
/// <param name="Step">The present step, as in <c>copying pats.db</c>.</param>
/// <param name="DoneBytes">Bytes done in this step.</param>
/// <param name="TotalBytes">Bytes in this step; null where that is not known.</param>
public sealed record OperationProgress(string Activity, string Step, long DoneBytes = 0, long? TotalBytes = null);

/// <summary>
/// Receives what the engine does while it works. Calls come from any thread; an implementation only notes them and returns at once.
/// </summary>
public interface IOperationObserver
{
    /// <summary>Some progress was made. Frequent: an implementation drops what it cannot show.</summary>
    void Progress(OperationProgress progress);

    /// <summary>A step that a curious person wants to know of.</summary>
    void Verbose(string message);

    /// <summary>Something that went differently than the person may expect, while the work goes on.</summary>
    void Warning(string message);
}

/// <summary>An observer that listens to nothing.</summary>
public sealed class SilentObserver : IOperationObserver
{
    /// <summary>The one instance.</summary>
    public static SilentObserver Instance { get; } = new();

    /// <inheritdoc/>
    public void Progress(OperationProgress progress)
    {
    }

    /// <inheritdoc/>
    public void Verbose(string message)
    {
    }

    /// <inheritdoc/>
    public void Warning(string message)
    {
    }
}
