using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores.Files;

/// <summary>A database file: renamed into place, or written by its engine into a database that other processes have open.</summary>
internal sealed class DatabaseFileParticipant(StagedDatabase database) : IRestoreParticipant
{
    private readonly StagedSwap _swap = StagedSwap.For(database.Target.Path, isFolder: false, replaces: database.Target.Action != RestoreAction.Create, database.Engine);
    private RestoreStage? _stage;
    private bool _isSwapped;

    public RestoreOrder Order => RestoreOrder.DatabaseFile;

    public BackupStatus? Status => database.Status;

    public IReadOnlyList<StagedSwap> Renames => WritesInto ? [] : [_swap];

    public IReadOnlyList<StagedSwap> Writes => WritesInto ? [_swap] : [];

    private bool WritesInto => database.Target.Action == RestoreAction.WriteInto;

    public Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        _stage = stage;
        return database.StageAsync(_swap.Staged, stage, cancellationToken);
    }

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken) => Task.FromResult(database.Hold(cancellationToken));

    public IReadOnlyList<SetAsideState> SetAside(BackupException? damage) => database.SetAside(damage, Path.GetDirectoryName(_swap.Target)!) is { } state ? [state] : [];

    public Task SwapAsync(CancellationToken cancellationToken)
    {
        if (WritesInto)
        {
            WriteInto(cancellationToken);
        }
        else
        {
            database.MakeSelfContained();
            _swap.Swap();
            database.Accompany();
            database.Release();
        }

        _isSwapped = true;
        return Task.CompletedTask;
    }

    public Task UndoAsync(Backup? safety)
    {
        if (!WritesInto)
        {
            _swap.Undo();
        }
        else if (_isSwapped && Presence.IsFile(_swap.Old))
        {
            database.Engine.WriteInto(_swap.Old, _swap.Target, database.LockTimeout, (_, _) => { }, CancellationToken.None);
            _swap.Complete();
        }

        _isSwapped = false;
        return Task.CompletedTask;
    }

    public Task CompleteAsync()
    {
        _swap.Complete();
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        database.Dispose();
        if (!_isSwapped)
        {
            _swap.Discard();
            if (WritesInto)
                _swap.Complete();
        }

        return ValueTask.CompletedTask;
    }

    // The engine makes it one transaction. What was there is only needed again if something else follows that can fail.
    private void WriteInto(CancellationToken cancellationToken)
    {
        if (!_stage!.IsAlone)
        {
            database.Engine.Copy(_swap.Target, _swap.Old, database.LockTimeout, cancellationToken);
            DurableFiles.FlushFile(_swap.Old);
        }

        database.Engine.WriteInto(
            _swap.Staged,
            _swap.Target,
            database.LockTimeout,
            (done, total) => _stage.Observer.Progress(new OperationProgress(_stage.Activity, "writing into the open database", done, total)),
            cancellationToken);
        _swap.Discard();
    }
}
