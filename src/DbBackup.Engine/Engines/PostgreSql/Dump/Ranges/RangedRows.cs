using System.Buffers;
using System.Threading.Channels;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;

/// <summary>
/// The rows of large tables as COPY text: read by several sessions at once, given out in the order of the blocks. A session that is ahead
/// waits, so that memory is bounded by the number of sessions, however large a table or a row is.
/// </summary>
/// <remarks>One reader at a time. The buffers that it is given are its own, to return to the shared pool.</remarks>
internal sealed class RangedRows : IAsyncDisposable
{
    /// <summary>How many bytes a piece has at most.</summary>
    public const int PieceBytes = (1 << 18) - FreeBytes;

    /// <summary>How many bytes are free before a piece in its buffer, for what is to stand there.</summary>
    public const int FreeBytes = 1 + sizeof(long);

    // 4 MiB with the usual blocks.
    private const long MostBlocks = 512;
    private const int LeastRanges = 4;
    private const int RangesAhead = 2;
    private const int PiecesAhead = 16;
    private const string Reading = "reading the rows";

    private readonly IReadOnlyList<RangedTable> _tables;
    private readonly IReadOnlyList<PostgreSqlSession> _sessions;
    private readonly CancellationTokenSource _stop;
    private readonly Channel<Range> _work = Channel.CreateUnbounded<Range>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly Queue<Range> _inOrder = new();
    private readonly IEnumerator<Range> _ahead;
    private readonly Task<TableRows[]>[] _workers;
    private bool _planned;

    /// <summary>Begins to read.</summary>
    /// <param name="tables">The tables, in the order in which their rows come.</param>
    /// <param name="sessions">The sessions, which see one snapshot.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public RangedRows(IReadOnlyList<RangedTable> tables, IReadOnlyList<PostgreSqlSession> sessions, CancellationToken cancellationToken)
    {
        _tables = tables;
        _sessions = sessions;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ahead = Plan().GetEnumerator();
        Refill();
        _workers = [.. sessions.Select(session => Task.Run(() => WorkAsync(session), CancellationToken.None))];
    }

    /// <summary>Gives the next piece of the rows.</summary>
    /// <param name="table">The place of the table that is wanted in the list; tables come one after the other.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>A piece that ends anywhere in a row; null at the end of that table.</returns>
    /// <exception cref="BackupException">A session failed.</exception>
    public async ValueTask<ArraySegment<byte>?> NextAsync(int table, CancellationToken cancellationToken)
    {
        while (_inOrder.TryPeek(out Range? range) && range.Table == table)
        {
            if (await range.Pieces.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && range.Pieces.Reader.TryRead(out ArraySegment<byte> piece))
                return piece;
            _inOrder.Dequeue();
            Refill();
        }

        return null;
    }

    /// <summary>Ends the work.</summary>
    /// <returns>The rows of each table by its oid, as they passed.</returns>
    public async Task<IReadOnlyDictionary<uint, TableRows>> CompleteAsync()
    {
        TableRows[][] counted = await Task.WhenAll(_workers).ConfigureAwait(false);
        return _tables.Select((table, index) => (table.Table.ObjectId, Rows: counted.Select(worker => worker[index]).Aggregate((sum, rows) => sum + rows)))
            .ToDictionary(pair => pair.ObjectId, pair => pair.Rows);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await ((Task)Task.WhenAll(_workers)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        _ahead.Dispose();
    }

    private IEnumerable<Range> Plan()
    {
        for (int table = 0; table < _tables.Count; table++)
        {
            long blocks = _tables[table].Blocks;
            long step = Math.Clamp(blocks / (LeastRanges * _sessions.Count), 1, MostBlocks);
            for (long from = 0; from == 0 || from < blocks; from += step)
                yield return new Range(table, from, step);
        }
    }

    private void Refill()
    {
        while (!_planned && _inOrder.Count < RangesAhead * _sessions.Count)
        {
            if (_ahead.MoveNext())
            {
                _inOrder.Enqueue(_ahead.Current);
                _work.Writer.TryWrite(_ahead.Current);
                continue;
            }

            _planned = true;
            _work.Writer.Complete();
        }
    }

    private async Task<TableRows[]> WorkAsync(PostgreSqlSession session)
    {
        CopyRows[] rows = [.. _tables.Select(_ => new CopyRows())];
        await foreach (Range range in _work.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
        {
            try
            {
                await session.CopyAsync(
                    _tables[range.Table].Copy(session, range.From, range.Count), text => ReadAsync(text, range.Pieces.Writer, rows[range.Table]), Reading, _stop.Token).ConfigureAwait(false);
                range.Pieces.Writer.Complete();
            }
            catch (Exception exception)
            {
                // The one who waits for this range tells of it.
                range.Pieces.Writer.Complete(exception);
                throw;
            }
        }

        return [.. rows.Select(counted => counted.Result())];
    }

    private async Task ReadAsync(Stream text, ChannelWriter<ArraySegment<byte>> pieces, CopyRows rows)
    {
        for (bool ended = false; !ended;)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(FreeBytes + PieceBytes);
            int length = 0;
            while (length < PieceBytes && !ended)
            {
                int read = await text.ReadAsync(buffer.AsMemory(FreeBytes + length, PieceBytes - length), _stop.Token).ConfigureAwait(false);
                ended = read == 0;
                length += read;
            }

            rows.Append(buffer.AsSpan(FreeBytes, length));
            if (length > 0)
                await pieces.WriteAsync(new ArraySegment<byte>(buffer, FreeBytes, length), _stop.Token).ConfigureAwait(false);
        }
    }

    private sealed record Range(int Table, long From, long Count)
    {
        public Channel<ArraySegment<byte>> Pieces { get; } = Channel.CreateBounded<ArraySegment<byte>>(new BoundedChannelOptions(PiecesAhead) { SingleReader = true, SingleWriter = true });
    }
}
