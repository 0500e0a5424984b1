namespace DbBackup.Upgrades;

/// <summary>The names of the steps.</summary>
internal static class UpgradeSteps
{
    /// <summary>Inspects everything and changes nothing.</summary>
    public const string Preflight = nameof(Preflight);

    /// <summary>Fetches the new version: checks out, pulls, builds.</summary>
    public const string Version = nameof(Version);

    /// <summary>Runs the migration on a copy.</summary>
    public const string Rehearsal = nameof(Rehearsal);

    /// <summary>Stops the services that write to the data.</summary>
    public const string Maintenance = nameof(Maintenance);

    /// <summary>Takes the backup that a rollback restores.</summary>
    public const string Backup = nameof(Backup);

    /// <summary>Replaces the old version with the new one.</summary>
    public const string Install = nameof(Install);

    /// <summary>Migrates the data.</summary>
    public const string Migration = nameof(Migration);

    /// <summary>Starts the new version.</summary>
    public const string Start = nameof(Start);

    /// <summary>Checks the new version and its data.</summary>
    public const string Check = nameof(Check);

    /// <summary>Removes what was kept of the old version.</summary>
    public const string Release = nameof(Release);

    /// <summary>Restores the previous version and its data.</summary>
    public const string Rollback = nameof(Rollback);
}
