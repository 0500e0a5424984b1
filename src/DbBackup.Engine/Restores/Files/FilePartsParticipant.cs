using System.Globalization;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores.Files;

/// <summary>Single files and folders of a folder: each waits beside its place, and takes it by a rename. Nothing else in the folder is touched.</summary>
/// <param name="folder">The folder.</param>
/// <param name="payload">Its payload.</param>
/// <param name="parts">The parts, each with its place.</param>
/// <param name="content">The backup's content.</param>
internal sealed class FilePartsParticipant(string folder, Payload payload, IReadOnlyList<(ArchivePart Part, RestoreTarget Target)> parts, BackupContent content) : IRestoreParticipant
{
    // What is a file on one side and a folder on the other moves away first, as a folder does.
    private readonly StagedSwap[] _swaps =
        [.. parts.Select(part => StagedSwap.For(part.Target.Path, part.Part.IsFolder || Presence.IsFolder(part.Target.Path), replaces: part.Target.Action != RestoreAction.Create))];

    private bool _isSwapped;

    public RestoreOrder Order => RestoreOrder.Folder;

    public BackupStatus? Status => null;

    public IReadOnlyList<StagedSwap> Renames => _swaps;

    // Beside the folder, where the next backup or restore of it looks.
    public string? JournalFolder => Path.GetDirectoryName(folder);

    public async Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        var progress = new PayloadProgress(stage.Observer, stage.Activity, $"restoring files of {payload.RestoreName} beside", parts.Sum(part => part.Part.Bytes));
        var chosen = new ChosenPaths(parts.Select(part => part.Part.Path));
        string extracted = _swaps[0].Extracting;
        ArchiveSummary summary;
        try
        {
            using (PayloadReader tar = content.OpenOriginal(payload, cancellationToken))
            {
                var options = new ExtractOptions { Bytes = progress, MakeHoles = payload.HoleBytes > 0, Wanted = name => chosen.RootOf(ArchiveParts.Within(name, payload.RestoreName)) is not null };
                summary = await FolderExtractor.ExtractAsync(tar, extracted, options, cancellationToken).ConfigureAwait(false);
                await tar.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            }

            string inner = Path.Combine(extracted, payload.RestoreName);
            string root = Presence.IsThere(inner) && Directory.EnumerateFileSystemEntries(extracted).Count() == 1 ? inner : extracted;
            foreach (((ArchivePart part, _), StagedSwap swap) in parts.Zip(_swaps))
            {
                string from = part.Path.Length == 0 ? root : Path.Combine(root, part.Path.Replace('/', Path.DirectorySeparatorChar));
                if (Presence.IsFolder(from))
                    Directory.Move(from, swap.Staged);
                else if (Presence.IsThere(from))
                    File.Move(from, swap.Staged);
                else
                    throw PayloadCopy.Mismatch(payload, $"'{WarningLog.Shown(part.Path)}' was not extracted");
            }
        }
        finally
        {
            FolderRemoval.DeleteIfThere(extracted);
        }

        foreach (string warning in summary.Warnings)
            stage.Observer.Warning(warning);
        long expected = parts.Sum(part => part.Part.Entries);
        if (summary.Entries != expected && summary.WarningCount == 0)
            throw PayloadCopy.Mismatch(payload, string.Create(CultureInfo.InvariantCulture, $"{summary.Entries} entries instead of {expected}"));
        foreach (StagedSwap swap in _swaps)
        {
            if (Presence.IsFolder(swap.Staged))
                DurableFiles.FlushTree(swap.Staged, cancellationToken);
            else if (Presence.IsFile(swap.Staged))
                DurableFiles.FlushFile(swap.Staged);
        }

        stage.Observer.Verbose($"Restored {summary.Entries} entries of {payload.RestoreName} beside their places.");
    }

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken)
    {
        string[] present = [.. parts.Where(part => part.Target.Action != RestoreAction.Create).Select(part => part.Part.Path)];
        return Task.FromResult(present.Length == 0 ? PresentState.None
            : new PresentState([present.Contains(string.Empty) ? new FolderSource(folder) : new FolderSource(folder) { Only = present }]));
    }

    public Task SwapAsync(CancellationToken cancellationToken)
    {
        foreach (StagedSwap swap in _swaps)
            swap.Swap();
        _isSwapped = true;
        return Task.CompletedTask;
    }

    public Task UndoAsync(Backup? safety)
    {
        foreach (StagedSwap swap in _swaps.Reverse())
            swap.Undo();
        _isSwapped = false;
        return Task.CompletedTask;
    }

    public Task CompleteAsync()
    {
        foreach (StagedSwap swap in _swaps)
            swap.Complete();
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        if (!_isSwapped)
        {
            foreach (StagedSwap swap in _swaps)
                swap.Discard();
        }

        return ValueTask.CompletedTask;
    }
}
