using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades;

/// <summary>
/// The journal of one upgrade: a file that is replaced as a whole, before a step begins and after it ends, so that a later process knows how
/// far the upgrade came. While it is open, no other process can upgrade the same database.
/// </summary>
internal sealed class UpgradeJournal : IDisposable
{
    private const string Suffix = ".json";
    private const string LockSuffix = ".lock";

    // Far above any record: they name services and steps.
    private const long LongestRecord = 16 << 20;
    private readonly string _path;
    private readonly FileStream _lock;

    private UpgradeJournal(string path, FileStream @lock, UpgradeRecord record)
    {
        _path = path;
        _lock = @lock;
        Record = record;
    }

    /// <summary>The folder of the user that runs this process.</summary>
    /// <exception cref="BackupFailure">The user has no home.</exception>
    public static string FolderOfUser => UserDataFolder.Find("upgrades") ?? throw Unwritable("the user's data folder", "the user has no home folder", null);

    /// <summary>The current record.</summary>
    public UpgradeRecord Record { get; private set; }

    /// <summary>Creates a journal.</summary>
    /// <exception cref="BackupFailure">Another upgrade of the same database is running or was interrupted, or the journal cannot be written.</exception>
    public static UpgradeJournal Begin(string folder, UpgradeRecord record)
    {
        FileStream held = Lock(folder, record);
        try
        {
            if (List(folder).FirstOrDefault(other => other.Key == record.Key && other.State == UpgradeState.Running) is { } cut)
            {
                throw new BackupFailure(
                    ErrorCodes.UpgradeUnfinished,
                    FailureCategory.Refused,
                    $"Upgrade {cut.Id} of '{record.Target}' was interrupted {(cut.Steps.FirstOrDefault(step => step.State is not (UpgradeStepState.Done or UpgradeStepState.Skipped)) is { } step ? $"in step {step.Name}" : "after its last step")}.",
                    $"Resume it (Resume-DbUpgrade {cut.Id}) or roll it back (Undo-DbUpgrade {cut.Id}) first.")
                { Target = record.Target };
            }

            record = record with { Id = Reserve(folder, record.Id) };
            var journal = new UpgradeJournal(Path.Combine(folder, record.Id + Suffix), held, record);
            journal.Write(record);
            return journal;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Opens the journal of an upgrade that no process is running.</summary>
    /// <exception cref="BackupFailure">No upgrade has that ID, or its process is still running.</exception>
    public static UpgradeJournal Open(string folder, string id)
    {
        UpgradeRecord Find() => List(folder).FirstOrDefault(record => record.Id == id) ?? throw Foreign(folder, id) ?? new BackupFailure(
            ErrorCodes.UpgradeNotFound, FailureCategory.NotFound, $"Upgrade '{id}' was not found.", "List the upgrades with Get-DbUpgrade.") { Target = id };
        FileStream held = Lock(folder, Find());
        try
        {
            // Read again: its process may have written until the lock was free.
            return new UpgradeJournal(Path.Combine(folder, id + Suffix), held, Find());
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Lists all records, newest first. A record names commands that a later process runs: only this user's own count, whoever else can write
    /// here (where HOME stayed as it was, the folder that root meets is that of another user).
    /// </summary>
    public static IReadOnlyList<UpgradeRecord> List(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        var records = new List<UpgradeRecord>();
        foreach (string file in Directory.EnumerateFiles(folder, "*" + Suffix, new EnumerationOptions { IgnoreInaccessible = true }))
        {
            try
            {
                if (OwnFile.Read(file, LongestRecord) is { } json)
                    records.Add(RecordJson.Read<UpgradeRecord>(json));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
            {
                // Removed meanwhile, or another program's file.
            }
        }

        return [.. records.OrderByDescending(record => record.Started)];
    }

    /// <summary>Replaces the record durably.</summary>
    public void Write(UpgradeRecord record)
    {
        string part = _path + ".part";
        try
        {
            // What lies there is of a run that was killed, or somebody's link: it is removed, not written through.
            File.Delete(part);
            using (FileStream file = PrivateFiles.CreateNew(part))
            {
                JsonSerializer.Serialize(file, record);
                file.Flush(flushToDisk: true);
            }

            File.Move(part, _path, overwrite: true);
            DurableFiles.FlushDirectory(Path.GetDirectoryName(_path)!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(_path, exception.Message, exception);
        }

        Record = record;
    }

    /// <summary>Replaces the record, but only warns if the journal cannot be written: a rollback must not stop for that.</summary>
    public void TryWrite(UpgradeRecord record, IOperationObserver observer)
    {
        try
        {
            Write(record);
        }
        catch (BackupFailure failure)
        {
            Record = record;
            observer.Warning(failure.Message);
        }
    }

    /// <summary>Records the state of a step.</summary>
    public void Write(UpgradeStep changed) => Write(Record.With(changed));

    /// <summary>Removes the journal durably.</summary>
    /// <exception cref="BackupFailure">It cannot be removed.</exception>
    public void Delete()
    {
        try
        {
            File.Delete(_path + ".part");
            File.Delete(_path);
            DurableFiles.FlushDirectory(Path.GetDirectoryName(_path)!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(ErrorCodes.WriteFailed, FailureCategory.WriteError, $"Cannot remove the upgrade journal '{_path}': {exception.Message}", UserDataFolder.Hint, exception) { Target = _path };
        }
    }

    public void Dispose() => _lock.Dispose();

    // The operating system releases the lock when the process ends. The file stays: if it were removed, two processes could lock two files of one name.
    private static FileStream Lock(string folder, UpgradeRecord record)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(record.Key)))[..32] + LockSuffix;
        string path = Path.Combine(folder, name);
        try
        {
            UserDataFolder.Create(folder);
            if (OwnFile.TryLock(path) is { } held)
                return held;
            throw new BackupFailure(
                ErrorCodes.UpgradeInProgress, FailureCategory.Busy, $"Another upgrade of '{record.Target}' is running.", "Wait until it ends; Get-DbUpgrade shows its progress.")
            { Target = record.Target, CanRetry = true };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, exception.Message, exception);
        }
    }

    // Two upgrades of databases with the same name may start within one second.
    private static string Reserve(string folder, string id)
    {
        for (int number = 1; ; number++)
        {
            string candidate = number == 1 ? id : string.Create(CultureInfo.InvariantCulture, $"{id}-{number}");
            string path = Path.Combine(folder, candidate + Suffix);
            try
            {
                using FileStream file = PrivateFiles.CreateNew(path);
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

    private static BackupFailure? Foreign(string folder, string id)
    {
        if (Path.GetFileName(id) != id || id is "" or "." or "..")
            return null;
        string path = Path.Combine(folder, id + Suffix);
        return !Path.Exists(path) || OwnFile.Is(path) ? null : new BackupFailure(
            ErrorCodes.UpgradeNotFound,
            FailureCategory.PermissionDenied,
            $"The journal '{path}' is not a file of the user that runs this: the upgrade that it describes is another user's, and none of its commands is run.",
            "Run the command as the user that ran the upgrade.")
        { Target = id };
    }

    private static BackupFailure Unwritable(string path, string words, Exception? inner) => new(
        ErrorCodes.WriteFailed, FailureCategory.WriteError, $"Cannot write the upgrade journal '{path}', which a rollback needs: {words}", UserDataFolder.Hint, inner)
    { Target = path };
}
