using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>A PostgreSQL server that is in use, with which backups are compared.</summary>
/// <param name="server">The server and role.</param>
/// <param name="isOfText">True if a connection string names it.</param>
internal sealed class LivePostgreSqlServer(PostgreSqlConnectionSettings server, bool isOfText) : ILiveServer
{
    /// <inheritdoc/>
    public string Location => server.LocationOf(null);

    /// <inheritdoc/>
    public string? Database => isOfText ? server.Database : null;

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken) => PostgreSqlServer.DatabasesAsync(server, cancellationToken);

    /// <inheritdoc/>
    public ILiveDatabase Open(string database, TimeSpan lockTimeout) =>
        new LivePostgreSqlDatabase(new PostgreSqlSource(server, database, new PostgreSqlDumpOptions { LockTimeout = lockTimeout, AllowEmpty = true }));

    /// <inheritdoc/>
    public async Task<SchemaDefinitions?> ReadGlobalsAsync(CancellationToken cancellationToken)
    {
        var context = new CaptureContext(string.Empty, SilentObserver.Instance, string.Empty, FingerprintLevel.None, ThoroughCheck: false, _ => false);
        Capture capture = await new PostgreSqlGlobalsSource(server).CaptureAsync(context, cancellationToken).ConfigureAwait(false);
        using var script = new MemoryStream();
        await capture.Payloads[0].WriteTo!(script, new Progress<long>(), cancellationToken).ConfigureAwait(false);
        script.Position = 0;
        return ComparedSchema.OfRoles(await RoleScript.ReadAsync(script, cancellationToken).ConfigureAwait(false), capture.EngineVersion);
    }
}
