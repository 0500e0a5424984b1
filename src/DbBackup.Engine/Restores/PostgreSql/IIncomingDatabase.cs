using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>A database that is about to get the name that applications use.</summary>
internal interface IIncomingDatabase : IAsyncDisposable
{
    /// <summary>The name that it gets.</summary>
    string Name { get; }

    /// <summary>The schema revision of what has the name now.</summary>
    string? PresentRevision { get; }

    /// <summary>The entry for which it was kept so far; null for a new one.</summary>
    Guid? KeptFor { get; }

    /// <summary>How far it proved itself.</summary>
    BackupStatus Status { get; }

    /// <summary>What it lacks or has otherwise than the backup recorded; the user allowed it.</summary>
    IReadOnlyList<string> Differences => [];

    /// <summary>Makes it ready under another name; <paramref name="maintenance"/> holds the lock of its target.</summary>
    /// <returns>That other name.</returns>
    Task<string> StageAsync(PostgreSqlSession maintenance, RestoreStage stage, CancellationToken cancellationToken);

    /// <summary>It has its name, and everything else of the restore is in place.</summary>
    Task CompleteAsync();

    /// <summary>It has its name now (and is not removed when disposed), or has its other name again.</summary>
    void InPlace(bool value);
}
