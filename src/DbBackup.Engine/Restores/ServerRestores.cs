using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores.PostgreSql;

namespace DbBackup.Engine.Restores;

/// <summary>How the databases of one engine's servers are restored. An engine knows no repositories and no restores: this is its half that does.</summary>
internal interface IServerRestore
{
    /// <summary>The name of the engine.</summary>
    string Engine { get; }

    /// <summary>Plans the restore of a backup's databases and of what belongs to their server.</summary>
    /// <exception cref="BackupException">It cannot be done.</exception>
    Task<RestorePart> PlanAsync(BackupRepository repository, RestoreRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Plans how kept databases of one server get their names back.</summary>
    /// <exception cref="BackupException">The server does not answer, or a database is gone.</exception>
    Task<RestorePart> PlanKeptAsync(BackupRepository repository, RestoreRequest request, IReadOnlyList<Backup> entries, CancellationToken cancellationToken);

    /// <summary>Asks a server whether a killed restore had committed its swap.</summary>
    /// <exception cref="BackupException">The server does not answer.</exception>
    Task<bool> IsCommittedAsync(CommitPoint commit, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken);
}

/// <summary>Finds how the databases of an engine's servers are restored: a line for each engine that has servers.</summary>
internal static class ServerRestores
{
    private static readonly IServerRestore[] s_all = [new PostgreSqlRestore()];

    /// <summary>The restore of the engine that wrote a backup's databases of servers; null if there are none in it.</summary>
    public static IServerRestore? Of(Manifest manifest) =>
        manifest.Payloads.FirstOrDefault(DatabaseEngines.IsOfServer) is { } payload ? Of(DatabaseEngines.Of(payload).Name) : null;

    /// <summary>The restore of an engine.</summary>
    /// <exception cref="BackupException">This version does not know it.</exception>
    public static IServerRestore Of(string engine) => Array.Find(s_all, each => each.Engine == engine) ?? throw new BackupFailure(
        ErrorCodes.ManifestTooNew,
        FailureCategory.NotSupported,
        $"Databases of the engine {engine} cannot be restored by this version of DbBackup.",
        "Update the DbBackup module on this machine, or restore by hand: RESTORE.txt in the backup's folder says how.")
    { Target = engine };
}
