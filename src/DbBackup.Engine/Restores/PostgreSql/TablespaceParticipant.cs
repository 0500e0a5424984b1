using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>The tablespaces that databases of a restore need and the server does not have. They stay, as roles do.</summary>
internal sealed class TablespaceParticipant(PostgreSqlConnectionSettings server, IReadOnlyList<DumpedTablespace> tablespaces) : IRestoreParticipant
{
    private const string Looking = "looking at the server's folders";

    public RestoreOrder Order => RestoreOrder.Server;

    public BackupStatus? Status => null;

    /// <summary>The tablespaces that can be created: the server has their folders, which are empty, and the role may use them.</summary>
    public static async Task<IReadOnlyList<DumpedTablespace>> CreatableAsync(PostgreSqlSession maintenance, IEnumerable<DumpedTablespace> tablespaces, CancellationToken cancellationToken)
    {
        if (!await PostgreSqlTarget.IsSuperuserAsync(maintenance, cancellationToken).ConfigureAwait(false))
            return [];
        var creatable = new List<DumpedTablespace>();
        foreach (DumpedTablespace tablespace in tablespaces)
        {
            if (await maintenance.IsTrueAsync("SELECT isdir FROM pg_stat_file($1, true)", Looking, cancellationToken, tablespace.Location).ConfigureAwait(false)
                && await IsEmptyAsync(maintenance, tablespace.Location, cancellationToken).ConfigureAwait(false))
                creatable.Add(tablespace);
        }

        return creatable;
    }

    // CREATE TABLESPACE runs in no transaction.
    public async Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
        foreach (DumpedTablespace tablespace in tablespaces)
        {
            await maintenance.ExecuteAsync(
                $"CREATE TABLESPACE {PostgreSqlSession.Quote(tablespace.Name)} OWNER {PostgreSqlSession.Quote(tablespace.Owner)} LOCATION {PostgreSqlSession.Literal(tablespace.Location)}",
                $"creating the tablespace '{tablespace.Name}'",
                cancellationToken).ConfigureAwait(false);
            foreach (string statement in tablespace.Statements)
                await maintenance.ExecuteAsync(statement, $"creating the tablespace '{tablespace.Name}'", cancellationToken).ConfigureAwait(false);
        }
    }

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken) => Task.FromResult(PresentState.None);

    public Task SwapAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task UndoAsync(Backup? safety) => Task.CompletedTask;

    public Task CompleteAsync() => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // A folder that the server's user may not read is none in which it could write.
    private static async Task<bool> IsEmptyAsync(PostgreSqlSession maintenance, string folder, CancellationToken cancellationToken)
    {
        try
        {
            return await maintenance.IsTrueAsync("SELECT count(*) = 0 FROM pg_ls_dir($1, true, false)", Looking, cancellationToken, folder).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.PermissionDenied or ErrorCodes.ServerFailed)
        {
            return false;
        }
    }
}
