using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades;

/// <summary>
/// The journal of one upgrade: a file that is replaced as a whole, on disk before a step begins and after it has ended, so that whoever finds
/// it knows how far the upgrade came. While it is open, no other process works on the same database.
/// </summary>
internal sealed class UpgradeJournal : IDisposable
{
    private const string Suffix = ".json";
    private const string LockSuffix = ".lock";
    private readonly string _path;
    private readonly FileStream _lock;

    private UpgradeJournal(string path, FileStream @lock, UpgradeRecord note)
    {
        _path = path;
        _lock = @lock;
        Note = note;
    }

    /// <summary>The folder of the user that runs this process.</summary>
    /// <exception cref="BackupFailure">The user has no home.</exception>
    public static string FolderOfUser => UserDataFolder.Find("upgrades") ?? throw Unwritable("the user's data folder", "it is not known where that is", null);

    /// <summary>What it says.</summary>
    public UpgradeRecord Note { get; private set; }

    /// <summary>Begins one.</summary>
    /// <exception cref="BackupFailure">Another upgrade of the same database is at work or was cut off, or nothing can be written.</exception>
    public static UpgradeJournal Begin(string folder, UpgradeRecord note)
    {
        FileStream held = Lock(folder, note);
        try
        {
            if (List(folder).FirstOrDefault(other => other.Key == note.Key && other.State == UpgradeState.Running) is { } cut)
            {
                throw new BackupFailure(
                    ErrorCodes.UpgradeUnfinished,
                    FailureCategory.Refused,
                    $"The upgrade {cut.Id} of '{note.Target}' was cut off {(cut.Steps.FirstOrDefault(step => step.State is not (UpgradeStepState.Done or UpgradeStepState.Skipped)) is { } step ? $"at its step {step.Name}" : "at its end")}.",
                    $"Go on with it (Resume-DbUpgrade {cut.Id}) or take it back (Undo-DbUpgrade {cut.Id}) first.")
                { Target = note.Target };
            }

            note = note with { Id = Reserve(folder, note.Id) };
            var journal = new UpgradeJournal(Path.Combine(folder, note.Id + Suffix), held, note);
            journal.Write(note);
            return journal;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Takes one over.</summary>
    /// <exception cref="BackupFailure">There is none of that name, or its process still works.</exception>
    public static UpgradeJournal Open(string folder, string id)
    {
        UpgradeRecord Find() => List(folder).FirstOrDefault(note => note.Id == id) ?? throw new BackupFailure(
            ErrorCodes.UpgradeNotFound, FailureCategory.NotFound, $"There is no upgrade '{id}'.", "Get-DbUpgrade lists what there is.") { Target = id };
        FileStream held = Lock(folder, Find());
        try
        {
            // Read again: its process may have gone on until the lock was free.
            return new UpgradeJournal(Path.Combine(folder, id + Suffix), held, Find());
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>All that are known, the newest first.</summary>
    public static IReadOnlyList<UpgradeRecord> List(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        var notes = new List<UpgradeRecord>();
        foreach (string file in Directory.EnumerateFiles(folder, "*" + Suffix, new EnumerationOptions { IgnoreInaccessible = true }))
        {
            try
            {
                if (JsonSerializer.Deserialize<UpgradeRecord>(File.ReadAllText(file)) is { } note)
                    notes.Add(note);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
            {
                // Removed meanwhile, or another program's file.
            }
        }

        return [.. notes.OrderByDescending(note => note.Started)];
    }

    /// <summary>Replaces what it says, durably.</summary>
    public void Write(UpgradeRecord note)
    {
        string part = _path + ".part";
        try
        {
            using (var file = new FileStream(part, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                JsonSerializer.Serialize(file, note);
                file.Flush(flushToDisk: true);
            }

            File.Move(part, _path, overwrite: true);
            DurableFiles.FlushDirectory(Path.GetDirectoryName(_path)!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(_path, exception.Message, exception);
        }

        Note = note;
    }

    /// <summary>The same where it is better to go on without the journal than to stop: what it says is kept in memory then.</summary>
    public void TryWrite(UpgradeRecord note, IOperationObserver observer)
    {
        try
        {
            Write(note);
        }
        catch (BackupFailure failure)
        {
            Note = note;
            observer.Warning(failure.Message);
        }
    }

    /// <summary>Notes how a step stands.</summary>
    public void Write(UpgradeStep changed) => Write(Note.With(changed));

    public void Dispose() => _lock.Dispose();

    // The lock ends with its process, however that ends. The file stays: to remove it would let two processes lock two files of one name.
    private static FileStream Lock(string folder, UpgradeRecord note)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(note.Key)))[..32] + LockSuffix;
        string path = Path.Combine(folder, name);
        try
        {
            UserDataFolder.Create(folder);
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException exception) when (File.Exists(path))
        {
            throw new BackupFailure(
                ErrorCodes.UpgradeInProgress, FailureCategory.Busy, $"Another upgrade of '{note.Target}' is at work.", "Wait until it has ended; Get-DbUpgrade shows how far it is.", exception)
            { Target = note.Target, CanRetry = true };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, exception.Message, exception);
        }
    }

    // Two upgrades may begin in one second, of databases of one name.
    private static string Reserve(string folder, string id)
    {
        for (int number = 1; ; number++)
        {
            string candidate = number == 1 ? id : string.Create(CultureInfo.InvariantCulture, $"{id}-{number}");
            string path = Path.Combine(folder, candidate + Suffix);
            try
            {
                using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
                return candidate;
            }
            catch (IOException) when (File.Exists(path))
            {
                // The next number.
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw Unwritable(path, exception.Message, exception);
            }
        }
    }

    private static BackupFailure Unwritable(string path, string words, Exception? inner) => new(
        ErrorCodes.WriteFailed, FailureCategory.WriteError, $"The journal that lets an upgrade be taken back cannot be written at '{path}': {words}", UserDataFolder.Hint, inner)
    { Target = path };
}
