using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;

/// <summary>By what a later backup knows which part of the server's write-ahead log it has to look at, and that it is the same log.</summary>
/// <param name="StartLsn">The place behind which all stands that the snapshot does not show (<see cref="WalStart"/>).</param>
/// <param name="EndLsn">A checkpoint behind the snapshot, at which one of the server's summaries ends and the next begins.</param>
/// <param name="Timeline">The log's timeline.</param>
/// <param name="System">The number that the server was given when it was made.</param>
/// <param name="Database">The database's number (oid) on it.</param>
internal sealed record WalMark(long StartLsn, long EndLsn, int Timeline, long System, long Database)
{
    private const string Marking = "marking the place in the server's log";

    // A server that was set back to an earlier moment writes another log with the same numbers. It has no checkpoint at just this place: how
    // much of the log is between is not to be foreseen, even where everything else happens again as it did before.
    private const int UnitBytes = 8;
    private const int MostUnits = 1 << 14;

    /// <summary>Marks the place behind a snapshot.</summary>
    /// <param name="session">A session outside any transaction, whose role may ask for a checkpoint.</param>
    /// <param name="start">The place before the snapshot.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The server refuses it.</exception>
    public static async Task<WalMark> TakeAsync(PostgreSqlSession session, WalStart start, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            string.Create(CultureInfo.InvariantCulture, $"SELECT pg_logical_emit_message(false, 'dbbackup', repeat('-', {UnitBytes * Random.Shared.Next(MostUnits)}))"), Marking, cancellationToken).ConfigureAwait(false);
        // What it has written is safe from a crash from here on, and the summaries go up to here.
        await session.ExecuteAsync("CHECKPOINT", Marking, cancellationToken).ConfigureAwait(false);
        List<WalMark> marks = await session.RowsAsync(
            """
            SELECT (c.redo_lsn - '0/0'::pg_lsn)::bigint, c.timeline_id, s.system_identifier, d.oid::bigint
            FROM pg_control_checkpoint() c, pg_control_system() s, pg_database d WHERE d.datname = current_database()
            """,
            row => new WalMark(start.Lsn, row.GetInt64(0), row.GetInt32(1), row.GetInt64(2), row.GetInt64(3)),
            Marking,
            cancellationToken).ConfigureAwait(false);
        return marks.Single();
    }
}
