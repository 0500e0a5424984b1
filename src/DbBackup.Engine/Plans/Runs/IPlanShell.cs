namespace DbBackup.Engine.Plans.Runs;

/// <summary>Runs what the steps of a plan consist of.</summary>
public interface IPlanShell
{
    /// <summary>Runs a command of the module to its end.</summary>
    /// <param name="command">Its name, such as <c>New-DbBackup</c>.</param>
    /// <param name="parameters">Its parameters.</param>
    PlanCommandResult Run(string command, IReadOnlyDictionary<string, object?> parameters);

    /// <summary>Runs a command line of the plan's own with the system's shell, to its end.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="environment">Variables to set.</param>
    /// <param name="log">Receives each line of its output.</param>
    /// <exception cref="BackupException">It failed.</exception>
    void RunHook(string line, IReadOnlyDictionary<string, string?> environment, Action<string> log);

    /// <summary>Tells those whom the plan names of the run.</summary>
    /// <param name="run">The run as it is.</param>
    /// <param name="what">What has happened.</param>
    /// <returns>What could not be sent.</returns>
    IReadOnlyList<PlanFailure> Notify(BackupRun run, PlanEvents what);

    /// <summary>Writes the plan's metrics and health files, where it names some.</summary>
    /// <exception cref="BackupException">One could not be written.</exception>
    void WriteHealth();

    /// <summary>Shows a person how far the run is.</summary>
    /// <param name="text">What happens, or happened.</param>
    /// <param name="isWarning">True for what went wrong without being a failure of the run.</param>
    void Report(string text, bool isWarning);
}

/// <summary>What a command gave.</summary>
/// <param name="Output">Its objects.</param>
/// <param name="Failures">Its errors.</param>
/// <param name="Warnings">Its warnings.</param>
public sealed record PlanCommandResult(IReadOnlyList<object> Output, IReadOnlyList<PlanFailure> Failures, IReadOnlyList<string> Warnings);

/// <summary>Something that failed.</summary>
/// <param name="Message">What happened.</param>
/// <param name="Hint">The next step; null where none is known.</param>
public sealed record PlanFailure(string Message, string? Hint)
{
    /// <summary>That of an exception.</summary>
    public static PlanFailure Of(BackupException exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return new PlanFailure(exception.Message, exception.Hint);
    }
}
