namespace DbBackup.Engine.Engines.PostgreSql.Text;

// Everything that hides a semicolon.
internal sealed partial class DumpLexer
{
    private int _depth;
    private byte _inBlock;
    private bool _ownLine;

    // The delimiter of a dollar quote, without its dollars, and how much of the closing one has been seen.
    private byte[] _tag = new byte[64];
    private int _tagLength;
    private int _tagSeen;

    private Place Outside => _inStatement ? Place.Statement : Place.Between;

    private int AfterDash(ReadOnlySpan<byte> chunk, int at)
    {
        if (chunk[at] == '-')
        {
            if (_inStatement && IsBlankSinceEscaped(chunk, Math.Max(0, at - 1)))
                Suspect(at);
            _place = Place.Comment;
            // The two bytes before the comment's first dash tell whether it stands at the start of a line.
            _ownLine = !_inStatement && (_pieceStart == 0 || Before(chunk, at, 2) == '\n');
            return at + 1;
        }

        return NoComment(at);
    }

    private int AfterSlash(ReadOnlySpan<byte> chunk, int at)
    {
        if (chunk[at] != '*')
            return NoComment(at);
        _place = Place.Block;
        _depth = 1;
        _inBlock = 0;
        return at + 1;
    }

    // The sign was an operator.
    private int NoComment(int at)
    {
        if (!_inStatement)
        {
            _inStatement = true;
            _parentheses = 0;
            _routine.Reset();
        }

        _place = Place.Statement;
        return at;
    }

    private int InBlock(ReadOnlySpan<byte> chunk, int at)
    {
        for (; at < chunk.Length; at++)
        {
            byte value = chunk[at];
            if (_inBlock == '*' && value == '/')
            {
                _inBlock = 0;
                if (--_depth > 0)
                    continue;
                _place = Outside;
                if (!_inStatement)
                    _from = -1;
                return at + 1;
            }

            bool opens = _inBlock == '/' && value == '*';
            if (opens)
                _depth++;
            _inBlock = opens ? (byte)0 : value;
        }

        return at;
    }

    // A doubled quote ends one quotation and begins the next, which comes to the same.
    private int UpTo(ReadOnlySpan<byte> chunk, int at, byte quote)
    {
        int end = chunk[at..].IndexOf(quote);
        if (end < 0)
            return chunk.Length;
        _place = Place.Statement;
        return at + end + 1;
    }

    private int InEscaped(ReadOnlySpan<byte> chunk, int at)
    {
        if (_place == Place.EscapedEnd)
        {
            bool doubled = chunk[at] == '\'';
            _place = doubled ? Place.Escaped : Place.Statement;
            _escapedEnd = _offset + at;
            return doubled ? at + 1 : at;
        }

        if (_place == Place.EscapedCharacter)
        {
            _place = Place.Escaped;
            return at + 1;
        }

        int turn = chunk[at..].IndexOfAny((byte)'\'', (byte)'\\');
        if (turn < 0)
            return chunk.Length;
        _place = chunk[at + turn] == '\'' ? Place.EscapedEnd : Place.EscapedCharacter;
        return at + turn + 1;
    }

    private int InDollarTag(ReadOnlySpan<byte> chunk, int at)
    {
        byte value = chunk[at];
        if (value == '$')
        {
            _place = Place.Dollar;
            _tagSeen = 0;
            return at + 1;
        }

        // $1 is a parameter, and a lone $ an operator.
        if (!IsWordByte(value) || (_tagLength == 0 && value is >= (byte)'0' and <= (byte)'9'))
        {
            _place = Place.Statement;
            return at;
        }

        if (_tagLength == _tag.Length)
            Array.Resize(ref _tag, 2 * _tag.Length);
        _tag[_tagLength++] = value;
        return at + 1;
    }

    private int InDollarQuote(ReadOnlySpan<byte> chunk, int at)
    {
        while (at < chunk.Length)
        {
            if (_tagSeen == 0)
            {
                int dollar = chunk[at..].IndexOf((byte)'$');
                if (dollar < 0)
                    return chunk.Length;
                _tagSeen = 1;
                at += dollar + 1;
                continue;
            }

            byte value = chunk[at++];
            if (_tagSeen <= _tagLength)
            {
                // The tag holds no dollar, so a dollar can only begin the delimiter anew.
                _tagSeen = value == _tag[_tagSeen - 1] ? _tagSeen + 1 : value == '$' ? 1 : 0;
            }
            else if (value == '$')
            {
                _place = Place.Statement;
                return at;
            }
            else
            {
                _tagSeen = 0;
            }
        }

        return at;
    }
}
