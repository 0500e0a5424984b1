using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>
/// Reads large tables by several sessions at once, each a range of blocks at a time; the sum of the rows' hashes does not depend on their
/// order. For databases that no other session writes: the sessions share no snapshot.
/// </summary>
/// <param name="like">A session in the database.</param>
/// <param name="sessions">How many sessions.</param>
/// <param name="settings">What they set, so that values print as they shall.</param>
/// <param name="largeTableBytes">From how many bytes on disk on a table is read in this way.</param>
internal sealed class RangedReader(PostgreSqlSession like, int sessions, string settings, long largeTableBytes = 32L << 20) : IDisposable
{
    // https://www.postgresql.org/docs/release/14.0/: ranges of ctid are read without the rest of the table.
    private const int FirstWithRanges = 14;

    // 16 MiB with the usual blocks; less where a few blocks lead to many long values.
    private const long MostBlocks = 2048;
    private const int LeastRanges = 4;
    private const string Reading = "reading the rows";

    // A query is planned, and that evaluates the expressions of indexes and statistics, with the rights of who asks.
    private const string Fitting = """
        SELECT CASE WHEN c.relkind = 'r' AND m.amname = 'heap' AND NOT c.relhasrules AND NOT c.relrowsecurity
            AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL))
            AND NOT EXISTS (SELECT 1 FROM pg_statistic_ext s WHERE s.stxrelid = c.oid AND s.stxexprs IS NOT NULL)
          THEN pg_relation_size(c.oid) / current_setting('block_size')::bigint END
        FROM pg_class c LEFT JOIN pg_am m ON m.oid = c.relam WHERE c.oid = $1::bigint::oid
        """;

    private readonly List<PostgreSqlSession> _sessions = [];

    /// <summary>Reads a table.</summary>
    /// <param name="table">The table.</param>
    /// <param name="columns">Its columns in the order wanted, without quotes; null for the order in which it has them.</param>
    /// <param name="inUtc">True if times with a zone count as they are in UTC.</param>
    /// <param name="form">Statements that each session runs before.</param>
    /// <param name="cancellationToken">Cancels the statements.</param>
    /// <returns>Its rows; null if it must be read as a whole.</returns>
    public async Task<TableRows?> ReadAsync(PostgreSqlTable table, IReadOnlyList<string>? columns, bool inUtc, string form, CancellationToken cancellationToken)
    {
        if (sessions < 2 || table.Bytes < largeTableBytes || like.ServerMajor < FirstWithRanges || like.IsPooled)
            return null;
        if (await like.ScalarAsync(Fitting, Reading, cancellationToken, (long)table.ObjectId).ConfigureAwait(false) is not long blocks)
            return null;
        if (columns is not { Count: > 0 })
            columns = (await PostgreSqlCatalog.ColumnsAsync(like, [table], cancellationToken).ConfigureAwait(false)).GetValueOrDefault(table.ObjectId, []);
        if (columns.Count == 0)
            return null;
        await ConnectAsync(cancellationToken).ConfigureAwait(false);
        string list = string.Join(", ", columns.Select(column => TableReader.InAscii(PostgreSqlSession.Quote(column))));
        string select = $"SELECT {list} FROM ONLY {TableReader.InAscii(table.Name)}";
        long step = Math.Clamp(blocks / (LeastRanges * sessions), 1, MostBlocks);
        long next = -step;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        TableRows[] read = await Task.WhenAll(_sessions.Select(session => Task.Run(
            async () =>
            {
                var rows = new CopyRows(inUtc);
                try
                {
                    await session.ExecuteAsync(form, Reading, stop.Token).ConfigureAwait(false);
                    for (long from; (from = Interlocked.Add(ref next, step)) < Math.Max(1, blocks);)
                        await session.CopyAsync($"COPY ({select} WHERE {RangeOf(from, step, blocks)}) TO STDOUT", bytes => rows.Append(bytes), Reading, stop.Token).ConfigureAwait(false);
                    return rows.Result(asUtc: inUtc);
                }
                catch
                {
                    await stop.CancelAsync().ConfigureAwait(false);
                    throw;
                }
            },
            CancellationToken.None))).ConfigureAwait(false);
        return read.Aggregate((sum, rows) => sum + rows);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PostgreSqlSession session in _sessions)
            session.Dispose();
        _sessions.Clear();
    }

    // The last range has no end.
    private static string RangeOf(long from, long step, long blocks) => from + step >= blocks
        ? string.Create(CultureInfo.InvariantCulture, $"ctid >= '({from},0)'")
        : string.Create(CultureInfo.InvariantCulture, $"ctid >= '({from},0)' AND ctid < '({from + step},0)'");

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        while (_sessions.Count < sessions)
        {
            PostgreSqlSession session = await PostgreSqlSession.OpenAsync(like.Server, like.Database, cancellationToken).ConfigureAwait(false);
            _sessions.Add(session);
            await session.RefuseViewsAsync(cancellationToken).ConfigureAwait(false);
            await session.ExecuteAsync($"SET jit = off; SET max_parallel_workers_per_gather = 0; SET enable_seqscan = off; SET constraint_exclusion = off; {settings}", Reading, cancellationToken).ConfigureAwait(false);
        }
    }
}
