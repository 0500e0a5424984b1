using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.Sqlite;

namespace DbBackup.Engine.Engines;

/// <summary>Tells at which revision of their schemas databases are, live ones and those in backups.</summary>
public static class SchemaRevisions
{
    /// <summary>The revision of a SQLite file that may be in use.</summary>
    /// <exception cref="BackupException">The file is missing, no database, or locked for longer than the time given.</exception>
    public static SchemaRevision OfSqlite(string path, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        SqliteSource.RequireDatabaseFile(path);
        using SqliteDatabase database = SqliteDatabase.OpenLive(path, lockTimeout, cancellationToken);
        return new SchemaRevision { Target = path, Engine = SqliteSource.EngineName, Revision = SqliteFingerprint.SchemaRevision(database) };
    }

    /// <summary>The revision of a server's database.</summary>
    /// <exception cref="BackupException">The server does not answer, refuses the role, or has no such database.</exception>
    public static async Task<SchemaRevision> OfPostgreSqlAsync(PostgreSqlConnectionSettings server, string database, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(server);
        return new SchemaRevision
        {
            Target = server.LocationOf(database),
            Engine = PostgreSqlSource.EngineName,
            Database = database,
            Revision = await PostgreSqlServer.SchemaRevisionAsync(server, database, cancellationToken).ConfigureAwait(false),
        };
    }

    /// <summary>The revisions of the databases in a backup, from its manifest.</summary>
    public static IReadOnlyList<SchemaRevision> OfBackup(Backup backup, Manifest manifest)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(manifest);
        if (manifest.Kept is { } kept)
            return [new SchemaRevision { Target = backup.ToString(), Engine = manifest.Source.Engine, Database = kept.Replaced, Revision = kept.SchemaRevision }];
        return
        [
            .. manifest.Payloads.Where(payload => payload.Kind == PayloadKind.Database).Select(payload => new SchemaRevision
            {
                Target = backup.ToString(),
                Engine = manifest.Source.Engine,
                Database = payload.Database?.Name ?? payload.RestoreName,
                Revision = payload.SchemaRevision,
            }),
        ];
    }
}
