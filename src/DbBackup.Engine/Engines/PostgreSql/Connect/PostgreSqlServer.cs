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
