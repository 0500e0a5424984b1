using DbBackup.Testing;
using DbBackup.Tests.Integration;
using DbBackup.Tests.Integration.DiskFaults;
using DbBackup.Tests.Integration.Repository.Stores;
using DbBackup.Tests.Integration.Restores.PostgreSql;
using DbBackup.Tests.Integration.Upgrades;
using DbBackup.Tests.Integration.Upgrades.Containers;

[assembly: TestCollectionOrderer(typeof(LongestClassesFirst))]

namespace DbBackup.Tests.Integration;

/// <summary>The longest classes of this assembly.</summary>
public sealed class LongestClassesFirst() : LongestFirst(
    nameof(ComposeUpgradeTests), nameof(MajorVersionUpgradeTests), nameof(RemoteKillTests), nameof(ServerMoveTests), nameof(PostgreSqlUpgradeTests), nameof(KilledRunTests), nameof(ComposeShapesTests), nameof(FailedSystemCallTests));
