namespace DbBackup.Engine.Engines;

/// <summary>A way to have an application stand still for the moment in which its snapshot is taken.</summary>
public interface IApplicationPause
{
    /// <summary>Has it stand still. What it was before is on disk first, so that the next run finds it when this process dies.</summary>
    /// <exception cref="BackupException">It could not be done; the application runs as before.</exception>
    Task<IPausedApplication> BeginAsync(IOperationObserver observer, CancellationToken cancellationToken);
}

/// <summary>An application that stands still; disposed, it goes on whatever happened.</summary>
public interface IPausedApplication : IDisposable
{
    /// <summary>The containers that stand still.</summary>
    IReadOnlyList<string> Containers { get; }

    /// <summary>Has it go on. Does nothing the second time.</summary>
    Task EndAsync();

    /// <summary>Leaves it as it is, for somebody to decide; nobody resumes it afterwards.</summary>
    Task LeaveAsync();

    /// <summary>What stands in the manifest of it.</summary>
    /// <param name="duration">For how long it stood still.</param>
    PauseInfo Describe(TimeSpan duration);
}
