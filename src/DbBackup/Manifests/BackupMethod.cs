namespace DbBackup;

/// <summary>How a backup was made: the methods that this version knows. A manifest may name others.</summary>
public static class BackupMethod
{
    /// <summary>It needs no other backup.</summary>
    public const string Full = nameof(Full);
}
