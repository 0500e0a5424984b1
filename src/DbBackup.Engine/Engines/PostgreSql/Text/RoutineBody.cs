using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>
/// Tells whether a semicolon stands inside a <c>BEGIN ATOMIC … END</c> body of a function or procedure, by psql's own rule: in a
/// statement that creates a routine, BEGIN opens, CASE opens once inside, END closes.
/// </summary>
internal struct RoutineBody
{
    private byte[]? _word;
    private int _length;
    private int _words;
    private int _depth;
    private bool _isRoutine;
    private bool _orReplace;

    /// <summary>True if every word of the statement must be looked at.</summary>
    public bool IsWatching { get; private set; }

    /// <summary>True if the statement goes on after a semicolon.</summary>
    public readonly bool IsInside => _depth > 0;

    /// <summary>Begins a new statement.</summary>
    public void Reset()
    {
        _word ??= new byte[16];
        _length = _words = _depth = 0;
        _isRoutine = _orReplace = false;
        IsWatching = true;
    }

    /// <summary>Reads words up to a byte that is of none.</summary>
    /// <param name="chunk">The present chunk.</param>
    /// <param name="at">Where to go on.</param>
    /// <param name="outermost">True if no parenthesis is open.</param>
    /// <returns>Where the first byte stands that belongs to no word.</returns>
    public int Watch(ReadOnlySpan<byte> chunk, int at, bool outermost)
    {
        for (; at < chunk.Length; at++)
        {
            byte value = chunk[at];
            // Within a name a dollar is a letter as any other.
            bool isName = _length > 0 && value == '$' && !(_word![0] is >= (byte)'0' and <= (byte)'9');
            if (!isName && value is not (>= (byte)'a' and <= (byte)'z' or >= (byte)'A' and <= (byte)'Z' or (byte)'_' or >= (byte)'0' and <= (byte)'9' or >= 0x80))
            {
                if (_length > 0)
                    EndWord(outermost);
                break;
            }

            if (_length < _word!.Length)
                _word[_length] = value;
            _length++;
        }

        return at;
    }

    private void EndWord(bool outermost)
    {
        ReadOnlySpan<byte> word = _word.AsSpan(0, Math.Min(_length, _word!.Length));
        _length = 0;
        int index = _words++;
        if (_isRoutine)
        {
            if (!outermost)
                return;
            if (Is(word, "begin"u8) || (_depth > 0 && Is(word, "case"u8)))
                _depth++;
            else if (_depth > 0 && Is(word, "end"u8))
                _depth--;
            return;
        }

        bool namesRoutine = Is(word, "function"u8) || Is(word, "procedure"u8);
        switch (index)
        {
            case 0:
                IsWatching = Is(word, "create"u8);
                break;
            case 1:
                _isRoutine = namesRoutine;
                _orReplace = Is(word, "or"u8);
                IsWatching = _isRoutine || _orReplace;
                break;
            case 2:
                IsWatching = _orReplace && Is(word, "replace"u8);
                break;
            default:
                IsWatching = _isRoutine = namesRoutine;
                break;
        }
    }

    private static bool Is(ReadOnlySpan<byte> word, ReadOnlySpan<byte> expected) => Ascii.EqualsIgnoreCase(word, expected);
}
