using System.ComponentModel;
using System.Diagnostics;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>A small process that resumes paused containers at once if this process is killed.</summary>
internal sealed class PauseGuard : IDisposable
{
    // It has only to read a line.
    private static readonly TimeSpan ExitTimeout = TimeSpan.FromSeconds(2);
    private readonly Process _process;

    private PauseGuard(Process process)
    {
        _process = process;
        Identity = ProcessIdentity.Of(process.Id);
    }

    /// <summary>Who it is, for the journal.</summary>
    public ProcessIdentity? Identity { get; }

    /// <summary>Starts it; null where this machine has no programs for it.</summary>
    public static PauseGuard? TryStart(DockerEndpoint endpoint, PauseMode mode, IReadOnlyList<string> ids, IOperationObserver observer)
    {
        try
        {
            ProcessStartInfo? start = GuardCommand.For(endpoint, mode, ids, ExternalTool.Find, OperatingSystem.IsWindows());
            if (start is not null)
                return new PauseGuard(Process.Start(start)!);
            observer.Verbose("Neither docker nor curl is on PATH: if this process is killed while the application is paused, only the next run resumes it.");
        }
        catch (Win32Exception exception)
        {
            observer.Verbose($"No guard could be started ({exception.Message}): if this process is killed while the application is paused, only the next run resumes it.");
        }

        return null;
    }

    /// <summary>Ends it: everything has been resumed.</summary>
    public async Task ReleaseAsync()
    {
        try
        {
            // Windows' own line end, since cmd looks for it.
            await _process.StandardInput.WriteAsync(GuardCommand.Done + Environment.NewLine).ConfigureAwait(false);
            _process.StandardInput.Close();
            using var limit = new CancellationTokenSource(ExitTimeout);
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // Another process has ended it, or it hangs.
            End();
        }
    }

    /// <summary>Leaves the work to it: it keeps trying for half a minute, even after this process has ended.</summary>
    public void TakeOver()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // Another process has ended it.
        }
    }

    public void Dispose() => _process.Dispose();

    private void End()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in the meantime.
        }
    }
}
