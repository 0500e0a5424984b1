namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>Hears of the data in an archive as they pass.</summary>
internal interface IArchiveBlockEvents
{
    /// <summary>The data of a table begin.</summary>
    /// <param name="table">The table.</param>
    /// <param name="position">Where its first chunk begins in the archive.</param>
    void Begin(ArchivedTable table, long position);

    /// <summary>Takes the next bytes of that table's data.</summary>
    void Data(ReadOnlySpan<byte> bytes);

    /// <summary>The table's data end.</summary>
    /// <returns>False if they are not whole.</returns>
    bool End();

    /// <summary>Takes the next bytes of all that is no table's data, as they stand: the large objects.</summary>
    void Other(ReadOnlySpan<byte> bytes)
    {
    }
}

/// <summary>
/// Follows an archive of the custom format as it passes: behind the table of contents come blocks, a table's data
/// or the large objects, each a row of chunks with their lengths (pg_backup_custom.c). Pushed with chunks of any size; beside the table of
/// contents it keeps nothing.
/// </summary>
/// <param name="events">Hears of the tables' data.</param>
/// <param name="withCompressed">True if data that are compressed are followed too.</param>
/// <remarks>Not safe for use by several threads.</remarks>
internal sealed class ArchiveBlocks(IArchiveBlockEvents events, bool withCompressed = false)
{
    /// <summary>The mark before a block of data (BLK_DATA in pg_backup_custom.c).</summary>
    public const byte DataBlock = 1;

    /// <summary>The most bytes of a table of contents. pg_restore keeps it in memory too; a database of 10,000 tables has a few MB.</summary>
    public const int LongestContents = 256 << 20;

    private const byte ObjectsBlock = 3;


    private readonly byte[] _integer = new byte[9];
    private byte[] _start = [];
    private int _startLength;
    private int _tryAt = 1 << 16;
    private ArchiveContents? _contents;
    private Place _place;
    private int _integerLength;
    private long _left;
    private long _position;
    private bool _inObjects;
    private ArchivedTable? _table;

    /// <summary>Follows what comes behind a table of contents that is known already.</summary>
    public ArchiveBlocks(IArchiveBlockEvents events, ArchiveContents contents)
        : this(events) => (_contents, _place) = (contents, Place.Block);

    private enum Place
    {
        Start,
        Block,
        Entry,
        Object,
        Length,
        Data,
        Unknown,
        Damaged,
    }

    /// <summary>The table of contents; null where the archive is of a form that is not known here.</summary>
    public ArchiveContents? Contents => _contents;

    /// <summary>Takes the next bytes of the archive.</summary>
    public void Append(ReadOnlySpan<byte> chunk)
    {
        if (_place == Place.Start)
            chunk = AppendStart(chunk);
        int at = 0;
        while (at < chunk.Length && _place is not (Place.Start or Place.Unknown or Place.Damaged))
        {
            int from = at;
            bool isOther = _table is null && _place is not (Place.Block or Place.Entry);
            switch (_place)
            {
                case Place.Block:
                    _inObjects = chunk[at] == ObjectsBlock;
                    _place = chunk[at++] is DataBlock or ObjectsBlock ? Place.Entry : Place.Damaged;
                    break;
                case Place.Data:
                    at += TakeData(chunk[at..]);
                    break;
                default:
                    if (TakeInteger(chunk, ref at) is { } value)
                        Turn(value, _position + at);
                    break;
            }

            if (isOther)
                events.Other(chunk[from..at]);
        }

        _position += chunk.Length;
    }

    /// <summary>Ends the archive.</summary>
    /// <returns>False if it is of a form that is not known here.</returns>
    /// <exception cref="InvalidDataException">It is cut off.</exception>
    public bool Complete()
    {
        if (_place == Place.Start)
        {
            // A small archive has ended before the next try.
            _tryAt = 0;
            Append([]);
        }

        if (_place == Place.Unknown)
            return false;
        return _place == Place.Block ? true : throw new InvalidDataException("it ends within the data of a table");
    }

    // What follows the table of contents, once all of that is there.
    private ReadOnlySpan<byte> AppendStart(ReadOnlySpan<byte> chunk)
    {
        if (_startLength + chunk.Length > _start.Length)
            Array.Resize(ref _start, Math.Max(1 << 16, 2 * (_startLength + chunk.Length)));
        chunk.CopyTo(_start.AsSpan(_startLength));
        _startLength += chunk.Length;
        if (_startLength < _tryAt)
            return [];
        ReadOnlySpan<byte> start = _start.AsSpan(0, _startLength);
        if (ArchiveContents.TryRead(start, out _contents, out int length, withCompressed: withCompressed))
        {
            _place = _contents is null ? Place.Unknown : Place.Block;
            (_start, _startLength, _position) = ([], 0, length);
            return start[length..];
        }

        // At twice the length again, so that all tries together cost no more than the last.
        _tryAt = 2 * _startLength;
        if (_startLength > LongestContents)
            (_place, _start) = (Place.Unknown, []);
        return [];
    }

    private long? TakeInteger(ReadOnlySpan<byte> chunk, ref int at)
    {
        int wanted = 1 + _contents!.IntegerBytes;
        int taken = Math.Min(wanted - _integerLength, chunk.Length - at);
        chunk.Slice(at, taken).CopyTo(_integer.AsSpan(_integerLength));
        at += taken;
        _integerLength += taken;
        if (_integerLength < wanted)
            return null;
        _integerLength = 0;
        return ArchiveContents.Integer(_integer.AsSpan(0, wanted));
    }

    private void Turn(long value, long position)
    {
        switch (_place)
        {
            case Place.Entry:
                _table = null;
                if (!_inObjects && _contents!.Tables.TryGetValue((int)value, out _table))
                    events.Begin(_table, position);
                else
                    PassBlockStart();
                _place = _inObjects ? Place.Object : Place.Length;
                break;
            case Place.Object:
                // The number 0 ends the large objects.
                _place = value == 0 ? Place.Block : Place.Length;
                break;
            case Place.Length when value == 0:
                _place = _inObjects ? Place.Object : _table is null || events.End() ? Place.Block : Place.Damaged;
                break;
            default:
                _left = value;
                _place = value > 0 ? Place.Data : Place.Damaged;
                break;
        }
    }

    private void PassBlockStart()
    {
        events.Other([_inObjects ? ObjectsBlock : DataBlock]);
        events.Other(_integer.AsSpan(0, 1 + _contents!.IntegerBytes));
    }

    private int TakeData(ReadOnlySpan<byte> rest)
    {
        int taken = (int)Math.Min(rest.Length, _left);
        if (_table is not null)
            events.Data(rest[..taken]);
        _left -= taken;
        if (_left == 0)
            _place = Place.Length;
        return taken;
    }
}
