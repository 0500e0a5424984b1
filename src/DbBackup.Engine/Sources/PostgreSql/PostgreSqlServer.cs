namespace DbBackup.Engine.Sources.PostgreSql;

/// <summary>What a server holds, for those who name databases by wildcards, or all of them.</summary>
public static class PostgreSqlServer
{
    /// <summary>The databases that applications use: no templates, and none that a restore has kept.</summary>
    /// <exception cref="BackupException">The server does not answer, or refuses the role.</exception>
    public static async Task<IReadOnlyList<string>> DatabasesAsync(PostgreSqlConnectionSettings server, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        using PostgreSqlSession session = await PostgreSqlSession.OpenMaintenanceAsync(server, server.Database, cancellationToken).ConfigureAwait(false);
        return await PostgreSqlTarget.DatabasesAsync(session, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The schema revision of a live database.</summary>
    /// <returns>Null where nothing tells one; several heads with commas.</returns>
    public static async Task<string?> SchemaRevisionAsync(PostgreSqlConnectionSettings server, string database, CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database, cancellationToken).ConfigureAwait(false);
        return await PostgreSqlCatalog.SchemaRevisionAsync(session, cancellationToken).ConfigureAwait(false);
    }
}
