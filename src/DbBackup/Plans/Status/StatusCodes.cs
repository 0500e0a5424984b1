namespace DbBackup;

/// <summary>The stable names of what <c>Get-DbBackupStatus</c> finds.</summary>
public static class StatusCodes
{
    /// <summary>The repository cannot be read.</summary>
    public const string RepositoryUnreadable = nameof(RepositoryUnreadable);

    /// <summary>A plan's file cannot be read.</summary>
    public const string PlanUnreadable = nameof(PlanUnreadable);

    /// <summary>There is no backup of a source that a plan names.</summary>
    public const string NoBackup = nameof(NoBackup);

    /// <summary>There are backups, and none of them is whole and good.</summary>
    public const string NoGoodBackup = nameof(NoGoodBackup);

    /// <summary>The newest good backup is older than it may be.</summary>
    public const string BackupTooOld = nameof(BackupTooOld);

    /// <summary>A run did not begin when the schedule says.</summary>
    public const string RunMissed = nameof(RunMissed);

    /// <summary>The last run failed.</summary>
    public const string RunFailed = nameof(RunFailed);

    /// <summary>The process of the last run died.</summary>
    public const string RunInterrupted = nameof(RunInterrupted);

    /// <summary>The last run was stopped.</summary>
    public const string RunStopped = nameof(RunStopped);

    /// <summary>A run has been going on for longer than the time between two runs.</summary>
    public const string RunTooLong = nameof(RunTooLong);

    /// <summary>The first run is yet to come.</summary>
    public const string FirstRunPending = nameof(FirstRunPending);

    /// <summary>The plan has a schedule, and nothing runs it.</summary>
    public const string PlanNotEnabled = nameof(PlanNotEnabled);

    /// <summary>A file is not what was written.</summary>
    public const string BackupDamaged = nameof(BackupDamaged);

    /// <summary>A restore test did not give back what was recorded.</summary>
    public const string BackupMismatched = nameof(BackupMismatched);

    /// <summary>A manifest cannot be read.</summary>
    public const string BackupUnreadable = nameof(BackupUnreadable);

    /// <summary>The newest backup holds far less than the one before.</summary>
    public const string BackupCollapsed = nameof(BackupCollapsed);

    /// <summary>The signature of a backup is not valid for this user.</summary>
    public const string SignatureNotValid = nameof(SignatureNotValid);

    /// <summary>The plan's test of the newest backup is overdue.</summary>
    public const string TestOverdue = nameof(TestOverdue);

    /// <summary>The plan's restore test is overdue.</summary>
    public const string RestoreTestOverdue = nameof(RestoreTestOverdue);

    /// <summary>A backup or a run comes from the future.</summary>
    public const string ClockAhead = nameof(ClockAhead);

    /// <summary>The repository has little room left.</summary>
    public const string SpaceLow = nameof(SpaceLow);

    /// <summary>The repository has no room for the next backup.</summary>
    public const string SpaceOut = nameof(SpaceOut);

    /// <summary>A hold has ended: the next retention may remove the backup.</summary>
    public const string HoldEnded = nameof(HoldEnded);
}
