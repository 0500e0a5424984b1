using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>Says what a failure of pg_dump, pg_restore or psql means, and what to do about it.</summary>
internal static class DumpFailures
{
    /// <summary>The failure for a program's exit code and words.</summary>
    public static async Task<BackupException> ExplainAsync(
        PostgreSqlConnectionSettings server, string? database, string tool, int exitCode, string words, CancellationToken cancellationToken)
    {
        string target = server.LocationOf(database);
        if (Says(words, "lock timeout"))
            return await LockedAsync(server, database!, $"{tool} gave up: {FirstError(words)}", null, cancellationToken).ConfigureAwait(false);

        if (Says(words, PostgreSqlFailures.PoolerRefusal))
            return Pooler.Failure(server, database, $"it refuses what {tool} asks for ({FirstError(words).TrimEnd('.')})");

        (string Code, FailureCategory Category, string Hint, bool Retry)? known =
            Says(words, "row-level security") ? (ErrorCodes.PermissionDenied, FailureCategory.PermissionDenied, "Row-level security hides rows from this role, and a backup without them would not be whole: use the owner, a superuser, or a role with BYPASSRLS.", false)
            : Says(words, "permission denied for large object") ? (ErrorCodes.PermissionDenied, FailureCategory.PermissionDenied, LargeObjectHint(server.Username), false)
            : Says(words, "permission denied") || Says(words, "must be owner") || Says(words, "must be superuser") ? (ErrorCodes.PermissionDenied, FailureCategory.PermissionDenied, "Use a role that may: for backups one with pg_read_all_data (GRANT pg_read_all_data TO …), for restores the owner or a superuser.", false)
            : Says(words, "other objects depend on it") ? (ErrorCodes.TargetInvalid, FailureCategory.Refused, "Nothing was changed. Restore the part into another database (-Database NEWNAME) and copy the rows from there, or restore the whole database.", false)
            : Says(words, "violates foreign key constraint") ? (ErrorCodes.TargetInvalid, FailureCategory.InvalidData, "Nothing was changed. Rows elsewhere refer to rows that the backup does not have: restore those tables too, or the whole database.", false)
            : Says(words, "could not obtain lock on relation") ? (ErrorCodes.SourceLocked, FailureCategory.Busy, "Another session waits to empty or change that table, which a job of a parallel dump cannot wait for. Try again, or dump it as one stream: -Format Custom.", true)
            : Says(words, "server version mismatch") ? (ErrorCodes.ClientTooOld, FailureCategory.MissingTool, "Install client programs that are not older than the server.", false)
            : Says(words, "no matching") ? (ErrorCodes.SourceNotFound, FailureCategory.NotFound, "Check the names given with -Schema and -Table; letters' case counts, and * and ? are wildcards.", false)
            : Says(words, "No space left") || Says(words, "could not extend file") ? (ErrorCodes.NotEnoughSpace, FailureCategory.NoSpace, "Free some room on the server's disk; what was there before is unchanged.", false)
            : s_tooLong.Any(part => Says(words, part)) ? (ErrorCodes.SourceUnreadable, FailureCategory.NotSupported, TooLongHint, false)
            : Says(words, "out of shared memory") ? (ErrorCodes.ServerFailed, FailureCategory.ReadError, "Raise max_locks_per_transaction on the server: a dump locks every table.", false)
            : Says(words, "password authentication failed") || Says(words, "no password supplied") ? (ErrorCodes.AuthenticationFailed, FailureCategory.PermissionDenied, "Check user name and password.", false)
            : Says(words, "could not connect") || Says(words, "connection to server") || Says(words, "server closed the connection") || Says(words, "terminating connection")
              || Says(words, "no connection to the server") || Says(words, "SSL SYSCALL") || Says(words, "shutting down")
                ? (ErrorCodes.ServerUnreachable, FailureCategory.Busy, "The server was stopped or the connection was cut: see the server's log, and try again.", true)
            // Only where no job had said before why it ends, such as that the archive is damaged.
            : Says(FirstError(words), "process died unexpectedly") ? (ErrorCodes.ToolFailed, FailureCategory.ReadError, "One of its jobs was killed, perhaps for the memory that it took: try again, with fewer -Jobs.", true)
            : null;
        if (known is { } found)
            return new BackupFailure(found.Code, found.Category, $"{tool} failed on '{database}': {FirstError(words)}", found.Hint, new ToolFailedException(tool, exitCode, words, found.Hint)) { Target = target, CanRetry = found.Retry };
        return new ToolFailedException(tool, exitCode, words, $"Read {tool}'s output; nothing was kept.");
    }

    // palloc of a value's text (a bytea has two letters a byte), and the buffer of a row, before and since version 18.
    private static readonly string[] s_tooLong = ["invalid memory alloc request size", "Cannot enlarge string buffer", "string buffer exceeds maximum allowed length"];

    private const string TooLongHint =
        "A row of this table has over 1 GB as text, which PostgreSQL cannot send to any program. Leave the table's rows out (-ExcludeTableData TABLE) and save its longest values by themselves"
        + " (in pieces: substring), or move them into large objects, which are backed up at any length.";

    /// <summary>What lets a role read large objects, which have privileges of their own.</summary>
    public static string LargeObjectHint(string role) =>
        $"Use their owner (GRANT owner TO {PostgreSqlSession.Quote(role)}) or a superuser, or grant each in psql: SELECT format('GRANT SELECT ON LARGE OBJECT %s TO {PostgreSqlSession.Quote(role)}', oid) FROM pg_largeobject_metadata \\gexec, as their owner.";

    /// <summary>The failure for a lock that was not released in time, with who holds it.</summary>
    public static async Task<BackupFailure> LockedAsync(
        PostgreSqlConnectionSettings server, string database, string finding, Exception? cause, CancellationToken cancellationToken)
    {
        string holders = await LockHoldersAsync(server, database, cancellationToken).ConfigureAwait(false);
        return new BackupFailure(
            ErrorCodes.SourceLocked,
            FailureCategory.Busy,
            $"A table of '{database}' is locked: {finding}{holders}",
            "Wait for the migration or maintenance that holds the lock, or give it more time with -LockTimeout.",
            cause)
        { Target = server.LocationOf(database), CanRetry = true };
    }

    // "pg_dump: error: query failed: ERROR:  permission denied for table x": the words after the program's own, on one line.
    internal static string FirstError(string words)
    {
        string[] lines = [.. words.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];
        string first = Array.Find(lines, line => line.Contains("ERROR:", StringComparison.Ordinal) || line.Contains("FATAL:", StringComparison.Ordinal))
            ?? Array.Find(lines, line => line.Contains("error:", StringComparison.Ordinal)) ?? lines.FirstOrDefault() ?? "it gave no reason";
        string? detail = Array.Find(lines, line => line.StartsWith("DETAIL:", StringComparison.Ordinal));
        return first.TrimEnd('.') + "." + (detail is null ? string.Empty : " " + detail["DETAIL:".Length..].Trim().TrimEnd('.') + ".");
    }

    private static async Task<string> LockHoldersAsync(PostgreSqlConnectionSettings server, string? database, CancellationToken cancellationToken)
    {
        try
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database!, cancellationToken).ConfigureAwait(false);
            List<string> holders = await session.RowsAsync(
                """
                SELECT format('process %s of %s (%s, %s for %s s) holds %s', a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'no application name'), a.state,
                              round(extract(epoch FROM now() - a.xact_start)), l.relation::regclass)
                FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' AND a.pid <> pg_backend_pid()
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.relation >= 16384
                ORDER BY a.xact_start LIMIT 3
                """,
                row => row.GetString(0),
                "looking for the lock's holder",
                cancellationToken).ConfigureAwait(false);
            return holders.Count == 0 ? string.Empty : " " + string.Join("; ", holders) + ".";
        }
        catch (BackupException)
        {
            // The reason itself is told; who is behind it would only have been a help.
            return string.Empty;
        }
    }

    private static bool Says(string words, string part) => words.Contains(part, StringComparison.OrdinalIgnoreCase);
}
