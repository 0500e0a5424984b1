using System.Globalization;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores.Files;

/// <summary>A folder, or a file that is no database, with the databases that lie in it.</summary>
internal sealed class FolderParticipant(RestoreTarget target, IReadOnlyList<StagedDatabase> databases, BackupContent content) : IRestoreParticipant
{
    private readonly StagedSwap _swap = StagedSwap.For(target.Path, isFolder: true, replaces: target.Action != RestoreAction.Create);
    private bool _isSwapped;

    public RestoreOrder Order => RestoreOrder.Folder;

    public BackupStatus? Status => databases.Count == 0 ? null : databases.Min(database => database.Status);

    public IReadOnlyList<StagedSwap> Renames => [_swap];

    public async Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        await ExtractAsync(stage, cancellationToken).ConfigureAwait(false);
        foreach (StagedDatabase database in databases)
        {
            ContainedDatabase.RequireFree(_swap.Staged, database.Within);
            await database.StageAsync(Path.Combine(_swap.Staged, database.Within), stage, cancellationToken).ConfigureAwait(false);
        }
    }

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken)
    {
        PresentState[] held = [.. databases.Select(database => database.Hold(cancellationToken))];
        IEnumerable<IBackupSource> folder = target.Action == RestoreAction.Create ? [] : [new FolderSource(target.Path)];
        return Task.FromResult(new PresentState([.. held.SelectMany(state => state.Sources), .. folder], held.Any(state => state.IsDamaged)));
    }

    // Beside the folder, which is replaced together with the database.
    public IReadOnlyList<SetAsideState> SetAside(BackupException? damage) =>
        [.. databases.Select(database => database.SetAside(damage, Path.GetDirectoryName(target.Path)!)).OfType<SetAsideState>()];

    public Task SwapAsync(CancellationToken cancellationToken)
    {
        foreach (StagedDatabase database in databases)
            database.MakeSelfContained();
        _swap.Swap();
        _isSwapped = true;
        foreach (StagedDatabase database in databases)
            database.Release();
        return Task.CompletedTask;
    }

    public Task UndoAsync(Backup? safety)
    {
        _swap.Undo();
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
        foreach (StagedDatabase database in databases)
            database.Dispose();
        if (!_isSwapped)
            _swap.Discard();
        return ValueTask.CompletedTask;
    }

    private async Task ExtractAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        Payload payload = target.Payload;
        var progress = new PayloadProgress(stage.Observer, stage.Activity, $"restoring {payload.RestoreName} beside", payload.OriginalSize);
        // Archives of one folder hold its name as their first component; the folder waits under another name until the swap.
        string extracted = _swap.Extracting;
        ArchiveSummary summary;
        try
        {
            using (PayloadReader tar = content.OpenOriginal(payload, cancellationToken))
            {
                summary = await FolderExtractor.ExtractAsync(tar, extracted, new ExtractOptions { Bytes = progress, MakeHoles = payload.HoleBytes > 0 }, cancellationToken).ConfigureAwait(false);
                await tar.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            }

            string inner = Path.Combine(extracted, payload.RestoreName);
            bool wrapped = (Presence.IsFolder(inner) || Presence.IsFile(inner)) && Directory.EnumerateFileSystemEntries(extracted).Count() == 1;
            if (wrapped && Presence.IsFile(inner))
                File.Move(inner, _swap.Staged);
            else
                Directory.Move(wrapped ? inner : extracted, _swap.Staged);
        }
        finally
        {
            FolderRemoval.DeleteIfThere(extracted);
        }

        foreach (string warning in summary.Warnings)
            stage.Observer.Warning(warning);
        if (payload.EntryCount is { } expected && summary.Entries != expected)
            throw PayloadCopy.Mismatch(payload, string.Create(CultureInfo.InvariantCulture, $"{summary.Entries} entries instead of {expected}"));
        if (Presence.IsFolder(_swap.Staged))
            DurableFiles.FlushTree(_swap.Staged, cancellationToken);
        else
            DurableFiles.FlushFile(_swap.Staged);
        stage.Observer.Verbose($"Restored {payload.RestoreName} beside its place: {summary.Entries} entries.");
    }
}
