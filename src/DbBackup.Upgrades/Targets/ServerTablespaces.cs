using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades.Targets;

/// <summary>The tablespaces of a server, and their folders.</summary>
internal static class ServerTablespaces
{
    /// <summary>The names of a server's tablespaces, but for its own two.</summary>
    public const string NamesSql = "SELECT spcname::text " + From;

    private const string From = "FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY 1";
    private const string Action = "looking at the tablespaces";

    /// <summary>The tablespaces of a server and their folders.</summary>
    public static Task<List<(string Name, string Folder)>> FoldersAsync(PostgreSqlSession session, CancellationToken cancellationToken) => session.RowsAsync(
        "SELECT spcname::text, pg_tablespace_location(oid) " + From, row => (row.GetString(0), row.GetString(1)), Action, cancellationToken);

    /// <summary>Fails if a server lacks tablespaces of another one: a restore would have put their tables elsewhere.</summary>
    /// <exception cref="BackupException">It lacks some.</exception>
    public static async Task RequireAllAsync(PostgreSqlSession old, PostgreSqlSession session, CancellationToken cancellationToken)
    {
        string[] missing =
        [
            .. (await old.RowsAsync(NamesSql, row => row.GetString(0), Action, cancellationToken).ConfigureAwait(false))
                .Except(await session.RowsAsync(NamesSql, row => row.GetString(0), Action, cancellationToken).ConfigureAwait(false)),
        ];
        if (missing.Length > 0)
        {
            throw new BackupFailure(
                ErrorCodes.TargetLacksObjects, FailureCategory.NotFound, $"The new server could not be given the tablespaces {string.Join(", ", missing)}.", "Look into the new server's log for the reason.")
            { Target = session.Server.LocationOf(null) };
        }
    }
}
