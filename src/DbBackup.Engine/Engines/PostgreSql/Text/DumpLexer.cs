using System.Buffers;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>
/// Cuts the text that pg_dump writes into comments, psql commands, statements and COPY data, by the rules of psql's own lexer (psqlscan.l):
/// quotes, dollar quotes, nested comments, parentheses and the bodies of SQL functions hide a semicolon. It is pushed with chunks of any
/// size, looks at bytes only (all server encodings keep ASCII bytes out of longer characters), and takes constant memory.
/// </summary>
/// <param name="events">Hears what is found.</param>
/// <param name="inUtc">True if times with a zone are hashed as they are in UTC.</param>
/// <remarks>Not safe for use by several threads.</remarks>
internal sealed partial class DumpLexer(IDumpEvents events, bool inUtc = false)
{
    /// <summary>How much of a statement or comment is kept. The longest COPY statement, 1,600 columns of quoted names, has a quarter of it.</summary>
    public const int KeptBytes = 1 << 20;

    private static readonly SearchValues<byte> Turns = SearchValues.Create("'\"$-/();\\"u8);

    // The byte order mark that Windows editors put at the start counts as blank, as psql takes it; no statement begins with such bytes.
    private static readonly SearchValues<byte> Blanks = SearchValues.Create([.. " \t\r\n\f\v"u8, 0xef, 0xbb, 0xbf]);

    private readonly CopyRows _rows = new(inUtc);
    private byte[] _kept = [];
    private int _keptLength;
    private long _pieceStart;

    // Where the piece begins in the present chunk; -1 between the pieces.
    private int _from = -1;

    private Place _place;
    private bool _inStatement;
    private int _parentheses;
    private RoutineBody _routine;
    private byte _last;
    private byte _lastButOne;
    private byte _firstOfWord;
    private long _offset;

    // Where the last literal with backslashes of its own ended; -1 for none in this statement.
    private long _escapedEnd = -1;

    private enum Place : byte
    {
        Between,
        Statement,
        Dash,
        Comment,
        Slash,
        Block,
        Command,
        Quoted,
        Identifier,
        Escaped,
        EscapedCharacter,
        EscapedEnd,
        DollarTag,
        Dollar,
        CopyStart,
        CopyData,
    }

    /// <summary>How many bytes it has seen.</summary>
    public long Position => _offset;

    /// <summary>
    /// Where the first thing stands that no dump has and that psql would take for a command, or read otherwise than this lexer: a backslash
    /// outside of quotes, above all. Null for nothing. Commands on lines of their own are not meant; they are heard.
    /// </summary>
    public long? UnsafeAt { get; private set; }

    /// <summary>Where a command to psql begins whose line has not ended yet; null outside of one.</summary>
    public long? CommandFrom => _place == Place.Command ? _pieceStart : null;

    /// <summary>Where a statement begins that has not ended yet; null outside of one.</summary>
    public long? StatementFrom => _inStatement ? _pieceStart : null;

    /// <summary>Takes the next bytes of the script.</summary>
    public void Append(ReadOnlySpan<byte> chunk)
    {
        if (chunk.IsEmpty)
            return;
        if (_from >= 0)
            _from = 0;
        int at = 0;
        while (at < chunk.Length)
        {
            at = _place switch
            {
                Place.Between => Between(chunk, at),
                Place.Statement => InStatement(chunk, at),
                Place.Dash => AfterDash(chunk, at),
                Place.Comment => UpToLineEnd(chunk, at),
                Place.Command => UpToLineEnd(chunk, at),
                Place.Slash => AfterSlash(chunk, at),
                Place.Block => InBlock(chunk, at),
                Place.Quoted => UpTo(chunk, at, (byte)'\''),
                Place.Identifier => UpTo(chunk, at, (byte)'"'),
                Place.Escaped or Place.EscapedCharacter or Place.EscapedEnd => InEscaped(chunk, at),
                Place.DollarTag => InDollarTag(chunk, at),
                Place.Dollar => InDollarQuote(chunk, at),
                Place.CopyStart => BeforeCopyData(chunk, at),
                _ => InCopyData(chunk, at),
            };
        }

        if (_from >= 0)
            Keep(chunk[_from..]);
        // Whether a dash begins a comment shows the next chunk.
        if (_place != Place.Dash && !IsBlankSinceEscaped(chunk, chunk.Length))
            _escapedEnd = -1;
        if (_inStatement)
            _firstOfWord = FirstOfWord(chunk);
        _lastButOne = chunk.Length > 1 ? chunk[^2] : _last;
        _last = chunk[^1];
        _offset += chunk.Length;
    }

    /// <summary>Ends the script.</summary>
    /// <returns>True if it ends between two statements; a last line without its line end counts as whole.</returns>
    public bool Complete()
    {
        if (_place is Place.Comment or Place.Command && !_inStatement)
            EndLine(_kept.AsSpan(0, _keptLength), new ByteRange(_pieceStart, _offset - _pieceStart));
        return _place == Place.Between;
    }

    private static bool IsWordByte(byte value) =>
        value is >= (byte)'a' and <= (byte)'z' or >= (byte)'A' and <= (byte)'Z' or >= (byte)'0' and <= (byte)'9' or (byte)'_' or (byte)'$' or >= 0x80;

    // The byte one or two places before, which may stand in the chunk before.
    private byte Before(ReadOnlySpan<byte> chunk, int at, int back) =>
        at >= back ? chunk[at - back] : back - at == 1 ? _last : _lastButOne;

    private void Begin(int at, bool statement)
    {
        _from = at;
        _pieceStart = _offset + at;
        _keptLength = 0;
        if (!statement)
            return;
        _inStatement = true;
        _parentheses = 0;
        _routine.Reset();
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        int length = Math.Min(part.Length, KeptBytes - _keptLength);
        if (_keptLength + length > _kept.Length)
            Array.Resize(ref _kept, Math.Min(KeptBytes, Math.Max(4096, 2 * (_keptLength + length))));
        part[..length].CopyTo(_kept.AsSpan(_keptLength));
        _keptLength += length;
    }

    // The piece as one span: a slice of the chunk where all of it is there.
    private ReadOnlySpan<byte> Piece(ReadOnlySpan<byte> chunk, int end)
    {
        ReadOnlySpan<byte> here = chunk[_from..end];
        _from = -1;
        if (_keptLength == 0)
            return here;
        Keep(here);
        return _kept.AsSpan(0, _keptLength);
    }

    private int Between(ReadOnlySpan<byte> chunk, int at)
    {
        int blanks = chunk[at..].IndexOfAnyExcept(Blanks);
        if (blanks < 0)
            return chunk.Length;
        at += blanks;
        byte first = chunk[at];
        _place = first switch
        {
            (byte)'-' => Place.Dash,
            (byte)'/' => Place.Slash,
            (byte)'\\' => Place.Command,
            _ => Place.Statement,
        };
        Begin(at, _place == Place.Statement);
        // The first byte of a statement may be a quote or a parenthesis: it is looked at again.
        return _place == Place.Statement ? at : at + 1;
    }

    private int InStatement(ReadOnlySpan<byte> chunk, int at)
    {
        if (_routine.IsWatching)
        {
            at = _routine.Watch(chunk, at, _parentheses == 0);
            if (at == chunk.Length)
                return at;
        }
        else
        {
            int next = chunk[at..].IndexOfAny(Turns);
            if (next < 0)
                return chunk.Length;
            at += next;
        }

        switch (chunk[at])
        {
            case (byte)'\'':
                // Such a literal goes on after blanks with a line end: psql reads on as it read before.
                if (IsBlankSinceEscaped(chunk, at))
                    Suspect(at);
                bool escapes = (Before(chunk, at, 1) | 0x20) == 'e' && !IsWordByte(Before(chunk, at, 2));
                _place = escapes ? Place.Escaped : Place.Quoted;
                break;
            case (byte)'"':
                _place = Place.Identifier;
                break;
            case (byte)'$' when !IsWordByte(Before(chunk, at, 1)):
                _place = Place.DollarTag;
                _tagLength = 0;
                break;
            case (byte)'$' when FollowsNumber(chunk, at):
                // It would be part of a name, but is the beginning of a quotation after a number or another quotation.
                Suspect(at);
                break;
            case (byte)'\\':
                Suspect(at);
                break;
            case (byte)'-':
                _place = Place.Dash;
                break;
            case (byte)'/':
                _place = Place.Slash;
                break;
            case (byte)'(':
                _parentheses++;
                break;
            case (byte)')':
                _parentheses = Math.Max(0, _parentheses - 1);
                break;
            case (byte)';' when _parentheses == 0 && !_routine.IsInside:
                EndStatement(chunk, at + 1);
                break;
        }

        return at + 1;
    }

    private void Suspect(int at) => UnsafeAt ??= _offset + at;

    // For psql a carriage return ends a comment too; pg_dump writes none but before the line feed.
    private void SuspectReturns(ReadOnlySpan<byte> chunk, int at, int end)
    {
        if (at == 0 && _last == '\r' && chunk[0] != '\n')
            Suspect(at);
        int mark = chunk[at..end].IndexOf((byte)'\r');
        if (mark >= 0 && at + mark != end - 1)
            Suspect(at + mark);
    }

    private bool IsBlankSinceEscaped(ReadOnlySpan<byte> chunk, int at) =>
        _escapedEnd >= 0 && chunk[(int)Math.Clamp(_escapedEnd - _offset, 0, at)..at].IndexOfAnyExcept(Blanks) < 0;

    // A word that begins with a digit or a dollar is no name, and what follows it is read for itself.
    private bool FollowsNumber(ReadOnlySpan<byte> chunk, int at) => FirstOfWord(chunk[..at]) is (>= (byte)'0' and <= (byte)'9') or (byte)'$';

    // The first byte of the word in which the bytes end, which may have begun in the chunk before; 0 for none.
    private byte FirstOfWord(ReadOnlySpan<byte> bytes)
    {
        int first = bytes.Length;
        while (first > 0 && IsWordByte(bytes[first - 1]))
            first--;
        return first == 0 && IsWordByte(_last) ? _firstOfWord : first == bytes.Length ? (byte)0 : bytes[first];
    }

    private void EndStatement(ReadOnlySpan<byte> chunk, int end)
    {
        (_inStatement, _escapedEnd) = (false, -1);
        ReadOnlySpan<byte> text = Piece(chunk, end);
        _place = IsCopyFromStdin(text) ? Place.CopyStart : Place.Between;
        events.Statement(text, new ByteRange(_pieceStart, _offset + end - _pieceStart));
    }

    private int UpToLineEnd(ReadOnlySpan<byte> chunk, int at)
    {
        int end = chunk[at..].IndexOf((byte)'\n');
        if (_place == Place.Comment)
            SuspectReturns(chunk, at, end < 0 ? chunk.Length : at + end);
        if (end < 0)
            return chunk.Length;
        end += at;
        if (_inStatement)
            _place = Place.Statement;
        else
            EndLine(Piece(chunk, end), new ByteRange(_pieceStart, _offset + end + 1 - _pieceStart));
        return end + 1;
    }

    private void EndLine(ReadOnlySpan<byte> line, ByteRange range)
    {
        bool isCommand = _place == Place.Command;
        _place = Place.Between;
        if (isCommand)
            events.Command(line, range);
        else if (_ownLine)
            events.Comment(line, range);
    }
}
