using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

// The rows after COPY … FROM stdin;, most of a dump's bytes: only line ends are looked for.
internal sealed partial class DumpLexer
{
    private const int MidLine = -1;

    private long _rows;

    // How much of the end mark \. stands at the start of the present line: 0 to 2 bytes, or MidLine.
    private int _endMark;

    private static bool IsCopyFromStdin(ReadOnlySpan<byte> text) =>
        text.Length > 16 && Ascii.EqualsIgnoreCase(text[..5], "COPY "u8) && Ascii.EqualsIgnoreCase(text[^12..], " FROM stdin;"u8);

    private int BeforeCopyData(ReadOnlySpan<byte> chunk, int at)
    {
        int end = chunk[at..].IndexOf((byte)'\n');
        if (end < 0)
            return chunk.Length;
        _place = Place.CopyData;
        _rows = 0;
        _endMark = 0;
        _pieceStart = _offset + at + end + 1;
        if (events.WantsRows)
            (_from, _keptLength) = (at + end + 1, 0);
        return at + end + 1;
    }

    private int InCopyData(ReadOnlySpan<byte> chunk, int at)
    {
        while (at < chunk.Length)
        {
            if (_endMark == MidLine)
            {
                at = SkipRows(chunk, at);
                continue;
            }

            byte value = chunk[at++];
            if (value == '\n')
            {
                if (_endMark == 2)
                {
                    _place = Place.Between;
                    events.CopyData(_rows, _from < 0 ? [] : Piece(chunk, at), new ByteRange(_pieceStart, _offset + at - _pieceStart));
                    return at;
                }

                _rows++;
                _endMark = 0;
            }
            else
            {
                // pg_dump on Windows ends lines with \r\n where it writes to a console's redirection.
                _endMark = (_endMark, value) switch { (0, (byte)'\\') => 1, (1, (byte)'.') => 2, (2, (byte)'\r') => 2, _ => MidLine };
            }
        }

        return at;
    }

    private int SkipRows(ReadOnlySpan<byte> chunk, int at)
    {
        ReadOnlySpan<byte> rest = chunk[at..];
        int end = rest.IndexOf("\n\\."u8);
        if (end >= 0)
        {
            _rows += rest[..(end + 1)].Count((byte)'\n');
            _endMark = 2;
            return at + end + 3;
        }

        _rows += rest.Count((byte)'\n');
        _endMark = rest[^1] == '\n' ? 0 : rest.EndsWith("\n\\"u8) ? 1 : MidLine;
        return chunk.Length;
    }
}
