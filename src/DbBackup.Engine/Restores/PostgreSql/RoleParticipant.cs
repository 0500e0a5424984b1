using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>The roles that databases of a restore need and the server does not have. They stay: nothing is replaced by them.</summary>
internal sealed class RoleParticipant(PostgreSqlConnectionSettings server, IReadOnlyList<string> roles, BackupContent content) : IRestoreParticipant
{
    public RestoreOrder Order => RestoreOrder.Server;

    public BackupStatus? Status => null;

    // In one transaction, and before anything else: the databases' objects will belong to them.
    public async Task StageAsync(RestoreStage stage, CancellationToken cancellationToken)
    {
        Payload globals = content.Manifest.Payloads.First(payload => payload.Kind == PayloadKind.Globals);
        string script = RoleScript.For(await ReadAsync(content, globals, cancellationToken).ConfigureAwait(false), roles);
        PostgreSqlClient client = await PostgreSqlClients.ForArchiveAsync(server.Route, null, null, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
        using var text = new MemoryStream(Encoding.UTF8.GetBytes(script));
        await new DatabaseLoad(server, maintenance.Database, client, new DatabaseLoadOptions()).FromTextAsync(text, inOneTransaction: true, cancellationToken).ConfigureAwait(false);
    }

    public Task<PresentState> HoldAsync(CancellationToken cancellationToken) => Task.FromResult(PresentState.None);

    public Task SwapAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task UndoAsync(Backup? safety) => Task.CompletedTask;

    public Task CompleteAsync() => Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Reads the script of a server's roles.</summary>
    internal static async Task<string> ReadAsync(BackupContent content, Payload globals, CancellationToken cancellationToken)
    {
        using var text = new MemoryStream();
        using PayloadReader reader = content.OpenOriginal(globals, cancellationToken);
        await reader.CopyToAsync(text, cancellationToken).ConfigureAwait(false);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}
