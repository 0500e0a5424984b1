namespace DbBackup;

/// <summary>How a backup was made: the methods that this version knows. A manifest may name others.</summary>
public static class BackupMethod
{
    /// <summary>It needs no other backup.</summary>
    public const string Full = nameof(Full);

    /// <summary>It holds the difference to a full backup of its source, and is restored with that one.</summary>
    public const string Incremental = nameof(Incremental);
}
