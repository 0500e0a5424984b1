using System.Globalization;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Notifications;

/// <summary>A run in words, for people who hear of it elsewhere than at a prompt.</summary>
internal static class RunText
{
    // A monitor keeps some 100 kB of a body, and the end of a log says what happened.
    private const int LongestLog = 16 * 1024;

    /// <summary>What happened, as in <c>nightly on db1 FAILED after 3 min</c>.</summary>
    public static string Line(BackupRun run, PlanEvents what) => what switch
    {
        PlanEvents.Start => $"Backup plan {run.Plan} on {run.Host} started",
        PlanEvents.Success => $"Backup plan {run.Plan} on {run.Host} succeeded{After(run)}: {Made(run)}",
        _ => $"Backup plan {run.Plan} on {run.Host} {(run.State == BackupRunState.Stopped ? "was stopped" : "FAILED")}{After(run)}",
    };

    /// <summary>All that a person needs: what failed, what to do, the steps, the backups.</summary>
    public static string Whole(BackupRun run, PlanEvents what)
    {
        var text = new StringBuilder(Line(run, what)).Append('\n');
        if (Safe(run.Failure) is { } failure)
            text.Append('\n').Append(failure).Append('\n');
        if (Safe(run.Recommendation) is { } recommendation)
            text.Append("What to do: ").Append(recommendation).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"\nStarted {run.Started.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
        if (Safe(run.Repository) is { } repository)
            text.Append(", repository ").Append(repository);
        text.Append('\n');
        foreach (BackupRunStep step in run.Steps)
            text.Append("  ").Append(Safe(step.ToString())).Append('\n');
        foreach (BackupRunBackup backup in run.Backups)
            text.Append(CultureInfo.InvariantCulture, $"  Backup {backup}, {ByteSize.Format(backup.Size)}\n");
        foreach (string removed in run.Removed)
            text.Append("  Removed ").Append(removed).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"\nSee all of it on {run.Host} with: Get-DbBackupRun {run.Plan}\n");
        return text.ToString();
    }

    /// <summary>The end of the run's log; empty if there is none.</summary>
    public static string LogEnd(BackupRun run)
    {
        if (run.Log is not { } path)
            return string.Empty;
        try
        {
            using FileStream file = RegularFile.Open(path);
            bool isCut = file.Length > LongestLog;
            if (isCut)
                file.Seek(-LongestLog, SeekOrigin.End);
            using var reader = new StreamReader(file, Encoding.UTF8);
            if (isCut)
                reader.ReadLine();
            return Safe(reader.ReadToEnd());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }

    /// <summary>A text without passwords and control characters.</summary>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? Safe(string? text) => text is null ? null : ForeignText.Shown(SecretText.Masked(text));

    private static string After(BackupRun run) => run.Duration is { } time ? $" after {new BackupAge(time)}" : string.Empty;

    private static string Made(BackupRun run) => run.Backups.Count switch
    {
        0 => "no new backup",
        1 => $"{run.Backups[0]}, {ByteSize.Format(run.Backups[0].Size)}",
        var count => string.Create(CultureInfo.InvariantCulture, $"{count} backups, {ByteSize.Format(run.Backups.Sum(backup => backup.Size))}"),
    };
}
