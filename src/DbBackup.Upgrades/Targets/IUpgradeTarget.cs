using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;

namespace DbBackup.Upgrades.Targets;

/// <summary>The data that an upgrade migrates, or the copy for its rehearsal.</summary>
internal interface IUpgradeTarget : IAsyncDisposable
{
    /// <summary>Environment variables that point a program at this database.</summary>
    IReadOnlyDictionary<string, string?> Environment { get; }

    /// <summary>The volumes that replace a container's own for a rehearsal, by mount path.</summary>
    IReadOnlyDictionary<string, string> Mounts { get; }

    /// <summary>Why a migration cannot be pointed at a copy; null if it can.</summary>
    string? WhyNoCopy { get; }

    /// <summary>The data after the upgrade: these, or those of another server.</summary>
    IUpgradeTarget Upgraded => this;

    /// <summary>Reads the schema revision.</summary>
    /// <exception cref="BackupException">The data are missing or cannot be read.</exception>
    Task<SchemaRevision> RevisionAsync(CancellationToken cancellationToken);

    /// <summary>Describes the backup of the data: one restore point.</summary>
    BackupIntent Intent { get; }

    /// <summary>Finds sessions that hold locks for which a migration would wait; null if none do.</summary>
    Task<string?> FindHolderAsync(CancellationToken cancellationToken);

    /// <summary>Finds damage; null if there is none.</summary>
    Task<string?> FindDamageAsync(CancellationToken cancellationToken);

    /// <summary>Finds the tables that have rows, named as in fingerprints.</summary>
    /// <param name="payload">The database as it was backed up.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The tables; null if the payload is none of these databases.</returns>
    Task<IReadOnlySet<string>?> FilledTablesAsync(Payload payload, CancellationToken cancellationToken);

    /// <summary>Returns the first value of a query; null if it has no rows.</summary>
    Task<object?> QueryScalarAsync(string sql, CancellationToken cancellationToken);

    /// <summary>Restores a backup to a copy; disposing the copy removes it.</summary>
    Task<IUpgradeTarget> CopyAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Makes what a migration has committed durable.</summary>
    Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Removes the copies that killed runs have left outside the repository.</summary>
    /// <exception cref="BackupException">The leftovers cannot be removed now.</exception>
    Task SweepAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Describes the restore of a backup over these data.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="keepsPresent">True to keep the present data, because an application has worked on them.</param>
    RestoreRequest RestoreOf(Backup backup, bool keepsPresent);
}
