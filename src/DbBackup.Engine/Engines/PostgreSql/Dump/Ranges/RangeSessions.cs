using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;

/// <summary>
/// The sessions that dump large tables beside pg_dump, in its snapshot. Each holds a lock of its own on each table: one that waited behind
/// another session's TRUNCATE, which itself waits for pg_dump, would wait for ever.
/// </summary>
internal sealed class RangeSessions : IDisposable
{
    private const string Connecting = "connecting";
    private const string Locking = "locking a table";

    // The text is that of pg_dump: in the encoding of the database, and with what the database says of the forms that pg_dump leaves to it.
    private const string Form = "SET client_encoding = 'SQL_ASCII'; RESET bytea_output; RESET xmlbinary; RESET lc_monetary; RESET lc_numeric";

    private readonly List<PostgreSqlSession> _sessions = [];

    private RangeSessions()
    {
    }

    /// <summary>The sessions; one for each job.</summary>
    public IReadOnlyList<PostgreSqlSession> All => _sessions;

    /// <summary>Opens the sessions and locks the tables.</summary>
    /// <param name="source">The database.</param>
    /// <param name="count">How many sessions.</param>
    /// <param name="spare">How many more the dump needs; a role may have few.</param>
    /// <param name="snapshot">The exported snapshot that they see.</param>
    /// <param name="tables">The tables.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>Null if another session waits for one of the tables or changes it, or the server has too few connections left.</returns>
    public static async Task<RangeSessions?> OpenAsync(
        PostgreSqlSource source, int count, int spare, string snapshot, IReadOnlyList<RangedTable> tables, CancellationToken cancellationToken)
    {
        var opened = new RangeSessions();
        try
        {
            while (opened._sessions.Count < count)
            {
                PostgreSqlSession session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
                opened._sessions.Add(session);
                await session.ExecuteAsync($"{TupleRanges.Settings}; {Form}", Connecting, cancellationToken).ConfigureAwait(false);
                await session.ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", Connecting, cancellationToken).ConfigureAwait(false);
                await session.ExecuteAsync($"SET TRANSACTION SNAPSHOT {PostgreSqlSession.Literal(snapshot)}", Connecting, cancellationToken).ConfigureAwait(false);
                await session.ExecuteAsync($"LOCK TABLE {string.Join(", ", tables.Select(table => "ONLY " + AsciiName.Of(session, table.Table.Name)))} IN ACCESS SHARE MODE NOWAIT", Locking, cancellationToken).ConfigureAwait(false);
            }

            await RequireMoreAsync(source, spare, cancellationToken).ConfigureAwait(false);
            return opened;
        }
        catch (BackupException failure) when (failure.Category == FailureCategory.Busy)
        {
            opened.Dispose();
            return null;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private static async Task RequireMoreAsync(PostgreSqlSource source, int count, CancellationToken cancellationToken)
    {
        if (count == 0)
            return;
        using PostgreSqlSession one = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
        await RequireMoreAsync(source, count - 1, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PostgreSqlSession session in _sessions)
            session.Dispose();
        _sessions.Clear();
    }
}
