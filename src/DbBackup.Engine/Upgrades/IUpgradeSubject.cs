using DbBackup.Engine.Repositories;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Sources;

namespace DbBackup.Engine.Upgrades;

/// <summary>A database that is upgraded, or the copy of it on which that is rehearsed.</summary>
internal interface IUpgradeSubject : IAsyncDisposable
{
    /// <summary>Where it is.</summary>
    string Location { get; }

    /// <summary>What leads a program to it.</summary>
    IReadOnlyDictionary<string, string?> Environment { get; }

    /// <summary>How large it is, in bytes.</summary>
    Task<long> SizeAsync(CancellationToken cancellationToken);

    /// <summary>The revision of its schema.</summary>
    /// <exception cref="BackupException">It is not there, or cannot be read.</exception>
    Task<SchemaRevision> RevisionAsync(CancellationToken cancellationToken);

    /// <summary>It as the source of a backup.</summary>
    IBackupSource Source { get; }

    /// <summary>What its engine finds wrong with it; null where it is sound.</summary>
    Task<string?> FindDamageAsync(CancellationToken cancellationToken);

    /// <summary>The first value that a query gives; null where it gives nothing.</summary>
    Task<object?> AskAsync(string sql, CancellationToken cancellationToken);

    /// <summary>Restores a backup of it beside; disposing removes that copy.</summary>
    Task<IUpgradeSubject> CopyAsync(Backup backup, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>What gives it back the state of a backup.</summary>
    RestoreRequest RestoreOf(Backup backup);
}
