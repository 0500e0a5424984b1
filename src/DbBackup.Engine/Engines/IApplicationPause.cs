namespace DbBackup.Engine.Engines;

/// <summary>Pauses an application while its snapshot is taken.</summary>
public interface IApplicationPause
{
    /// <summary>Pauses it. Its state is on disk before that, so that the next run resumes it if this process dies.</summary>
    /// <exception cref="BackupException">It could not be paused; the application runs as before.</exception>
    Task<IPausedApplication> BeginAsync(IOperationObserver observer, CancellationToken cancellationToken);
}

/// <summary>A paused application. Disposing resumes it whatever happened; a failure of that is a warning then.</summary>
public interface IPausedApplication : IAsyncDisposable
{
    /// <summary>The paused containers.</summary>
    IReadOnlyList<string> Containers { get; }

    /// <summary>Resumes it. Does nothing the second time.</summary>
    /// <exception cref="BackupException">A container cannot be resumed.</exception>
    Task EndAsync();

    /// <summary>Leaves it paused for an administrator to decide; no later run resumes it.</summary>
    Task LeaveAsync();

    /// <summary>Describes the pause for the manifest.</summary>
    /// <param name="duration">The pause's length.</param>
    PauseInfo Describe(TimeSpan duration);
}
