using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;

/// <summary>The ranges of a full backup's tables, and which of them were not written since.</summary>
/// <param name="Earlier">The rows of the full backup.</param>
/// <param name="ByTable">Its ranges by the table's number (oid), with a flag for those that are unchanged; a table is missing that has to be read whole.</param>
internal sealed record UnchangedRanges(EarlierRows Earlier, IReadOnlyDictionary<uint, IReadOnlyList<(DumpedRange Range, bool IsUnchanged)>> ByTable)
{
    private const string Asking = "asking for the blocks that were written";

    // The answer has a row for each group of blocks: of a table that was written all over it stays small.
    private const int GroupBlocks = 64;
    private static readonly TimeSpan s_longestWait = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(50);

    /// <summary>How many ranges there are, and how many of them are unchanged.</summary>
    public (int All, int Unchanged) Count => (ByTable.Values.Sum(ranges => ranges.Count), ByTable.Values.Sum(ranges => ranges.Count(range => range.IsUnchanged)));

    /// <summary>Asks the server's summaries for what was written since a full backup.</summary>
    /// <param name="session">A session that sees the present state, while the tables are locked.</param>
    /// <param name="start">The place before the new backup's snapshot.</param>
    /// <param name="tables">The tables.</param>
    /// <param name="earlier">The full backup's rows.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The ranges; or null, and why all has to be read.</returns>
    /// <exception cref="BackupException">The server refuses an answer.</exception>
    public static async Task<(UnchangedRanges? Ranges, string? Reason)> FindAsync(
        PostgreSqlSession session, WalStart start, IReadOnlyList<RangedTable> tables, EarlierRows earlier, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<uint, TableShape> shapes = await TableShape.OfAsync(session, tables, cancellationToken).ConfigureAwait(false);
        Dictionary<uint, DumpedTable> same = earlier.Catalog.Tables.Where(table => shapes.GetValueOrDefault(table.ObjectId) == table.Shape).ToDictionary(table => table.ObjectId);
        if (same.Count == 0)
            return (null, "each large table was written anew since the full backup, or its columns were changed");
        WalMark mark = earlier.Catalog.Mark;
        WalMark now = await WalMark.TakeAsync(session, start, cancellationToken).ConfigureAwait(false);
        if ((mark.Timeline, mark.System, mark.Database) != (now.Timeline, now.System, now.Database))
            return (null, "the database or the server's log is another one than that of the full backup");
        if (await MissingAsync(session, mark, now, cancellationToken).ConfigureAwait(false) is { } missing)
            return (null, missing);

        ILookup<long, (long First, long Last)> written = await WrittenAsync(session, mark, now, [.. same.Values.Select(table => table.Shape.File)], cancellationToken).ConfigureAwait(false);
        var ranges = new Dictionary<uint, IReadOnlyList<(DumpedRange, bool)>>();
        foreach (DumpedTable table in same.Values)
        {
            (long First, long Last)[] blocks = [.. written[table.Shape.File].OrderBy(group => group.First)];
            // The last one has no end: a row may have come into a new block.
            ranges.Add(table.ObjectId, [.. table.Ranges.SkipLast(1).Select(range => (range, !Array.Exists(blocks, group => group.First < range.From + range.Count && group.Last >= range.From)))]);
        }

        return (new UnchangedRanges(earlier, ranges), null);
    }

    // The server writes a summary at each checkpoint, a moment later, and removes old ones (wal_summary_keep_time).
    private static async Task<string?> MissingAsync(PostgreSqlSession session, WalMark mark, WalMark now, CancellationToken cancellationToken)
    {
        for (long end = Environment.TickCount64 + (long)s_longestWait.TotalMilliseconds; ;)
        {
            List<(long Start, long End)> summaries = await session.RowsAsync(
                """
                SELECT (start_lsn - '0/0'::pg_lsn)::bigint, (end_lsn - '0/0'::pg_lsn)::bigint FROM pg_available_wal_summaries()
                WHERE tli = $1 AND end_lsn > '0/0'::pg_lsn + $2::numeric ORDER BY start_lsn
                """,
                row => (row.GetInt64(0), row.GetInt64(1)),
                Asking,
                cancellationToken,
                mark.Timeline,
                mark.StartLsn).ConfigureAwait(false);
            long known = mark.StartLsn;
            foreach ((long from, long to) in summaries)
            {
                if (from > known)
                    return "the server has removed a summary of its log that is needed (wal_summary_keep_time), or was set back to an earlier state";
                known = Math.Max(known, to);
            }

            if (known >= now.EndLsn)
            {
                return summaries.Exists(summary => summary.Start == mark.EndLsn || summary.End == mark.EndLsn)
                    ? null
                    : "the server was set back to an earlier state since the full backup";
            }

            if (Environment.TickCount64 >= end)
                return "the server did not finish the summary of its log in time";
            await Task.Delay(s_betweenLooks, cancellationToken).ConfigureAwait(false);
        }
    }

    // Where a file was cut off or begun, its limit stands: whatever came behind it since is new.
    private static async Task<ILookup<long, (long First, long Last)>> WrittenAsync(PostgreSqlSession session, WalMark mark, WalMark now, long[] files, CancellationToken cancellationToken)
    {
        List<(long File, long First, long Last)> groups = await session.RowsAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                SELECT b.relfilenode::bigint, min(b.relblocknumber), CASE WHEN b.is_limit_block THEN {long.MaxValue} ELSE max(b.relblocknumber) END
                FROM pg_available_wal_summaries() s, pg_wal_summary_contents(s.tli, s.start_lsn, s.end_lsn) b
                WHERE s.tli = $1 AND s.end_lsn > '0/0'::pg_lsn + $2::numeric AND s.start_lsn < '0/0'::pg_lsn + $3::numeric
                  AND b.reldatabase::bigint = $4 AND b.relforknumber = 0 AND b.relfilenode::bigint = ANY ($5)
                GROUP BY b.relfilenode, b.is_limit_block, b.relblocknumber / {GroupBlocks}
                """),
            row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)),
            Asking,
            cancellationToken,
            mark.Timeline,
            mark.StartLsn,
            now.EndLsn,
            mark.Database,
            files).ConfigureAwait(false);
        return groups.ToLookup(group => group.File, group => (group.First, group.Last));
    }
}
