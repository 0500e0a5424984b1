namespace DbBackup;

/// <summary>True if a backup holds all of its source: the scopes that this version knows.</summary>
public static class BackupScope
{
    /// <summary>All of the source.</summary>
    public const string Whole = nameof(Whole);

    /// <summary>A part: chosen schemas or tables, or tables without their rows.</summary>
    public const string Partial = nameof(Partial);
}
