namespace DbBackup;

/// <summary>How far a backup has proved itself. The order is the climb: what is greater is proved better.</summary>
public enum BackupStatus
{
    /// <summary>It cannot be used: its manifest cannot be read, or comes from a newer format version.</summary>
    Unreadable = -3,

    /// <summary>Its last test found a file that is not what was written.</summary>
    Damaged = -2,

    /// <summary>
    /// Its files are whole, but its last restore test did not give back what was recorded: the restore failed, or the restored database
    /// differs. It is kept like a good one while there is no better one, and <c>Restore-DbBackup -AllowMismatch</c> restores it.
    /// </summary>
    Mismatched = -1,

    /// <summary>It was written completely and flushed to disk; nobody has read it back.</summary>
    Written = 0,

    /// <summary>It was read back whole, and all hashes were right.</summary>
    Checked = 1,

    /// <summary>It was restored into a scratch place and passed the engine's own integrity check.</summary>
    Restored = 2,

    /// <summary>What was restored was equal to the fingerprint taken at the backup's own moment.</summary>
    Matched = 3,
}
