using System.Diagnostics;
using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Restores;

/// <summary>
/// Runs a restore, whatever it consists of: stages everything beside and checks it, stops the services that use it, keeps the present
/// state, and swaps everything or nothing.
/// </summary>
internal sealed class RestoreTransaction(BackupRepository repository, RestoreRequest request, RestorePlan plan, IReadOnlyList<RestorePart> parts) : IAsyncDisposable
{
    private readonly IRestoreParticipant[] _participants = [.. parts.SelectMany(part => part.Participants)];
    private readonly string _activity = $"Restoring {request.Backup}";
    private LocalWorkspace? _scratch;
    private RestoreJournal? _journal;

    /// <summary>True if it undoes another restore: then the services run again as they did before that.</summary>
    public RestoreRecord? Undoes { get; init; }

    /// <summary>Runs it, once.</summary>
    /// <exception cref="BackupException">The present state was left as it was, unless the message says otherwise.</exception>
    public async Task<RestoreResult> RunAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        var duration = Stopwatch.StartNew();
        var key = new BackupKey(request.Backup.Source, request.Backup.Name);
        IAsyncDisposable? claim = request.Backup.Manifest is { Kept: null } ? await repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false) : null;
        ApplicationStop? stop = null;
        try
        {
            await StageAllAsync(observer, cancellationToken).ConfigureAwait(false);
            RestoreServices? services = Services();
            stop = services is null ? null : await ApplicationStop.BeginAsync(services.Client, services.Containers, observer, cancellationToken).ConfigureAwait(false);
            var present = new List<(IRestoreParticipant Participant, PresentState State)>();
            foreach (IRestoreParticipant participant in _participants)
                present.Add((participant, await participant.HoldAsync(cancellationToken).ConfigureAwait(false)));
            var keeping = new SafetyBackup(repository, request, observer);
            Backup? safety = request.NoSafetyBackup ? null : await keeping.TakeAsync(present, cancellationToken).ConfigureAwait(false);
            var retained = new List<string>();
            foreach (IRestoreParticipant participant in _participants)
                retained.AddRange(await participant.RetainAsync(cancellationToken).ConfigureAwait(false));
            cancellationToken.ThrowIfCancellationRequested();

            string? revision = parts.Select(part => part.Revision).FirstOrDefault(each => each is not null);
            string? previous = plan.PresentRevision ?? (revision is null ? null : safety?.SchemaRevision);
            // The code that ran on the present revision may not know the restored one, or would migrate it by itself at its start.
            bool leaveStopped = Undoes is null && !request.Force && revision is not null && previous is not null && revision != previous;
            RestoreRecord? record = Describe(safety, retained, keeping.Aside, leaveStopped && stop is not null ? stop.Containers : []);
            observer.Progress(new OperationProgress(_activity, "putting it in place"));
            await SwapAllAsync(record, safety, observer, cancellationToken).ConfigureAwait(false);

            await KeepRecordAsync(record, observer).ConfigureAwait(false);
            IReadOnlyList<string> left = stop is null ? [] : await stop.EndAsync(leaveStopped, observer, cancellationToken).ConfigureAwait(false);
            if (Undoes is { LeftStopped.Count: > 0 } && services is not null)
                await ApplicationStop.StartAsync(services.Client, Undoes.LeftStopped, observer, cancellationToken).ConfigureAwait(false);
            await CompleteAllAsync(observer).ConfigureAwait(false);
            observer.Verbose($"Restored '{request.Backup}' in {duration.Elapsed.TotalSeconds:0.0} s.");
            return new RestoreResult
            {
                Name = request.Backup.Name,
                Source = request.Backup.Source,
                Repository = repository.Location,
                RestoreId = record?.Id,
                Restored = [.. plan.Targets.Select(target => target.Path)],
                Status = _participants.Select(participant => participant.Status).Min() ?? BackupStatus.Restored,
                Differences = [.. _participants.SelectMany(participant => participant.Differences)],
                SafetyBackup = retained.Count == 0 ? safety : await repository.FindAsync(new BackupKey(request.Backup.Source, retained[0]), CancellationToken.None).ConfigureAwait(false),
                KeptAside = [.. keeping.Aside.SelectMany(state => state.Copies)],
                SchemaRevision = revision,
                PreviousSchemaRevision = previous,
                NextCommands = MigrationCommands.For(revision, previous),
                Interruption = _participants.Any(participant => participant.Interruption is not null)
                    ? TimeSpan.FromTicks(_participants.Sum(participant => participant.Interruption?.Ticks ?? 0)) : null,
                Downtime = stop?.Downtime,
                LeftStopped = left,
                Duration = duration.Elapsed,
            };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, plan.Targets.Count > 0 ? plan.Targets[0].Path : repository.Location, $"restoring '{request.Backup}'");
        }
        finally
        {
            // The services run again as soon as nothing is moved any more.
            if (stop is not null)
                await stop.DisposeAsync().ConfigureAwait(false);
            await DisposeAsync().ConfigureAwait(false);
            if (claim is not null)
                await claim.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Removes what was staged and not put in place.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (IRestoreParticipant participant in _participants)
            await participant.DisposeAsync().ConfigureAwait(false);
        // After what it finds again: a death in between is put right by the next run.
        _journal?.Dispose();
        _journal = null;
        _scratch?.Dispose();
        _scratch = null;
        foreach (IDisposable owned in parts.SelectMany(part => part.Owned))
            owned.Dispose();
    }

    private async Task StageAllAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        StagedSwap[] renames = [.. _participants.SelectMany(participant => participant.Renames)];
        StagedSwap[] writes = [.. _participants.SelectMany(participant => participant.Writes)];
        StagedSwap[] local = [.. renames, .. writes];
        foreach (StagedSwap swap in local)
            Directory.CreateDirectory(Path.GetDirectoryName(swap.Target)!);
        if (local.Length > 0)
            _journal = RestoreJournal.Begin(_participants.Select(participant => participant.JournalFolder).FirstOrDefault(folder => folder is not null) ?? Path.GetDirectoryName(local[0].Target)!, renames, writes);
        long bytes = _participants.Sum(participant => participant.ScratchBytes);
        _scratch = bytes == 0 ? null : await repository.OpenScratchAsync(request.StagingPath, bytes, cancellationToken).ConfigureAwait(false);
        var stage = new RestoreStage(_scratch?.Path, _participants.Length == 1, observer, _activity);
        foreach (IRestoreParticipant participant in _participants)
            await participant.StageAsync(stage, cancellationToken).ConfigureAwait(false);
    }

    private RestoreServices? Services()
    {
        RestoreServices[] all = [.. parts.Select(part => part.Services).OfType<RestoreServices>()];
        return all.Length == 0 ? null : new RestoreServices(all[0].Client, [.. all.SelectMany(each => each.Containers).DistinctBy(container => container.Id)]);
    }

    // Half of a restore point is none: if one swap fails, those before it are undone.
    private async Task SwapAllAsync(RestoreRecord? record, Backup? safety, IOperationObserver observer, CancellationToken cancellationToken)
    {
        IRestoreParticipant[] order = [.. _participants.OrderBy(participant => participant.Order)];
        // The journal is read by the names beside it: a name that a power loss took would look as if it was swapped already.
        foreach (string folder in order.SelectMany(participant => participant.Renames.Concat(participant.Writes)).Select(swap => Path.GetDirectoryName(swap.Target)!).Distinct(StringComparer.Ordinal))
            DurableFiles.FlushDirectory(folder);
        _journal?.BeginSwap(order.Select(participant => participant.CommitPoint).LastOrDefault(point => point is not null), record is null ? null : new PendingRecord(repository.Location, record));
        var done = new Stack<IRestoreParticipant>();
        try
        {
            foreach (IRestoreParticipant participant in order)
            {
                done.Push(participant);
                await participant.SwapAsync(cancellationToken).ConfigureAwait(false);
            }

            _journal?.Commit();
        }
        catch
        {
            _journal?.BeginUndo();
            while (done.TryPop(out IRestoreParticipant? participant))
                await TryUndoAsync(participant, safety, observer).ConfigureAwait(false);
            throw;
        }
    }

    private async Task TryUndoAsync(IRestoreParticipant participant, Backup? safety, IOperationObserver observer)
    {
        try
        {
            await participant.UndoAsync(safety).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is BackupException or IOException or UnauthorizedAccessException)
        {
            _journal?.Keep();
            observer.Warning(
                $"The restore failed, and a part of it could not be undone: {exception.Message} "
                + (_journal is null ? string.Empty : "The next Restore-DbBackup or New-DbBackup of this source tries it again. ")
                + (safety is null ? string.Empty : $"The previous state is in the safety backup '{safety}'."));
        }
    }

    private RestoreRecord? Describe(Backup? safety, List<string> retained, IReadOnlyList<SetAsideState> aside, IReadOnlyList<string> leftStopped)
    {
        if (safety is null && retained.Count == 0 && aside.Count == 0)
            return null;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        return new RestoreRecord
        {
            Id = RestoreRecords.NewId(now),
            Source = request.Backup.Source,
            Backup = Undoes?.Backup ?? request.Backup.ToString(),
            Restored = now,
            Host = Environment.MachineName,
            Replaced = [.. plan.Targets.Where(target => target.Action != RestoreAction.Create).Select(target => target.Path)],
            Created = [.. plan.Targets.Where(target => target.Action == RestoreAction.Create).Select(target => target.Path)],
            SafetyBackup = safety?.Name,
            Retained = retained,
            SetAside = [.. aside],
            InPlace = plan.Targets.Any(target => target.Action == RestoreAction.InPlace),
            LeftStopped = [.. leftStopped],
        };
    }

    // Not cancelled: everything is in place, and without its record it could not be undone.
    private async Task KeepRecordAsync(RestoreRecord? record, IOperationObserver observer)
    {
        try
        {
            var records = new RestoreRecords(repository);
            if (record is not null)
                await records.AddAsync(record, CancellationToken.None).ConfigureAwait(false);
            if (Undoes is not null)
                await records.RemoveAsync(Undoes, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is BackupException or IOException or UnauthorizedAccessException)
        {
            observer.Warning($"The restore succeeded, but its record could not be kept, so Undo-DbRestore does not know it: {exception.Message}");
        }
    }

    private async Task CompleteAllAsync(IOperationObserver observer)
    {
        foreach (IRestoreParticipant participant in _participants)
        {
            try
            {
                await participant.CompleteAsync().ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is BackupException or IOException or UnauthorizedAccessException)
            {
                _journal?.Keep();
                observer.Warning($"The restore succeeded, but what it replaced could not all be removed: {exception.Message}");
            }
        }
    }
}
