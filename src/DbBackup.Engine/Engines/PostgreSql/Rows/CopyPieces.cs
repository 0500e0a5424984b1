namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>A piece of COPY text.</summary>
/// <param name="Length">How many bytes; 0 at the end of the text.</param>
/// <param name="FirstRow">The number of the row that it begins with, from 1 on.</param>
/// <param name="Rows">How many rows end in it.</param>
/// <param name="BeginsRow">True if a row begins with it; false if it goes on with one.</param>
/// <param name="EndsRow">True if a row ends with it.</param>
internal readonly record struct CopyPiece(int Length, long FirstRow, int Rows, bool BeginsRow, bool EndsRow);

/// <summary>
/// Cuts COPY text where rows end, for several readers. A row is a line: COPY writes line ends within values as <c>\n</c> and <c>\r</c>, so
/// a raw one always ends a row. Whoever gets a piece that ends no row takes the next ones too, and lets no other reader in meanwhile: so a row may
/// have any length, and memory stays one piece for each reader.
/// </summary>
/// <param name="text">The text, to its end mark; it becomes this object's own.</param>
internal sealed class CopyPieces(Stream text) : IDisposable
{
    // The end mark with the longest line end.
    private const int LeastBytes = 4;

    private readonly SemaphoreSlim _turn = new(1);
    private byte[] _rest = [];
    private int _restLength;
    private long _row = 1;
    private bool _beginsRow = true;
    private bool _ended;

    /// <summary>Waits for one's turn.</summary>
    public Task EnterAsync(CancellationToken cancellationToken) => _turn.WaitAsync(cancellationToken);

    /// <summary>Gives the turn to the next.</summary>
    public void Leave() => _turn.Release();

    /// <summary>Reads the next piece; to be called in one's turn.</summary>
    /// <param name="buffer">Takes it; of one size at all calls.</param>
    /// <exception cref="InvalidDataException">The text is damaged or cut off.</exception>
    public CopyPiece Read(Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buffer.Length, LeastBytes);
        if (_ended)
            return default;
        _rest.AsSpan(0, _restLength).CopyTo(buffer);
        int length = _restLength + text.ReadAtLeast(buffer[_restLength..], buffer.Length - _restLength, throwOnEndOfStream: false);
        _restLength = 0;
        Span<byte> read = buffer[..length];
        int cut = EndMark(read);
        if (cut >= 0)
            _ended = true;
        else if (length < buffer.Length)
            throw new InvalidDataException("it ends without the end mark that pg_dump writes: it was cut off");
        else
            cut = read.LastIndexOf((byte)'\n') + 1;
        // One long row: all of it passes.
        bool endsRow = _ended || cut > 0;
        if (!endsRow)
            cut = length;
        if (!_ended)
            Keep(read[cut..]);
        var piece = new CopyPiece(cut, _row, read[..cut].Count((byte)'\n'), _beginsRow, endsRow);
        _row += piece.Rows;
        _beginsRow = endsRow;
        return piece;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        text.Dispose();
        _turn.Dispose();
    }

    private void Keep(ReadOnlySpan<byte> rest)
    {
        if (rest.Length > _rest.Length)
            _rest = new byte[rest.Length];
        rest.CopyTo(_rest);
        _restLength = rest.Length;
    }

    // Where the line \. begins, with whatever line end; behind it are only blank lines. A value with these two letters is written \\.
    private int EndMark(ReadOnlySpan<byte> read)
    {
        if (_beginsRow && IsMark(read))
            return 0;
        for (int at = 0; ;)
        {
            int found = read[at..].IndexOf("\n\\."u8);
            if (found < 0)
                return -1;
            at += found + 1;
            if (IsMark(read[at..]))
                return at;
        }
    }

    private static bool IsMark(ReadOnlySpan<byte> line) => line.StartsWith("\\.\n"u8) || line.StartsWith("\\.\r\n"u8);
}
