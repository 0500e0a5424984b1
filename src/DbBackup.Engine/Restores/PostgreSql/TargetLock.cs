using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>Lets one restore at a time work on a database of a server: a lock of the server's own, which ends with the session.</summary>
internal static class TargetLock
{
    /// <summary>Takes the lock for as long as the session lives.</summary>
    /// <exception cref="BackupException">Another restore has it.</exception>
    public static async Task TakeAsync(PostgreSqlSession maintenance, string database, CancellationToken cancellationToken)
    {
        if (await maintenance.IsTrueAsync(
            "SELECT pg_try_advisory_lock(hashtextextended($1, 1))", "taking the restore's lock", cancellationToken, "DbBackup restore of " + database).ConfigureAwait(false))
        {
            return;
        }

        throw new BackupFailure(
            ErrorCodes.TargetInUse,
            FailureCategory.Busy,
            $"Another restore works on the database '{database}' of this server. Nothing was changed.",
            "Wait until it has ended; pg_stat_activity shows it as the application DbBackup.")
        { Target = maintenance.Server.LocationOf(database), CanRetry = true };
    }
}
