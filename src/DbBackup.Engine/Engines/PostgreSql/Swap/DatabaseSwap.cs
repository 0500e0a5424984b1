using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Swap;

/// <summary>Puts one database in the place of another by their names.</summary>
internal static class DatabaseSwap
{
    private const string Swapping = "putting the database in place";
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Gives databases the names of others, and those other names: all in one transaction, so that at every moment each name answers
    /// with one whole state, and a death in between changes nothing. The rename takes the server's lock on the database, for which new
    /// connections wait; sessions that exist are terminated meanwhile.
    /// </summary>
    /// <param name="maintenance">A session in the maintenance database.</param>
    /// <param name="renames">What gets which name.</param>
    /// <param name="cancellationToken">Stops the work before it is committed.</param>
    /// <returns>How long new connections waited.</returns>
    /// <exception cref="BackupException">Sessions will not leave; everything is as it was.</exception>
    public static async Task<TimeSpan> RunAsync(PostgreSqlSession maintenance, IReadOnlyList<DatabaseRename> renames, CancellationToken cancellationToken)
    {
        var window = System.Diagnostics.Stopwatch.StartNew();
        using PostgreSqlSession ender = await PostgreSqlSession.OpenAsync(maintenance.Server, maintenance.Database, cancellationToken).ConfigureAwait(false);
        using var renamed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await maintenance.ExecuteAsync("BEGIN", Swapping, cancellationToken).ConfigureAwait(false);
        string current = renames[0].Name;
        try
        {
            Task ending = EndSessionsUntilAsync(ender, [.. renames.SelectMany(each => each.Kept is null ? [each.Next] : (string[])[each.Name, each.Next])], renamed.Token);
            try
            {
                foreach (DatabaseRename rename in renames)
                {
                    current = rename.Name;
                    if (rename.Kept is not null)
                    {
                        await RenameAsync(maintenance, rename.Name, rename.Kept, cancellationToken).ConfigureAwait(false);
                        await KeptMark.SetAsync(maintenance, rename.Kept, rename.KeptMark, cancellationToken).ConfigureAwait(false);
                    }

                    await RenameAsync(maintenance, rename.Next, rename.Name, cancellationToken).ConfigureAwait(false);
                    await KeptMark.SetAsync(maintenance, rename.Name, rename.NameMark, cancellationToken).ConfigureAwait(false);
                }
            }
            finally
            {
                await renamed.CancelAsync().ConfigureAwait(false);
                await ending.ConfigureAwait(false);
            }

            // From here on it is done or not done, never half.
            await maintenance.ExecuteAsync("COMMIT", Swapping, CancellationToken.None).ConfigureAwait(false);
            return window.Elapsed;
        }
        catch (BackupException failure)
        {
            await RollBackAsync(maintenance).ConfigureAwait(false);
            if (failure.Code != ErrorCodes.TargetInUse)
                throw;
            string sessions = await DescribeSessionsAsync(ender, current, CancellationToken.None).ConfigureAwait(false);
            throw new BackupFailure(
                ErrorCodes.TargetInUse,
                FailureCategory.Busy,
                $"The database '{current}' could not be replaced, because sessions in it do not end: {sessions}. It is as it was.",
                "Stop the application, or use a role that can terminate these sessions (a superuser, or one with pg_signal_backend), and restore again.",
                failure)
            { Target = maintenance.Server.LocationOf(current), CanRetry = true };
        }
        catch
        {
            await RollBackAsync(maintenance).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends all other sessions of a database that the role may end.</summary>
    public static async Task EndSessionsAsync(PostgreSqlSession session, string database, CancellationToken cancellationToken) =>
        await session.ExecuteAsync(
            $"""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity a
            WHERE datname = {PostgreSqlSession.Literal(database)} AND pid <> pg_backend_pid()
              AND (pg_has_role(usesysid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER'))
              AND (NOT EXISTS (SELECT 1 FROM pg_roles r WHERE r.oid = a.usesysid AND r.rolsuper) OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))
            """,
            "ending sessions",
            cancellationToken).ConfigureAwait(false);

    /// <summary>Who is connected to a database, in words; empty for nobody.</summary>
    /// <param name="session">The session that asks, which does not count.</param>
    /// <param name="database">The database.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <param name="own">Sessions of this run that have ended or will, by their process ids: the server may list them for a moment longer.</param>
    public static async Task<string> DescribeSessionsAsync(PostgreSqlSession session, string database, CancellationToken cancellationToken, params int[] own)
    {
        List<string> sessions = await session.RowsAsync(
            """
            SELECT format('process %s of %s (%s%s)', pid, coalesce(usename, 'the server'), coalesce(nullif(application_name, ''), backend_type),
                          coalesce(' from ' || host(client_addr), '')) FROM pg_stat_activity
            WHERE datname = $1 AND pid <> pg_backend_pid() AND pid <> ALL ($2) ORDER BY backend_start LIMIT 5
            """,
            row => row.GetString(0),
            "listing sessions",
            cancellationToken,
            database,
            own).ConfigureAwait(false);
        long prepared = await session.NumberAsync("SELECT count(*) FROM pg_prepared_xacts WHERE database = $1", "listing sessions", cancellationToken, database).ConfigureAwait(false);
        if (prepared > 0)
            sessions.Add(string.Create(CultureInfo.InvariantCulture, $"{prepared} prepared transactions (COMMIT or ROLLBACK PREPARED ends them)"));
        return string.Join("; ", sessions);
    }

    private static Task RenameAsync(PostgreSqlSession maintenance, string from, string to, CancellationToken cancellationToken) =>
        maintenance.ExecuteAsync($"ALTER DATABASE {PostgreSqlSession.Quote(from)} RENAME TO {PostgreSqlSession.Quote(to)}", Swapping, cancellationToken);

    // The rename waits five seconds for the sessions that are there (CountOtherDBBackends in the server's procarray.c).
    private static async Task EndSessionsUntilAsync(PostgreSqlSession ender, string[] databases, CancellationToken done)
    {
        try
        {
            while (!done.IsCancellationRequested)
            {
                foreach (string database in databases)
                    await EndSessionsAsync(ender, database, CancellationToken.None).ConfigureAwait(false);
                await Task.Delay(BetweenAttempts, done).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Renamed.
        }
        catch (BackupException)
        {
            // The rename itself says what is in its way.
        }
    }

    private static async Task RollBackAsync(PostgreSqlSession maintenance)
    {
        try
        {
            await maintenance.ExecuteAsync("ROLLBACK", Swapping, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // With the connection gone, the server rolls back by itself.
        }
    }
}

/// <summary>A database that gets the name of another.</summary>
/// <param name="Name">The name that applications use.</param>
/// <param name="Next">The database that gets it.</param>
/// <param name="Kept">The name for the present one; null if there is none.</param>
internal sealed record DatabaseRename(string Name, string Next, string? Kept)
{
    /// <summary>The entry for which the present database is kept; null for none.</summary>
    public Guid? KeptMark { get; init; }

    /// <summary>The entry for which the database that gets the name was kept so far; null for none.</summary>
    public Guid? NextMark { get; init; }

    /// <summary>The entry for which what gets the name is kept; null, but where a rename takes the name of a kept database back.</summary>
    public Guid? NameMark { get; init; }

    /// <summary>The rename that takes this one back.</summary>
    public DatabaseRename Reverse => Kept is null
        ? new(Next, Name, null) { NameMark = NextMark }
        : new(Name, Kept, Next) { KeptMark = NextMark, NextMark = KeptMark };
}
