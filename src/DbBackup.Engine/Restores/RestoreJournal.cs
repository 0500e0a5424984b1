using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores;

/// <summary>
/// A note on disk of what a restore is about to swap, so that the next run can put things right when this one is killed.
/// It lies beside the first target, where every later backup or restore of the same source comes by.
/// </summary>
/// <remarks>
/// The folder often belongs to the application's user, and the next run may be root's. So only this user's own files are read, what a
/// journal names must lie beside it under names that are made here, and another folder counts only if it holds a mark of the same restore
/// that is this user's own too.
/// </remarks>
internal sealed class RestoreJournal : IDisposable
{
    private const string Prefix = ".dbbackup-restore-";
    private const string Suffix = ".json";
    private const string PartSuffix = ".part";
    private const int LongestJournal = 16 << 20;
    private const int LongestMark = 1 << 16;

    // The marks are lines of their own. Without the first, what is staged may be incomplete or unchecked, whatever names there are on disk.
    private const string SwapMark = "swap ";
    private const string UndoMark = "undo";
    private const string DoneMark = "done";

    // Between the creation of a journal and its first line there is a moment.
    private static readonly TimeSpan UnreadableTimeout = TimeSpan.FromMinutes(1);
    private readonly string _path;
    private readonly FileStream _file;
    private readonly IReadOnlyList<string> _marks;
    private bool _keep;

    private RestoreJournal(string path, FileStream file, IReadOnlyList<string> marks)
    {
        _path = path;
        _file = file;
        _marks = marks;
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
        string name = $"{Prefix}{Guid.NewGuid():N}";
        string path = Path.Combine(folder, name + Suffix);
        // The marks first: a journal whose marks are missing is somebody else's.
        List<string> marks = [.. renames.Concat(writes).Select(swap => Path.GetDirectoryName(swap.Target)!).Distinct(StringComparer.Ordinal)
            .Where(other => other != folder).Select(other => Path.Combine(other, name + PartSuffix))];
        FileStream? file = null;
        try
        {
            foreach (string mark in marks)
                WriteMark(mark, path);
            // Locked for as long as this process lives: the first sign for others that it is no leftover.
            file = PrivateFiles.CreateLocked(path);
            var journal = new RestoreJournal(path, file, marks);
            journal.WriteLine(JsonSerializer.Serialize(new Content(ProcessIdentity.Current, renames, writes)));
            DurableFiles.FlushDirectory(folder);
            return journal;
        }
        catch
        {
            file?.Dispose();
            Remove(path, marks);
            throw;
        }
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
            Remove(_path, _marks);
    }

    /// <summary>Reads the journals that dead runs left in a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="reportForeign">Receives files that are named like journals and are not this user's own.</param>
    public static IReadOnlyList<Abandoned> FindAbandoned(string folder, Action<string>? reportForeign = null)
    {
        if (!Presence.IsFolder(folder))
            return [];
        foreach (string mark in Directory.EnumerateFileSystemEntries(folder, Prefix + "*" + PartSuffix).ToList())
            RemoveLooseMark(mark);
        return [.. Directory.EnumerateFileSystemEntries(folder, Prefix + "*" + Suffix).ToList().Select(path => ReadAbandoned(path, reportForeign)).OfType<Abandoned>()];
    }

    private static Abandoned? ReadAbandoned(string path, Action<string>? reportForeign)
    {
        try
        {
            using FileStream? file = OwnFile.OpenLocked(path, out bool foreign);
            if (file is null || file.Length > LongestJournal)
            {
                if (foreign || file is not null)
                    reportForeign?.Invoke(path);
                return null;
            }

            using var reader = new StreamReader(file);
            // What follows the last line's end was cut off by the death of its writer.
            string[] lines = reader.ReadToEnd().Split('\n')[..^1];
            if (lines.Length == 0)
                throw new JsonException();
            Content content = RecordJson.Read<Content>(lines[0]);
            if (!content.Renames.Concat(content.Writes).All(swap => Belongs(swap, path)))
            {
                reportForeign?.Invoke(path);
                return null;
            }

            if (content.Owner?.IsAlive() != Liveness.Dead)
                return null;
            Swap? swap = lines.Length > 1 && lines[1].StartsWith(SwapMark, StringComparison.Ordinal) ? RecordJson.Read<Swap>(lines[1][SwapMark.Length..]) : null;
            Progress progress = lines.Contains(DoneMark) ? Progress.Done : lines.Contains(UndoMark) ? Progress.Undoing : swap is null ? Progress.Staging : Progress.Swapping;
            IReadOnlyList<string> marks = [.. content.Renames.Concat(content.Writes).Select(each => MarkBeside(each, path)).Distinct(StringComparer.Ordinal).Where(Presence.IsFile)];
            return new Abandoned(path, progress, content.Renames, content.Writes, swap?.Commit, swap?.Record) { Marks = marks };
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

    // Journals are a private matter: names of ours, in the journal's own folder or in one that has the mark.
    private static bool Belongs(StagedSwap swap, string journal)
    {
        if (!swap.IsWellFormed)
            return false;
        string folder = Path.GetDirectoryName(swap.Target)!;
        return UnixFile.RealPath(folder) == UnixFile.RealPath(Path.GetDirectoryName(journal)!) || OwnFile.Is(MarkBeside(swap, journal));
    }

    private static string MarkBeside(StagedSwap swap, string journal) =>
        Path.Combine(Path.GetDirectoryName(swap.Target)!, Path.GetFileNameWithoutExtension(journal) + PartSuffix);

    private static void WriteMark(string mark, string journal)
    {
        using (FileStream file = PrivateFiles.CreateLocked(mark))
        {
            file.Write(Encoding.UTF8.GetBytes(journal));
            file.Flush(flushToDisk: true);
        }

        DurableFiles.FlushDirectory(Path.GetDirectoryName(mark)!);
    }

    private static void Remove(string journal, IReadOnlyList<string> marks)
    {
        // The journal first: without its marks it would be taken for somebody else's.
        File.Delete(journal);
        if (marks.Count > 0)
            DurableFiles.FlushDirectory(Path.GetDirectoryName(journal)!);
        foreach (string mark in marks)
            File.Delete(mark);
    }

    private static void RemoveLooseMark(string mark)
    {
        try
        {
            using FileStream? file = OwnFile.OpenLocked(mark, out _);
            if (file is null || file.Length > LongestMark || DateTime.UtcNow - File.GetLastWriteTimeUtc(mark) < UnreadableTimeout)
                return;
            using var reader = new StreamReader(file);
            string journal = reader.ReadToEnd();
            // A disk that is not mounted has no journal either.
            if (Presence.IsFolder(Path.GetDirectoryName(journal)) && !Presence.IsFile(journal))
                File.Delete(mark);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Tried again by the next run.
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
        string Path, Progress Progress, IReadOnlyList<StagedSwap> Renames, IReadOnlyList<StagedSwap> Writes, CommitPoint? Commit, PendingRecord? Record)
    {
        /// <summary>The marks in other folders.</summary>
        public required IReadOnlyList<string> Marks { get; init; }

        /// <summary>Deletes the journal: all is put right.</summary>
        public void Remove() => RestoreJournal.Remove(Path, Marks);
    }

    private sealed record Content(ProcessIdentity? Owner, IReadOnlyList<StagedSwap> Renames, IReadOnlyList<StagedSwap> Writes);

    private sealed record Swap(CommitPoint? Commit, PendingRecord? Record);
}
