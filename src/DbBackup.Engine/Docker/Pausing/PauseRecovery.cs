using System.Diagnostics;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>Resumes what killed runs left paused or stopped.</summary>
internal static class PauseRecovery
{
    // A guard that lives may resume a container at any moment, also one that a new run has just paused.
    private static readonly TimeSpan GuardTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Works on all journals of a folder whose owner is dead.</summary>
    public static async Task RunAsync(PauseFolder folder, IOperationObserver observer, CancellationToken cancellationToken)
    {
        foreach (PauseJournal journal in PauseJournal.Abandoned(folder, path => observer.Verbose($"'{path}' is named like a pause journal, but is not this user's own file; it was left alone.")))
        {
            using (journal)
            {
                // Kept until all is done, whatever interrupts it.
                journal.Keep();
                await WaitForGuardAsync(journal.Note, cancellationToken).ConfigureAwait(false);
                try
                {
                    using DockerClient client = await DockerClient.ConnectAsync(journal.Note.Endpoint with { Origin = "the note of a killed run" }, cancellationToken).ConfigureAwait(false);
                    using IDisposable locks = await folder.LockAsync(journal.Note.Containers.Select(container => (container.Id, container.Name)), observer, cancellationToken).ConfigureAwait(false);
                    await ResumeAsync(client, journal.Note, observer, cancellationToken).ConfigureAwait(false);
                    journal.Finish();
                }
                catch (BackupException failure)
                {
                    string names = string.Join("', '", journal.Note.Containers.Select(container => container.Name));
                    observer.Warning(
                        $"A killed backup may have left '{names}' {Halted(journal.Note.Mode)}, and resuming failed: {failure.Message} "
                        + $"The next run retries it; if that Docker host no longer exists, delete '{journal.Path}'.");
                }
            }
        }
    }

    private static async Task ResumeAsync(DockerClient client, PauseNote note, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var present = new List<ContainerInspect>();
        foreach (PausedContainer container in note.Containers)
        {
            try
            {
                present.Add(await client.ContainerInspectAsync(container.Id, cancellationToken).ConfigureAwait(false));
            }
            catch (BackupException failure) when (failure.Code == ErrorCodes.ContainerNotFound)
            {
                observer.Warning($"A killed backup left container '{container.Name}' {Halted(note.Mode)}; it has been removed since.");
            }
        }

        foreach (ContainerInspect container in StartOrder.Of(present).SelectMany(group => group))
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool isHalted = note.Mode == PauseMode.Paused ? container.State.Paused : container.State is { Running: false, Restarting: false };
            if (!isHalted)
            {
                observer.Verbose($"A killed backup had {Halted(note.Mode)} container '{container.ShortName}'; it runs again already.");
                continue;
            }

            await ContainerResume.RunAsync(client, container.Id, note.Mode).ConfigureAwait(false);
            if (note.Mode == PauseMode.Stopped && StartOrder.MustBeHealthy(container, present))
                await ContainerResume.WaitUntilHealthyAsync(client, container.Id).ConfigureAwait(false);
            observer.Warning($"Resumed container '{container.ShortName}', which a killed backup had left {Halted(note.Mode)}.");
        }
    }

    private static async Task WaitForGuardAsync(PauseNote note, CancellationToken cancellationToken)
    {
        for (var waited = Stopwatch.StartNew(); note.Guard?.IsAlive() == Liveness.Alive && waited.Elapsed < GuardTimeout;)
            await Task.Delay(Interval, cancellationToken).ConfigureAwait(false);
    }

    private static string Halted(PauseMode mode) => mode == PauseMode.Paused ? "paused" : "stopped";
}
