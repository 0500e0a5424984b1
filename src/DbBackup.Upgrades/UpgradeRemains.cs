namespace DbBackup.Upgrades;

/// <summary>What an ended upgrade has kept on its Docker engine.</summary>
public sealed record UpgradeRemains
{
    /// <summary>The upgrade.</summary>
    public required UpgradeResult Upgrade { get; init; }

    /// <summary>The volumes: the old server's after a success, the new server's after a rollback.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>The names under which the old images are kept.</summary>
    public IReadOnlyList<string> Images { get; init; } = [];
}
