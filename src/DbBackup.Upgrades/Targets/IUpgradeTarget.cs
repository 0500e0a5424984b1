using DbBackup.Engine.Backups;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;

namespace DbBackup.Upgrades.Targets;

/// <summary>The data that are upgraded, or the copy of them on which that is rehearsed.</summary>
internal interface IUpgradeTarget : IAsyncDisposable
{
    /// <summary>What leads a program to them: variables of its environment.</summary>
    IReadOnlyDictionary<string, string?> Environment { get; }

    /// <summary>What leads a container to a copy: the volumes that it gets in the place of its own, by their paths in it.</summary>
    IReadOnlyDictionary<string, string> Mounts { get; }

    /// <summary>Why no copy can be made to which a migration is led; null where one can.</summary>
    string? WhyNoCopy { get; }

    /// <summary>The revision of their schema.</summary>
    /// <exception cref="BackupException">They are not there, or cannot be read.</exception>
    Task<SchemaRevision> RevisionAsync(CancellationToken cancellationToken);

    /// <summary>What a backup of them takes: one restore point.</summary>
    BackupIntent Intent { get; }

    /// <summary>Who holds locks that a migration would wait for; null where nobody does.</summary>
    Task<string?> FindHolderAsync(CancellationToken cancellationToken);

    /// <summary>What their engine finds wrong with them; null where they are sound.</summary>
    Task<string?> FindDamageAsync(CancellationToken cancellationToken);

    /// <summary>The first value that a query gives; null where it gives nothing.</summary>
    Task<object?> QueryScalarAsync(string sql, CancellationToken cancellationToken);

    /// <summary>Restores a backup of them beside; disposing removes that copy.</summary>
    Task<IUpgradeTarget> CopyAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Removes copies of runs that were killed, as far as somebody else would meet them.</summary>
    /// <exception cref="BackupException">That cannot be done now.</exception>
    Task SweepAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>What gives them back the state of a backup.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="keepsPresent">Whether what is there now is kept: an application has worked on it.</param>
    RestoreRequest RestoreOf(Backup backup, bool keepsPresent);
}
