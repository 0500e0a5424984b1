using System.Globalization;
using System.Text.Json;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Runs;

/// <summary>The records of the runs of plans: a file each, in a folder per plan, and a readable log beside.</summary>
public sealed class RunStore(PlanFolders folders)
{
    private const string Suffix = ".json";
    private const string LogSuffix = ".log";
    private const long LongestRecord = 16 << 20;

    // Four years of nightly runs; records are some kilobytes.
    private const int MostKept = 1500;

    /// <summary>Lists the runs of a plan, or of all plans, newest first. One whose process died is <see cref="BackupRunState.Interrupted"/>.</summary>
    public IReadOnlyList<BackupRun> List(string? plan = null)
    {
        if (!Directory.Exists(folders.Runs))
            return [];
        var runs = new List<BackupRun>();
        foreach (string folder in Directory.EnumerateDirectories(folders.Runs).Where(folder => plan is null || Path.GetFileName(folder).Equals(plan, StringComparison.OrdinalIgnoreCase)))
            runs.AddRange(Directory.EnumerateFiles(folder, "*" + Suffix).Select(Read).OfType<BackupRun>());
        return [.. runs.OrderByDescending(run => run.Started).ThenByDescending(run => run.Id, StringComparer.Ordinal)];
    }

    /// <summary>The last run of a plan; null where it never ran.</summary>
    public BackupRun? Last(string plan)
    {
        string folder = Path.Combine(folders.Runs, plan);
        // Their names begin with the time.
        return !Directory.Exists(folder) ? null : Directory.EnumerateFiles(folder, "*" + Suffix).OrderByDescending(Path.GetFileName, StringComparer.Ordinal).Select(Read).FirstOrDefault(run => run is not null);
    }

    /// <summary>Begins the record of a run; one run of a plan is at work at a time.</summary>
    /// <exception cref="BackupException">Another run of the plan is at work, or the record cannot be written.</exception>
    internal RunJournal Begin(BackupPlan plan, string trigger, TimeProvider clock)
    {
        string folder = Path.Combine(folders.Runs, plan.Name);
        try
        {
            UserDataFolder.Create(folder);
            FileStream held = OwnFile.TryLock(Path.Combine(folder, "lock")) ?? throw new BackupFailure(
                ErrorCodes.PlanRunning,
                FailureCategory.Busy,
                $"Another run of the plan '{plan.Name}' is at work.",
                $"Wait until it ends; Get-DbBackupRun {plan.Name} shows how far it is.")
            { Target = plan.Name, CanRetry = true };
            try
            {
                DateTimeOffset now = clock.GetUtcNow();
                string id = Reserve(folder, now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture));
                var journal = new RunJournal(folder, held, clock, new BackupRun
                {
                    Id = id,
                    Plan = plan.Name,
                    Scope = plan.Scope,
                    State = BackupRunState.Running,
                    Trigger = trigger,
                    Started = now,
                    Host = Environment.MachineName,
                    Repository = plan.Repository,
                    Log = Path.Combine(folder, id + LogSuffix),
                });
                journal.Save();
                Prune(folder);
                return journal;
            }
            catch
            {
                held.Dispose();
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(
                ErrorCodes.WriteFailed, FailureCategory.WriteError, $"The record of a run cannot be written in '{folder}': {exception.Message}", UserDataFolder.Hint, exception)
            { Target = folder };
        }
    }

    private static BackupRun? Read(string path)
    {
        try
        {
            using FileStream file = RegularFile.Open(path);
            // Empty while its run begins.
            if (file.Length is 0 or > LongestRecord)
                return null;
            byte[] json = new byte[file.Length];
            file.ReadExactly(json);
            RunRecord record = RecordJson.Read<RunRecord>(json);
            return record.Run.State == BackupRunState.Running && record.Owner.IsAlive() == Liveness.Dead
                ? record.Run with { State = BackupRunState.Interrupted, Failure = "Its process died." }
                : record.Run;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            // Removed at this moment, or another program's file.
            return null;
        }
    }

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
        }
    }

    private static void Prune(string folder)
    {
        foreach (string old in Directory.EnumerateFiles(folder, "*" + Suffix).OrderByDescending(Path.GetFileName, StringComparer.Ordinal).Skip(MostKept))
        {
            File.Delete(Path.ChangeExtension(old, LogSuffix));
            File.Delete(old);
        }
    }
}

/// <summary>A run as it is on disk.</summary>
/// <param name="Run">The run.</param>
/// <param name="Owner">Its process.</param>
internal sealed record RunRecord(BackupRun Run, ProcessIdentity Owner);
