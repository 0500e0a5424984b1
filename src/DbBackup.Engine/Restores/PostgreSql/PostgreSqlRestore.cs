using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>The restore to PostgreSQL servers, as the rest of the restores sees it.</summary>
internal sealed class PostgreSqlRestore : IServerRestore
{
    public string Engine => PostgreSqlSource.EngineName;

    public Task<RestorePart> PlanAsync(
        BackupRepository repository, RestoreRequest request, bool changeNothing, IOperationObserver observer, CancellationToken cancellationToken) =>
        PostgreSqlRestorePlanner.PlanAsync(repository, request, changeNothing, observer, cancellationToken);

    public Task<RestorePart> PlanKeptAsync(BackupRepository repository, RestoreRequest request, IReadOnlyList<Backup> entries, CancellationToken cancellationToken) =>
        RetainedDatabasePlanner.PlanAsync(repository, request, entries, cancellationToken);

    // A rename leaves a database's identity as it is: its name tells whether the server committed.
    public async Task<bool> IsCommittedAsync(CommitPoint commit, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(connection with { Database = null }, commit.Location, commit.Username, known: null, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
        string? name = await maintenance.TextAsync(
            "SELECT datname::text FROM pg_database WHERE oid::bigint = $1", "looking for a killed restore's database", cancellationToken, commit.ObjectId!.Value).ConfigureAwait(false);
        return name is not null && name == PostgreSqlConnectionSettings.DatabaseOf(commit.Location);
    }
}
