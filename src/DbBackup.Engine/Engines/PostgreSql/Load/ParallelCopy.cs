using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>
/// Loads the data of one table by several connections at once, which pg_restore cannot. Each takes the next piece of the text in turn, so
/// that they stay within a few pieces of each other and the rows lie on the disk nearly in the order of the dump: an index that
/// lives on that order (BRIN) goes on doing so.
/// </summary>
/// <param name="target">A session in the database; the others are made like it.</param>
/// <param name="connections">How many connections.</param>
/// <param name="progress">Receives the number of bytes.</param>
/// <param name="pieceBytes">How long a piece is.</param>
internal sealed class ParallelCopy(PostgreSqlSession target, int connections, IProgress<long>? progress, int pieceBytes = 1 << 20) : IDisposable
{
    // What pg_restore sets for its sessions, as far as ours have not set it; amounts of money are read in the currency of the database.
    private const string Settings = "SET search_path = ''; SET xmloption = content; RESET lc_monetary; SET client_min_messages = error; SET synchronous_commit = off";

    // The driver receives the error of a refused row only at the end of a statement.
    private const long StatementBytes = 64L << 20;

    private readonly List<PostgreSqlSession> _sessions = [];
    private long _loaded;

    // Tables in which a row is the same whatever rows are there already: without triggers, indexes, rules, policies, and without constraints
    // whose functions may look around.
    private const string Fitting = """
        SELECT EXISTS (
          SELECT 1 FROM pg_class c LEFT JOIN pg_am m ON m.oid = c.relam
          WHERE c.oid = to_regclass($1) AND c.relkind = 'r' AND coalesce(m.amname, 'heap') = 'heap'
            AND NOT c.relhastriggers AND NOT c.relhasindex AND NOT c.relhasrules AND NOT c.relrowsecurity
            AND NOT EXISTS (
              SELECT 1 FROM pg_constraint k JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid AND d.refclassid = 'pg_proc'::regclass
              JOIN pg_proc p ON p.oid = d.refobjid
              WHERE p.provolatile <> 'i' AND (k.conrelid = c.oid OR k.contypid IN (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0))))
        """;

    /// <summary>Whether a table, whose definition is there already, can be loaded in this way.</summary>
    public async Task<bool> CanLoadAsync(TableText table, CancellationToken cancellationToken)
    {
        // A name in another encoding than UTF-8 was read as something else.
        if (!Ascii.IsValid(table.Table.Copy) && table.Encoding is not ("UTF8" or null))
            return false;
        return await target.IsTrueAsync(Fitting, "looking at a table", cancellationToken, CopyColumns.TargetOf(table.Table.Copy)).ConfigureAwait(false);
    }

    /// <summary>Loads a table.</summary>
    /// <param name="table">Its data.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">The server refused a row or failed, or the data are damaged. Rows may be there.</exception>
    public async Task LoadAsync(TableText table, CancellationToken cancellationToken)
    {
        await ConnectAsync(cancellationToken).ConfigureAwait(false);
        string name = CopyColumns.TargetOf(table.Table.Copy);
        try
        {
            using var pieces = new CopyPieces(table.Open());
            await RunTogetherAsync(token => _sessions.Select(session => Task.Run(() => WorkAsync(session, table, name, pieces, token), CancellationToken.None)), cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidDataException damage)
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                $"The data of {name} in the dump are damaged: {damage.Message}.",
                "Use another backup of this source: Get-DbBackup, and Test-DbBackup to find a whole one.",
                damage)
            { Target = name };
        }
    }

    /// <summary>Takes away what was loaded of a table that failed.</summary>
    public Task EmptyAsync(TableText table, CancellationToken cancellationToken) =>
        target.ExecuteAsync($"TRUNCATE ONLY {CopyColumns.TargetOf(table.Table.Copy)}", "emptying a table", cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PostgreSqlSession session in _sessions)
            session.Dispose();
        _sessions.Clear();
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        while (_sessions.Count < connections)
        {
            PostgreSqlSession session = await PostgreSqlSession.OpenAsync(target.Server, target.Database, cancellationToken).ConfigureAwait(false);
            _sessions.Add(session);
            await session.ExecuteAsync(Settings, "connecting", cancellationToken).ConfigureAwait(false);
        }
    }

    // The first failure ends the others, and is the one that is told.
    private static async Task RunTogetherAsync(Func<CancellationToken, IEnumerable<Task>> start, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> running = [.. start(stop.Token)];
        Task? failed = null;
        while (running.Count > 0)
        {
            Task ended = await Task.WhenAny(running).ConfigureAwait(false);
            running.Remove(ended);
            if (failed is not null || ended.IsCompletedSuccessfully)
                continue;
            failed = ended;
            await stop.CancelAsync().ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (failed is not null)
            await failed.ConfigureAwait(false);
    }

    private async Task WorkAsync(PostgreSqlSession session, TableText table, string name, CopyPieces pieces, CancellationToken cancellationToken)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(pieceBytes);
        string sql = Statement(table);
        for (bool isEnd = false; !isEnd;)
        {
            var rows = new RowNumbers();
            try
            {
                await session.LoadAsync(
                    sql,
                    async stream => isEnd = await WriteAsync(stream, pieces, buffer, rows, cancellationToken).ConfigureAwait(false),
                    $"loading {name}",
                    cancellationToken).ConfigureAwait(false);
            }
            catch (BackupException failure) when (LoadErrors.OfRow(failure, name, rows.Of) is { } refused)
            {
                throw refused;
            }
        }
    }

    /// <returns>True at the end of the text.</returns>
    private async Task<bool> WriteAsync(Stream stream, CopyPieces pieces, byte[] buffer, RowNumbers rows, CancellationToken cancellationToken)
    {
        for (long written = 0; written < StatementBytes;)
        {
            CopyPiece piece;
            await pieces.EnterAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                piece = pieces.Read(buffer);
                while (!piece.EndsRow && piece.Length > 0)
                {
                    written += await WritePieceAsync(stream, buffer, piece, rows, cancellationToken).ConfigureAwait(false);
                    piece = pieces.Read(buffer);
                }
            }
            finally
            {
                pieces.Leave();
            }

            if (piece.Length == 0)
                return true;
            written += await WritePieceAsync(stream, buffer, piece, rows, cancellationToken).ConfigureAwait(false);
        }

        return false;
    }

    private async Task<int> WritePieceAsync(Stream stream, byte[] buffer, CopyPiece piece, RowNumbers rows, CancellationToken cancellationToken)
    {
        rows.Add(piece);
        await stream.WriteAsync(buffer.AsMemory(0, piece.Length), cancellationToken).ConfigureAwait(false);
        progress?.Report(Interlocked.Add(ref _loaded, piece.Length));
        return piece.Length;
    }

    // As pg_restore sends it, with the encoding that it sets for its session.
    private static string Statement(TableText table)
    {
        string copy = table.Table.Copy.TrimEnd().TrimEnd(';');
        return table.Encoding is null ? copy : $"{copy} WITH (ENCODING {PostgreSqlSession.Literal(table.Encoding)})";
    }

    /// <summary>Which rows of a table the lines of one statement are.</summary>
    private sealed class RowNumbers
    {
        private readonly List<(long Line, long Row)> _begins = [];
        private long _lines;

        public void Add(CopyPiece piece)
        {
            if (piece.BeginsRow)
                _begins.Add((_lines + 1, piece.FirstRow));
            _lines += piece.Rows;
        }

        public long Of(long line)
        {
            (long first, long row) = _begins.FindLast(begin => begin.Line <= line);
            return row + line - first;
        }
    }
}
