using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

// The rows after COPY … FROM stdin;, most of a dump's bytes: only line ends are looked for.
internal sealed partial class DumpLexer
{
    private static bool IsCopyFromStdin(ReadOnlySpan<byte> text) =>
        text.Length > 16 && Ascii.EqualsIgnoreCase(text[..5], "COPY "u8) && Ascii.EqualsIgnoreCase(text[^12..], " FROM stdin;"u8);

    private int BeforeCopyData(ReadOnlySpan<byte> chunk, int at)
    {
        int end = chunk[at..].IndexOf((byte)'\n');
        if (end < 0)
            return chunk.Length;
        _place = Place.CopyData;
        _rows.Reset();
        _pieceStart = _offset + at + end + 1;
        if (events.WantsRows)
            (_from, _keptLength) = (at + end + 1, 0);
        return at + end + 1;
    }

    private int InCopyData(ReadOnlySpan<byte> chunk, int at)
    {
        at += _rows.Append(chunk[at..]);
        if (_rows.IsEnded)
        {
            _place = Place.Between;
            events.CopyData(_rows.Result(), _from < 0 ? [] : Piece(chunk, at), new ByteRange(_pieceStart, _offset + at - _pieceStart));
        }

        return at;
    }
}
