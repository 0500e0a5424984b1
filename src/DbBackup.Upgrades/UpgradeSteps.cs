namespace DbBackup.Upgrades;

/// <summary>The names of the steps.</summary>
internal static class UpgradeSteps
{
    /// <summary>Everything is looked at, nothing is changed.</summary>
    public const string Preflight = nameof(Preflight);

    /// <summary>The new version is got: checked out, pulled, built.</summary>
    public const string Version = nameof(Version);

    /// <summary>The migration runs on a copy.</summary>
    public const string Rehearsal = nameof(Rehearsal);

    /// <summary>Those that write are stopped.</summary>
    public const string Maintenance = nameof(Maintenance);

    /// <summary>The backup to which a failure leads back.</summary>
    public const string Backup = nameof(Backup);

    /// <summary>The new version takes the place of the old one.</summary>
    public const string Install = nameof(Install);

    /// <summary>The data are migrated.</summary>
    public const string Migration = nameof(Migration);

    /// <summary>The new version is started.</summary>
    public const string Start = nameof(Start);

    /// <summary>The new version and its data are checked.</summary>
    public const string Check = nameof(Check);

    /// <summary>What was kept of the old version is let go.</summary>
    public const string Release = nameof(Release);

    /// <summary>The old version and its data are put back.</summary>
    public const string Rollback = nameof(Rollback);
}
