namespace DbBackup;

/// <summary>Why a backup was made: the reasons that this version knows. A manifest may name others, which changes nothing.</summary>
public static class BackupReason
{
    /// <summary>A user made it, at a prompt or in a script.</summary>
    public const string Manual = nameof(Manual);

    /// <summary>A scheduled task made it.</summary>
    public const string Scheduled = nameof(Scheduled);

    /// <summary>It was made before a schema migration.</summary>
    public const string PreMigration = nameof(PreMigration);

    /// <summary>The automatic backup of what a restore or an upgrade is about to replace. It never counts as a source's good backup.</summary>
    public const string Safety = nameof(Safety);

    /// <summary>The temporary backup of an upgrade's rehearsal. It never counts as a source's good backup.</summary>
    public const string Rehearsal = nameof(Rehearsal);
}
