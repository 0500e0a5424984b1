using System.Collections.Concurrent;
using System.ComponentModel;
using System.Management.Automation;
using DbBackup.Engine.Docker.Addressing;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>
/// Runs the engine's asynchronous work for a cmdlet: the work goes on beside, while the pipeline thread shows what it reports.
/// Ctrl+C, a stop from downstream and an error action of Stop all end the work, and wait until it has cleaned up.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class EngineCommandBase : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private bool _disposed;

    /// <inheritdoc/>
    protected override void BeginProcessing() => TypedCommand.HidePasswords(MyInvocation);

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Stopped after the end: there is nothing left to stop.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the stop signal.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing || _disposed)
            return;
        _disposed = true;
        _stop.Dispose();
    }

    // Names, paths and messages in them may be of foreign origin.

    /// <inheritdoc cref="Cmdlet.WriteWarning"/>
    private protected new void WriteWarning(string text) => base.WriteWarning(Shown(text));

    /// <inheritdoc cref="Cmdlet.WriteVerbose"/>
    private protected new void WriteVerbose(string text) => base.WriteVerbose(Shown(text));

    /// <inheritdoc cref="Cmdlet.ShouldProcess(string, string)"/>
    private protected new bool ShouldProcess(string target, string action) => base.ShouldProcess(Shown(target), action);

    /// <inheritdoc cref="Cmdlet.ShouldProcess(string, string, string)"/>
    private protected new bool ShouldProcess(string description, string question, string caption) =>
        base.ShouldProcess(Shown(description), Shown(question), Shown(caption));

    private static string Shown(string text) => ForeignText.Shown(SecretText.Masked(text));

    /// <summary>Runs work to its end and gives its result, or its failure, on the pipeline thread.</summary>
    private protected T Run<T>(Func<IOperationObserver, CancellationToken, Task<T>> work) => Pump((observer, _, token) => work(observer, token));

    /// <summary>Runs work that finds one thing after another, and hands each over on the pipeline thread as soon as it is found.</summary>
    private protected void RunEach<T>(Func<IOperationObserver, CancellationToken, IAsyncEnumerable<T>> work, Action<T> found) => Pump<object?>(async (observer, post, token) =>
    {
        await foreach (T item in work(observer, token).WithCancellation(token).ConfigureAwait(false))
            post(() => found(item));
        return null;
    });

    private T Pump<T>(Func<IOperationObserver, Action<Action>, CancellationToken, Task<T>> work)
    {
        using var reports = new BlockingCollection<Action>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var observer = new QueueingObserver(reports, this);
        // On the thread pool: no synchronization context is captured, and the pipeline thread stays free to pump.
        Task<T> task = Task.Run(
            async () =>
            {
                try
                {
                    return await work(observer, reports.Add, stop.Token).ConfigureAwait(false);
                }
                finally
                {
                    reports.CompleteAdding();
                }
            },
            CancellationToken.None);
        try
        {
            // Without a token: the pump goes on until the work has unwound, or its cleanup would run after the prompt is back.
            foreach (Action report in reports.GetConsumingEnumerable(CancellationToken.None))
                report();
        }
        catch
        {
            // Downstream has stopped, or a warning action is Stop: the work must end before the exception leaves.
            stop.Cancel();
            Task.WhenAny(task).GetAwaiter().GetResult();
            throw;
        }
        finally
        {
            observer.Complete();
        }

        try
        {
            return task.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>Runs work on one item; a failure becomes an error record, and the next item follows.</summary>
    /// <returns>False where it failed.</returns>
    private protected bool TryEach(object? target, Action work)
    {
        try
        {
            work();
            return true;
        }
        catch (BackupException failure)
        {
            WriteError(ErrorRecords.From(failure, target));
            return false;
        }
    }

    /// <summary>A path as the person wrote it, made absolute from the shell's own location (not the process's).</summary>
    private protected string ResolvePath(string path)
    {
        try
        {
            string resolved = SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out ProviderInfo provider, out _);
            RequireFileSystem(path, provider);
            return resolved;
        }
        catch (Exception exception) when (exception is System.Management.Automation.DriveNotFoundException or ProviderNotFoundException)
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"'{path}' is no path: {exception.Message}", "Give the path of a file or folder; a database's URL goes to New-DbBackup alone, or to -ConnectionString.", exception)
            { Target = path };
        }
    }

    /// <summary>A compose project as a person wrote it: a name is told from a folder by its form, and a folder is looked for where the shell is.</summary>
    private protected string ResolveProject(string project) => ContainerAddress.IsProjectPath(project) ? ResolvePath(project) : project;

    /// <summary>Refuses a path of the registry, the environment and the like.</summary>
    private protected static void RequireFileSystem(string path, ProviderInfo provider)
    {
        if (provider.Name == "FileSystem")
            return;
        throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"'{path}' is not in the file system (it belongs to the provider {provider.Name}).",
            "Name a path of a disk or a share.")
        { Target = path };
    }

    /// <summary>Like <see cref="ResolvePath"/>, but keeps a separator at the end, which says "into this folder".</summary>
    private protected string ResolveFolderOrFile(string destination)
    {
        string resolved = ResolvePath(destination);
        return destination[^1] is '/' or '\\' && !Path.EndsInDirectorySeparator(resolved)
            ? resolved + Path.DirectorySeparatorChar
            : resolved;
    }
}
