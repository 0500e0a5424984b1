using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>The roles that databases of a restore need and the server does not have. They stay: nothing is replaced by them.</summary>
internal sealed class RoleParticipant(PostgreSqlConnectionSettings server, IReadOnlyList<string> roles, BackupContent content) : IRestoreParticipant
{
    private const string Creating = "creating roles";

    public RestoreOrder Order => RestoreOrder.Server;

    public BackupStatus? Status => null;

    // In one transaction, and before anything else: the databases' objects will belong to them. Each statement goes to the server by itself.
    public async Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        Payload globals = content.Manifest.Payloads.First(payload => payload.Kind == PayloadKind.Globals);
        RoleScript script = await ReadAsync(content, globals, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
        await maintenance.ExecuteAsync("BEGIN", Creating, cancellationToken).ConfigureAwait(false);
        foreach (RoleStatement statement in script.For(roles))
            await maintenance.ExecuteAsync(statement.Sql, $"creating the role '{statement.Role}'", cancellationToken).ConfigureAwait(false);
        await maintenance.ExecuteAsync("COMMIT", Creating, CancellationToken.None).ConfigureAwait(false);
    }

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken) => Task.FromResult(PresentState.None);

    public Task SwapAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task UndoAsync(Backup? safety) => Task.CompletedTask;

    public Task CompleteAsync() => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Reads the script of a server's roles.</summary>
    internal static async Task<RoleScript> ReadAsync(BackupContent content, Payload globals, CancellationToken cancellationToken)
    {
        using PayloadReader reader = content.OpenOriginal(globals, cancellationToken);
        return await RoleScript.ReadAsync(reader, cancellationToken).ConfigureAwait(false);
    }
}
