using System.Buffers;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>
/// Knows whether a place in SQL text lies inside a string, a quoted name or a comment, so that a semicolon there ends no statement. SQLite
/// would tell too, but only by reading all of the statement again for each of its lines.
/// </summary>
internal struct SqlQuotes
{
    private static readonly SearchValues<char> s_beginnings = SearchValues.Create("'\"`[-/");
    private char _open;

    /// <summary>Reads a line, without its line feed.</summary>
    /// <returns>True if the next line begins inside quotes or a comment.</returns>
    public bool AreOpenAfter(string line)
    {
        int at = 0;
        while (at < line.Length)
        {
            if (_open == '\0')
            {
                int next = line.AsSpan(at).IndexOfAny(s_beginnings);
                if (next < 0)
                    return false;
                at += next;
                char follower = at + 1 < line.Length ? line[at + 1] : '\0';
                if (line[at] == '-' && follower == '-')
                    return false;
                if (line[at] == '/' && follower == '*')
                    (_open, at) = ('*', at + 1);
                else if (line[at] is not ('-' or '/'))
                    _open = line[at] == '[' ? ']' : line[at];
                at++;
                continue;
            }

            int end = line.AsSpan(at).IndexOf(_open);
            if (end < 0)
                return true;
            at += end + 1;
            // A doubled quote closes and opens again at once. A comment ends with a star and a slash.
            if (_open != '*' || (at < line.Length && line[at] == '/'))
                (_open, at) = ('\0', _open == '*' ? at + 1 : at);
        }

        return _open != '\0';
    }
}
