using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Facts;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>What a server holds, for those who name databases by wildcards, or all of them.</summary>
public static class PostgreSqlServer
{
    /// <summary>Works out where a server is, in a container too.</summary>
    /// <param name="request">What a person said.</param>
    /// <param name="cancellationToken">Stops the search for the container.</param>
    /// <exception cref="BackupException">A part cannot be used, or there is no such container, or it does not run.</exception>
    public static Task<PostgreSqlConnectionSettings> ResolveAsync(PostgreSqlConnectionRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return PostgreSqlTarget.ResolveAsync(request, null, null, cancellationToken);
    }

    /// <summary>The databases that applications use: no templates, and none that a restore has kept.</summary>
    /// <exception cref="BackupException">The server does not answer, or refuses the role.</exception>
    public static async Task<IReadOnlyList<string>> DatabasesAsync(PostgreSqlConnectionSettings server, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        using PostgreSqlSession session = await PostgreSqlSession.OpenMaintenanceAsync(server, server.Database, cancellationToken).ConfigureAwait(false);
        return await PostgreSqlTarget.DatabasesAsync(session, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The databases of a whole server, with <c>template1</c> if it has tables, which new databases get.</summary>
    /// <param name="server">The server and role.</param>
    /// <param name="observer">Hears which databases are left out because nobody may connect to them.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">The server does not answer, or refuses the role.</exception>
    public static async Task<IReadOnlyList<string>> WholeServerAsync(PostgreSqlConnectionSettings server, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentNullException.ThrowIfNull(observer);
        using PostgreSqlSession session = await PostgreSqlSession.OpenMaintenanceAsync(server, server.Database, cancellationToken).ConfigureAwait(false);
        List<string> closed = await session.RowsAsync(
            "SELECT datname::text FROM pg_database WHERE NOT datallowconn AND datname <> 'template0' ORDER BY 1", row => row.GetString(0), "looking for databases", cancellationToken).ConfigureAwait(false);
        foreach (string name in closed)
            observer.Warning($"The database '{name}' is not in this backup, because it allows no connections (ALTER DATABASE {PostgreSqlSession.Quote(name)} ALLOW_CONNECTIONS true).");
        List<string> names = await PostgreSqlTarget.DatabasesAsync(session, cancellationToken).ConfigureAwait(false);
        if (await HasTablesAsync(server, cancellationToken).ConfigureAwait(false))
            names.Add(TemplateOfNew);
        return names;
    }

    private const string TemplateOfNew = "template1";

    private static async Task<bool> HasTablesAsync(PostgreSqlConnectionSettings server, CancellationToken cancellationToken)
    {
        try
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, TemplateOfNew, cancellationToken).ConfigureAwait(false);
            return (await PostgreSqlCatalog.TablesAsync(session, cancellationToken).ConfigureAwait(false)).Count > 0;
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.SourceNotFound or ErrorCodes.PermissionDenied or ErrorCodes.AuthenticationFailed or ErrorCodes.ServerFailed)
        {
            return false;
        }
    }

    /// <summary>Reads the schema revision of a live database.</summary>
    /// <exception cref="BackupException">The server does not answer, refuses the role, or has no such database.</exception>
    public static async Task<SchemaRevision> SchemaRevisionAsync(PostgreSqlConnectionSettings server, string database, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database, cancellationToken).ConfigureAwait(false);
        return new SchemaRevision
        {
            Target = server.LocationOf(database),
            Engine = PostgreSqlSource.EngineName,
            Database = database,
            Revision = await PostgreSqlCatalog.SchemaRevisionAsync(session, cancellationToken).ConfigureAwait(false),
        };
    }
}
