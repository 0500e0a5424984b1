using DbBackup.Engine.Restores;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>A participant whose swap fails, before or after it is done.</summary>
internal sealed class FailingParticipant(IRestoreParticipant inner) : IRestoreParticipant
{
    public bool FailsAfterSwap { get; init; }

    public bool FailsToUndo { get; init; }

    public bool WasReached { get; private set; }

    public RestoreOrder Order => inner.Order;

    public long ScratchBytes => inner.ScratchBytes;

    public BackupStatus? Status => inner.Status;

    public IReadOnlyList<StagedSwap> Renames => inner.Renames;

    public IReadOnlyList<StagedSwap> Writes => inner.Writes;

    public Task StageAsync(RestoreStage stage, CancellationToken cancellationToken) => inner.StageAsync(stage, cancellationToken);

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken) => inner.HoldAsync(cancellationToken);

    public IReadOnlyList<SetAsideState> SetAside(BackupException? damage) => inner.SetAside(damage);

    public Task<IReadOnlyList<string>> RetainAsync(CancellationToken cancellationToken) => inner.RetainAsync(cancellationToken);

    public async Task SwapAsync(CancellationToken cancellationToken)
    {
        WasReached = true;
        if (FailsAfterSwap)
            await inner.SwapAsync(cancellationToken);
        throw new InvalidDataException("broken");
    }

    public Task UndoAsync(Backup? safety) => FailsToUndo ? throw new IOException("stuck") : inner.UndoAsync(safety);

    public Task CompleteAsync() => inner.CompleteAsync();

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
