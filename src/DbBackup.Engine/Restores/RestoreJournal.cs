using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores;

/// <summary>
/// A note on disk of what a restore is about to swap, so that the next run can put things right when this one is killed.
/// It lies beside the first target, where every later backup or restore of the same source comes by.
/// </summary>
internal sealed class RestoreJournal : IDisposable
{
    private const string Prefix = ".dbbackup-restore-";
    private const string Suffix = ".json";

    // The marks are lines of their own. Without the first, what is staged may be incomplete or unchecked, whatever names there are on disk.
    private const string SwapMark = "swap ";
    private const string UndoMark = "undo";
    private const string DoneMark = "done";

    // Between the creation of a journal and its first line there is a moment.
    private static readonly TimeSpan UnreadableTimeout = TimeSpan.FromMinutes(1);
    private readonly string _path;
    private readonly FileStream _file;
    private bool _keep;

    private RestoreJournal(string path, FileStream file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>How far a restore came.</summary>
    public enum Progress
    {
        /// <summary>Nothing was swapped.</summary>
        Staging,

        /// <summary>The swap may have begun; what is staged is complete and checked.</summary>
        Swapping,

        /// <summary>A swap failed, and those before it are undone.</summary>
        Undoing,

        /// <summary>Everything is in place.</summary>
        Done,
    }

    /// <summary>Writes the journal durably before anything is staged.</summary>
    /// <param name="folder">Where the journal lies.</param>
    /// <param name="renames">What will be put in place by renames.</param>
    /// <param name="writes">What will be written into an open database.</param>
    public static RestoreJournal Begin(string folder, IReadOnlyList<StagedSwap> renames, IReadOnlyList<StagedSwap> writes)
    {
        string path = Path.Combine(folder, $"{Prefix}{Guid.NewGuid():N}{Suffix}");
        // Locked for as long as this process lives: the first sign for others that it is no leftover.
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1);
        var journal = new RestoreJournal(path, file);
        journal.WriteLine(JsonSerializer.Serialize(new Content(ProcessIdentity.Current, renames, writes)));
        DurableFiles.FlushDirectory(folder);
        return journal;
    }

    /// <summary>Notes durably that everything is staged and checked, right before the first swap.</summary>
    public void BeginSwap(CommitPoint? commit, PendingRecord? record) => WriteLine(SwapMark + JsonSerializer.Serialize(new Swap(commit, record)));

    /// <summary>Notes durably that what was swapped is undone.</summary>
    public void BeginUndo() => WriteLine(UndoMark);

    /// <summary>Notes durably that everything is in place.</summary>
    public void Commit() => WriteLine(DoneMark);

    /// <summary>Leaves the journal for the next run.</summary>
    public void Keep() => _keep = true;

    /// <summary>Everything is in place, or nothing was changed: the journal is no longer needed.</summary>
    public void Dispose()
    {
        // First closed, then deleted: Windows does not delete an open file.
        _file.Dispose();
        if (!_keep)
            File.Delete(_path);
    }

    /// <summary>Reads the journals that dead runs left in a folder.</summary>
    public static IReadOnlyList<Abandoned> FindAbandoned(string folder) =>
        !Directory.Exists(folder) ? [] : [.. Directory.EnumerateFiles(folder, Prefix + "*" + Suffix).ToList().Select(ReadAbandoned).OfType<Abandoned>()];

    private static Abandoned? ReadAbandoned(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1);
            using var reader = new StreamReader(file);
            // What follows the last line's end was cut off by the death of its writer.
            string[] lines = reader.ReadToEnd().Split('\n')[..^1];
            if (lines.Length == 0)
                throw new JsonException();
            Content content = RecordJson.Read<Content>(lines[0]);
            if (content.Renames.Concat(content.Writes).Any(swap => swap.Target.Length == 0 || swap.Staged.Length == 0 || swap.Old.Length == 0))
                throw new JsonException("a path is empty.");
            if (content.Owner?.IsAlive() != Liveness.Dead)
                return null;
            Swap? swap = lines.Length > 1 && lines[1].StartsWith(SwapMark, StringComparison.Ordinal) ? RecordJson.Read<Swap>(lines[1][SwapMark.Length..]) : null;
            Progress progress = lines.Contains(DoneMark) ? Progress.Done : lines.Contains(UndoMark) ? Progress.Undoing : swap is null ? Progress.Staging : Progress.Swapping;
            return new Abandoned(path, progress, content.Renames, content.Writes, swap?.Commit, swap?.Record);
        }
        catch (JsonException) when (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > UnreadableTimeout)
        {
            // Its owner died while it wrote this very file, before it staged anything.
            File.Delete(path);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private void WriteLine(string line)
    {
        _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        _file.Flush(flushToDisk: true);
    }

    /// <summary>The journal of a dead run.</summary>
    /// <param name="Path">The journal's file.</param>
    /// <param name="Progress">How far the restore came.</param>
    /// <param name="Renames">What it puts in place by renames.</param>
    /// <param name="Writes">What it writes into open databases.</param>
    /// <param name="Commit">What tells whether a server's part was swapped; null if there is none.</param>
    /// <param name="Record">The record for an undo, not written yet; null if there is nothing to undo.</param>
    public sealed record Abandoned(
        string Path, Progress Progress, IReadOnlyList<StagedSwap> Renames, IReadOnlyList<StagedSwap> Writes, CommitPoint? Commit, PendingRecord? Record);

    private sealed record Content(ProcessIdentity? Owner, IReadOnlyList<StagedSwap> Renames, IReadOnlyList<StagedSwap> Writes);

    private sealed record Swap(CommitPoint? Commit, PendingRecord? Record);
}
