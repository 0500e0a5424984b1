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
    // 16 MiB with the usual blocks; less where a few blocks lead to many long values.
    private const long MostBlocks = 2048;
    private const int LeastRanges = 4;
    private const string Reading = "reading the rows";

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
        if (sessions < 2 || table.Bytes < largeTableBytes || !TupleRanges.AreKnownTo(like))
            return null;
        if (!(await TupleRanges.BlocksAsync(like, [table], cancellationToken).ConfigureAwait(false)).TryGetValue(table.ObjectId, out long blocks))
            return null;
        if (columns is not { Count: > 0 })
            columns = (await PostgreSqlCatalog.ColumnsAsync(like, [table], cancellationToken).ConfigureAwait(false)).GetValueOrDefault(table.ObjectId, []);
        if (columns.Count == 0)
            return null;
        await ConnectAsync(cancellationToken).ConfigureAwait(false);
        string list = string.Join(", ", columns.Select(column => AsciiName.Of(like, PostgreSqlSession.Quote(column))));
        string select = $"SELECT {list} FROM ONLY {AsciiName.Of(like, table.Name)}";
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
                        await session.CopyAsync($"COPY ({select} WHERE {TupleRanges.Condition(from, step, blocks)}) TO STDOUT", bytes => rows.Append(bytes), Reading, stop.Token).ConfigureAwait(false);
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

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        while (_sessions.Count < sessions)
        {
            PostgreSqlSession session = await PostgreSqlSession.OpenAsync(like.Server, like.Database, cancellationToken).ConfigureAwait(false);
            _sessions.Add(session);
            await session.RefuseViewsAsync(cancellationToken).ConfigureAwait(false);
            await session.ExecuteAsync($"{TupleRanges.Settings}; {settings}", Reading, cancellationToken).ConfigureAwait(false);
        }
    }
}
