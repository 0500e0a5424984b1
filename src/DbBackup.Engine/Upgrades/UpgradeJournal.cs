using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Upgrades;

/// <summary>What is known of an upgrade on disk.</summary>
internal sealed record UpgradeNote
{
    public required string Id { get; init; }

    /// <summary>The process that is at work on it.</summary>
    public required ProcessIdentity Owner { get; init; }

    public required UpgradeRequest Request { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required string Repository { get; init; }

    /// <summary>The source and name of the backup, once it is published.</summary>
    public string? BackupSource { get; init; }

    public string? BackupName { get; init; }

    public string? FromRevision { get; init; }

    public string? ToRevision { get; init; }

    public UpgradeState State { get; init; }

    public string? Failure { get; init; }

    public required IReadOnlyList<UpgradeStep> Steps { get; init; }

    /// <summary>The process of the migration; it goes on when its parent is killed.</summary>
    public ProcessIdentity? Migration { get; init; }

    public UpgradeStep Step(string name) => Steps.First(step => step.Name == name);

    public UpgradeResult ToResult() => new()
    {
        Id = Id,
        Subject = Request.DatabasePath,
        // Its owner is dead, or lives but has another number space: then its lock says so.
        State = State == UpgradeState.Running && Owner.IsAlive() == Liveness.Dead ? UpgradeState.Interrupted : State,
        Started = Started,
        Backup = BackupName is null ? null : $"{BackupSource}/{BackupName}",
        Repository = Repository,
        FromRevision = FromRevision,
        ToRevision = ToRevision,
        Steps = Steps,
        Failure = Failure,
    };
}

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

    private UpgradeJournal(string path, FileStream @lock, UpgradeNote note)
    {
        _path = path;
        _lock = @lock;
        Note = note;
    }

    /// <summary>The folder of the user that runs this process.</summary>
    public static string FolderOfUser => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "DbBackup", "upgrades");

    /// <summary>What it says.</summary>
    public UpgradeNote Note { get; private set; }

    /// <summary>Begins one.</summary>
    /// <exception cref="BackupFailure">Another upgrade of the same database is at work or was cut off, or nothing can be written.</exception>
    public static UpgradeJournal Begin(string folder, UpgradeNote note)
    {
        FileStream held = Lock(folder, note.Request.DatabasePath);
        try
        {
            if (List(folder).FirstOrDefault(other => other.Request.DatabasePath == note.Request.DatabasePath && other.State == UpgradeState.Running) is { } cut)
            {
                throw new BackupFailure(
                    ErrorCodes.UpgradeUnfinished,
                    FailureCategory.Refused,
                    $"The upgrade {cut.Id} of '{note.Request.DatabasePath}' was cut off {(cut.Steps.FirstOrDefault(step => step.State is not (UpgradeStepState.Done or UpgradeStepState.Skipped)) is { } step ? $"at its step {step.Name}" : "at its end")}.",
                    $"Go on with it (Resume-DbUpgrade {cut.Id}) or take it back (Undo-DbUpgrade {cut.Id}) first.")
                { Target = note.Request.DatabasePath };
            }

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
        UpgradeNote Find() => List(folder).FirstOrDefault(note => note.Id == id) ?? throw new BackupFailure(
            ErrorCodes.UpgradeNotFound, FailureCategory.NotFound, $"There is no upgrade '{id}'.", "Get-DbUpgrade lists what there is.") { Target = id };
        FileStream held = Lock(folder, Find().Request.DatabasePath);
        try
        {
            // Read again: its process may have gone on until the lock was free.
            var journal = new UpgradeJournal(Path.Combine(folder, id + Suffix), held, Find());
            journal.Write(journal.Note with { Owner = ProcessIdentity.Current });
            return journal;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>All that are known, the newest first.</summary>
    public static IReadOnlyList<UpgradeNote> List(string folder)
    {
        if (!Directory.Exists(folder))
            return [];
        var notes = new List<UpgradeNote>();
        foreach (string file in Directory.EnumerateFiles(folder, "*" + Suffix, new EnumerationOptions { IgnoreInaccessible = true }))
        {
            try
            {
                if (JsonSerializer.Deserialize<UpgradeNote>(File.ReadAllText(file)) is { } note)
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
    public void Write(UpgradeNote note)
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
            throw Unwritable(_path, exception);
        }

        Note = note;
    }

    /// <summary>Notes how a step stands.</summary>
    public void Write(UpgradeStep changed) => Write(Note with { Steps = [.. Note.Steps.Select(step => step.Name == changed.Name ? changed : step)] });

    public void Dispose() => _lock.Dispose();

    // The lock ends with its process, however that ends. The file stays: to remove it would let two processes lock two files of one name.
    private static FileStream Lock(string folder, string database)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(database)))[..32] + LockSuffix;
        string path = Path.Combine(folder, name);
        try
        {
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(folder);
            else
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException exception) when (File.Exists(path))
        {
            throw new BackupFailure(
                ErrorCodes.UpgradeInProgress, FailureCategory.Busy, $"Another upgrade of '{database}' is at work.", "Wait until it has ended; Get-DbUpgrade shows how far it is.", exception)
            { Target = database, CanRetry = true };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, exception);
        }
    }

    private static BackupFailure Unwritable(string path, Exception inner) => new(
        ErrorCodes.WriteFailed,
        FailureCategory.WriteError,
        $"The journal that lets an upgrade be taken back cannot be written at '{path}': {inner.Message}",
        OperatingSystem.IsWindows() ? "Give this user a writable local profile (LOCALAPPDATA)." : "Set HOME or XDG_DATA_HOME to a folder that this user may write to.",
        inner)
    { Target = path };
}
