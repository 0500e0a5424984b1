using System.Text;
using System.Text.Json;
using DbBackup.Engine.Engines.Sqlite;
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

    // Its second line. Without it, what is staged may be incomplete or unchecked, whatever names there are on disk.
    private const string SwapMark = "swap";

    // Between the creation of a journal and its first line there is a moment.
    private static readonly TimeSpan PatienceWithUnreadable = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RollBackTimeout = TimeSpan.FromSeconds(10);
    private readonly string _path;
    private readonly FileStream _file;
    private bool _keep;

    private RestoreJournal(string path, FileStream file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>Whether everything is staged and checked, and the swap may have begun.</summary>
    public bool SwapBegun { get; private set; }

    /// <summary>Writes the journal durably before anything is staged.</summary>
    /// <param name="folder">Where the journal lies.</param>
    /// <param name="swaps">What will be put in place by renames.</param>
    /// <param name="written">What will be written through SQLite into an open database.</param>
    public static RestoreJournal Begin(string folder, IReadOnlyList<StagedSwap> swaps, IReadOnlyList<StagedSwap> written)
    {
        string path = Path.Combine(folder, $"{Prefix}{Guid.NewGuid():N}{Suffix}");
        // Locked for as long as this process lives: the first sign for others that it is no leftover.
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1);
        var journal = new RestoreJournal(path, file);
        journal.WriteLine(JsonSerializer.Serialize(new Content(ProcessIdentity.Current, swaps, written)));
        DurableFiles.FlushDirectory(folder);
        return journal;
    }

    /// <summary>Notes durably that everything is staged and checked, right before the first rename.</summary>
    public void BeginSwap()
    {
        WriteLine(SwapMark);
        SwapBegun = true;
    }

    /// <summary>
    /// Finishes or undoes what dead runs left in a folder. Where nothing was swapped yet, what they staged is deleted; where the
    /// swap had begun, it is finished, because half of a restore point is none.
    /// </summary>
    /// <returns>Whether there was anything to put right.</returns>
    public static bool Recover(string folder, IOperationObserver observer)
    {
        bool any = false;
        if (!Directory.Exists(folder))
            return any;
        foreach (string path in Directory.EnumerateFiles(folder, Prefix + "*" + Suffix).ToList())
        {
            if (ReadAbandoned(path, out bool maySwap) is not { } content)
                continue;
            bool begun = maySwap && (content.Swaps.Any(swap => swap.HasBegun) || content.Written.Any(swap => swap.IsDone));
            foreach (StagedSwap swap in content.Swaps)
            {
                if (begun)
                    swap.Finish();
                else
                    swap.Discard();
            }

            foreach (StagedSwap swap in content.Written)
                swap.Discard();
            // Of the restore's own writes (it left WAL mode, or wrote through SQLite) a hot journal may be left. A connection
            // that only reads would be refused until one that writes has rolled it back.
            foreach (StagedSwap swap in begun ? content.Written : content.Swaps.Concat(content.Written))
                RollBack(swap.Target, observer);
            File.Delete(path);
            any = true;
            observer.Warning(begun
                ? $"A restore that was killed in the middle of its swap in '{folder}' has been completed: {string.Join(", ", content.Swaps.Select(swap => swap.Target))}."
                : $"A restore that was killed before its swap in '{folder}' has been cleaned up; nothing had been changed by it.");
        }

        return any;
    }

    /// <summary>Leaves the note for the next run: the swap has begun and could not be finished.</summary>
    public void Keep() => _keep = true;

    /// <summary>Everything is in place, or nothing was changed: the note has served.</summary>
    public void Dispose()
    {
        // First closed, then deleted: Windows does not delete an open file.
        _file.Dispose();
        if (!_keep)
            File.Delete(_path);
    }

    private static void RollBack(string database, IOperationObserver observer)
    {
        if (!File.Exists(database) || !File.Exists(database + "-journal"))
            return;
        try
        {
            // SQLite rolls back when a connection that may write first reads.
            using SqliteDatabase opened = SqliteDatabase.OpenForWriting(database, RollBackTimeout, CancellationToken.None, mustExist: true);
            opened.Number("PRAGMA schema_version");
        }
        catch (BackupException failure)
        {
            observer.Warning($"The killed restore's last transaction on '{database}' could not be rolled back: {failure.Message}");
        }
    }

    private static Content? ReadAbandoned(string path, out bool maySwap)
    {
        maySwap = false;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1);
            using var reader = new StreamReader(file);
            string[] lines = reader.ReadToEnd().Split('\n');
            maySwap = lines.Length > 2 && lines[1] == SwapMark;
            Content? content = JsonSerializer.Deserialize<Content>(lines[0]);
            return content?.Owner?.IsAlive() == Liveness.Dead ? content : null;
        }
        catch (JsonException) when (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > PatienceWithUnreadable)
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

    private sealed record Content(ProcessIdentity? Owner, IReadOnlyList<StagedSwap> Swaps, IReadOnlyList<StagedSwap> Written);
}
