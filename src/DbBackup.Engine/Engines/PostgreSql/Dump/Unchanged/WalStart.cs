using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;

/// <summary>
/// The place in the server's write-ahead log behind which everything stands that a snapshot does not show, taken before the snapshot. From
/// version 17 on a server may keep summaries of its log, which name the blocks that were written (<c>summarize_wal</c>).
/// </summary>
/// <param name="Lsn">Bytes from the log's beginning.</param>
internal sealed record WalStart(long Lsn)
{
    // https://www.postgresql.org/docs/release/17.0/
    private const int FirstServer = 17;

    // Each transaction that has written holds this lock on itself to its end, prepared ones too.
    private const string Writing = "FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted";
    private const string Looking = "looking for summaries of the log";
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(20);

    /// <summary>Takes the place, if the server's summaries can be used.</summary>
    /// <param name="session">A session outside any transaction.</param>
    /// <param name="longest">
    /// How long to wait for the transactions that have written already: what they wrote stands before the place, and the snapshot would not show it.
    /// </param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>The place; or null, and why if the server keeps summaries.</returns>
    public static async Task<(WalStart? Start, string? Reason)> TakeAsync(PostgreSqlSession session, TimeSpan longest, CancellationToken cancellationToken)
    {
        if (session.ServerMajor < FirstServer || session.IsPooled
            || !await session.IsTrueAsync("SELECT current_setting('summarize_wal')::boolean AND NOT pg_is_in_recovery()", Looking, cancellationToken).ConfigureAwait(false))
            return (null, null);
        if (!await session.IsTrueAsync("SELECT pg_has_role('pg_checkpoint', 'USAGE')", Looking, cancellationToken).ConfigureAwait(false))
            return (null, $"the role '{session.Server.Username}' may not end a summary of the server's log (GRANT pg_checkpoint TO {PostgreSqlSession.Quote(session.Server.Username)})");
        long lsn = await session.NumberAsync("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint", Looking, cancellationToken).ConfigureAwait(false);
        long[] writers = [.. await session.RowsAsync($"SELECT transactionid::text::bigint {Writing}", row => row.GetInt64(0), Looking, cancellationToken).ConfigureAwait(false)];
        for (long end = Environment.TickCount64 + (long)longest.TotalMilliseconds; ;)
        {
            if (writers.Length == 0 || !await session.IsTrueAsync($"SELECT EXISTS (SELECT 1 {Writing} AND transactionid::text::bigint = ANY ($1))", Looking, cancellationToken, writers).ConfigureAwait(false))
                return (new WalStart(lsn), null);
            if (Environment.TickCount64 >= end)
                return (null, "a transaction is open that has written something");
            await Task.Delay(s_betweenLooks, cancellationToken).ConfigureAwait(false);
        }
    }
}
