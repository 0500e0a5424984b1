namespace DbBackup;

/// <summary>Why a backup was made.</summary>
public enum BackupType
{
    /// <summary>A complete backup.</summary>
    Full,

    /// <summary>Only what changed since its parent.</summary>
    Incremental,

    /// <summary>A complete backup before a schema migration.</summary>
    PreMigration,

    /// <summary>The automatic backup of what a restore or an upgrade is about to replace.</summary>
    Safety,

    /// <summary>The temporary backup on whose copy an upgrade is rehearsed; it goes with the rehearsal.</summary>
    Rehearsal,
}
