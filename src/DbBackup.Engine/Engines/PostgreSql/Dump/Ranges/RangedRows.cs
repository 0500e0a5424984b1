using System.Buffers;
using System.Threading.Channels;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;

/// <summary>
/// The rows of large tables as COPY text: read by several sessions at once, or taken from a full backup, and given out in the order of the blocks. A session that is ahead
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
    private readonly UnchangedRanges? _unchanged;
    private readonly CancellationTokenSource _stop;
    private readonly Channel<Range> _work = Channel.CreateUnbounded<Range>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly Queue<Range> _inOrder = new();
    private readonly IEnumerator<Range> _ahead;
    private readonly List<DumpedRange>[] _dumped;
    private readonly Task[] _workers;
    private readonly Lock _ending = new();
    private bool _isDisposed;
    private bool _planned;

    /// <summary>Begins to read.</summary>
    /// <param name="tables">The tables, in the order in which their rows come.</param>
    /// <param name="sessions">The sessions, which see one snapshot.</param>
    /// <param name="unchanged">What is taken from a full backup and not read; null for nothing.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public RangedRows(IReadOnlyList<RangedTable> tables, IReadOnlyList<PostgreSqlSession> sessions, UnchangedRanges? unchanged, CancellationToken cancellationToken)
    {
        _tables = tables;
        _sessions = sessions;
        _unchanged = unchanged;
        _dumped = [.. tables.Select(_ => new List<DumpedRange>())];
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _ahead = Plan().GetEnumerator();
        Refill();
        _workers = [.. sessions.Select(session => Task.Run(() => WorkAsync(session), CancellationToken.None))];
    }

    /// <summary>The ranges of each table that have been given out whole.</summary>
    public IReadOnlyList<IReadOnlyList<DumpedRange>> Dumped => _dumped;

    /// <summary>Gives the next piece of the rows.</summary>
    /// <param name="table">The place of the table that is wanted in the list; tables come one after the other.</param>
    /// <param name="position">Where the piece will stand in the archive.</param>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>A piece that ends anywhere in a row; null at the end of that table.</returns>
    /// <exception cref="BackupException">A session failed.</exception>
    public async ValueTask<ArraySegment<byte>?> NextAsync(int table, long position, CancellationToken cancellationToken)
    {
        while (_inOrder.TryPeek(out Range? range) && range.Table == table)
        {
            range.Offset ??= position;
            if (await range.Pieces.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && range.Pieces.Reader.TryRead(out ArraySegment<byte> piece))
                return piece;
            _inOrder.Dequeue();
            _dumped[table].Add(new DumpedRange(range.From, range.Count, range.Offset.Value, position - range.Offset.Value, range.Rows));
            Refill();
        }

        return null;
    }

    /// <summary>Ends the work.</summary>
    /// <returns>The rows of each table by its oid, as they passed.</returns>
    public async Task<IReadOnlyDictionary<uint, TableRows>> CompleteAsync()
    {
        await Task.WhenAll(_workers).ConfigureAwait(false);
        return _tables.Select((table, index) => (table.Table.ObjectId, Rows: _dumped[index].Select(range => range.Rows).Aggregate((sum, rows) => sum + rows)))
            .ToDictionary(pair => pair.ObjectId, pair => pair.Rows);
    }

    /// <summary>
    /// Stops the work and waits until no session is read. The sessions can be closed then: the driver would read what a session still
    /// gives, and wait for ever for what a worker has read beside it.
    /// </summary>
    public void Stop()
    {
        lock (_ending)
        {
            if (!_isDisposed)
                _stop.Cancel();
        }

        Task.WhenAll(_workers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_workers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_ending)
        {
            _isDisposed = true;
            _stop.Dispose();
        }

        _ahead.Dispose();
    }

    private IEnumerable<Range> Plan()
    {
        for (int table = 0; table < _tables.Count; table++)
        {
            long blocks = _tables[table].Blocks;
            long next = 0;
            foreach ((DumpedRange range, bool isUnchanged) in _unchanged?.ByTable.GetValueOrDefault(_tables[table].Table.ObjectId) ?? [])
            {
                // The file was cut off since, and the last range that is left has no end.
                if (range.From + range.Count >= blocks)
                    break;
                yield return new Range(table, range.From, range.Count) { Earlier = isUnchanged ? range : null };
                next = range.From + range.Count;
            }

            long step = Math.Clamp(blocks / (LeastRanges * _sessions.Count), 1, MostBlocks);
            for (long from = next; from == next || from < blocks; from += step)
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

    private async Task WorkAsync(PostgreSqlSession session)
    {
        var rows = new CopyRows();
        await foreach (Range range in _work.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
        {
            try
            {
                if (range.Earlier is { } earlier)
                {
                    await _unchanged!.Earlier.CopyAsync(earlier, range.Pieces.Writer, _stop.Token).ConfigureAwait(false);
                    range.Rows = earlier.Rows;
                }
                else
                {
                    rows.Reset();
                    await session.CopyAsync(_tables[range.Table].Copy(session, range.From, range.Count), text => ReadAsync(text, range.Pieces.Writer, rows), Reading, _stop.Token).ConfigureAwait(false);
                    range.Rows = rows.Result();
                }

                range.Pieces.Writer.Complete();
            }
            catch (Exception exception)
            {
                // The one who waits for this range tells of it.
                range.Pieces.Writer.Complete(exception);
                throw;
            }
        }
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
        public DumpedRange? Earlier { get; init; }

        public long? Offset { get; set; }

        // Known before the last piece is given out.
        public TableRows Rows { get; set; }

        public Channel<ArraySegment<byte>> Pieces { get; } = Channel.CreateBounded<ArraySegment<byte>>(new BoundedChannelOptions(PiecesAhead) { SingleReader = true, SingleWriter = true });
    }
}
