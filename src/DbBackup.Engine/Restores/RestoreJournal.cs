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
    private readonly string _path;
    private readonly FileStream _file;
    private bool _keep;

    private RestoreJournal(string path, FileStream file)
    {
        _path = path;
        _file = file;
    }

    /// <summary>Writes the journal durably before anything is staged.</summary>
    public static RestoreJournal Begin(string folder, IReadOnlyList<StagedSwap> swaps)
    {
        string path = Path.Combine(folder, $"{Prefix}{Guid.NewGuid():N}{Suffix}");
        // Locked for as long as this process lives: the first sign for others that it is no leftover.
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1);
        JsonSerializer.Serialize(file, new Content(ProcessIdentity.Current, swaps));
        file.Flush(flushToDisk: true);
        DurableFiles.FlushDirectory(folder);
        return new RestoreJournal(path, file);
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
            if (ReadAbandoned(path) is not { } content)
                continue;
            bool begun = content.Swaps.Any(swap => swap.HasBegun);
            foreach (StagedSwap swap in content.Swaps)
            {
                if (begun)
                    swap.Finish();
                else
                    swap.Discard();
            }

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

    private static Content? ReadAbandoned(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1);
            Content? content = JsonSerializer.Deserialize<Content>(file);
            return content?.Owner?.IsAlive() == Liveness.Dead ? content : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private sealed record Content(ProcessIdentity? Owner, IReadOnlyList<StagedSwap> Swaps);
}
