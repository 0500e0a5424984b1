using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>Cutting COPY text: nothing lost, nothing twice, and only between rows.</summary>
public sealed class CopyPiecesTests
{
    private const string End = "\\.\n\n\n";

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(16)]
    [InlineData(1000)]
    public void Pieces_are_the_text_and_end_with_rows(int pieceBytes)
    {
        var random = new Random(pieceBytes);
        for (int round = 0; round < 300; round++)
        {
            string[] rows = [.. Enumerable.Range(0, random.Next(12)).Select(_ => Row(random))];
            string text = string.Concat(rows.Select(row => row + "\n"));
            List<(CopyPiece Piece, string Text)> pieces = Cut(text + End, pieceBytes);

            Assert.Equal(text, string.Concat(pieces.Select(piece => piece.Text)));
            foreach ((CopyPiece piece, string part) in pieces)
            {
                Assert.Equal(piece.EndsRow, part.EndsWith('\n'));
                Assert.Equal(part.Count(letter => letter == '\n'), piece.Rows);
                if (piece.BeginsRow)
                    Assert.StartsWith(part.Split('\n')[0], rows[piece.FirstRow - 1], StringComparison.Ordinal);
            }

            // A row is begun once, and behind a piece that ends none comes one that goes on with it.
            for (int index = 1; index < pieces.Count; index++)
                Assert.Equal(pieces[index - 1].Piece.EndsRow, pieces[index].Piece.BeginsRow);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("1\n")]
    [InlineData("1\n\\.")]
    [InlineData("1\n2")]
    [InlineData("12345678\n12345678\n")]
    [InlineData("1\n\\.x\n")]
    public void Text_without_its_end_mark_was_cut_off(string text)
    {
        foreach (int pieceBytes in (int[])[4, 9, 64])
            Assert.Throws<InvalidDataException>(() => Cut(text, pieceBytes));
    }

    [Theory]
    [InlineData("\\.\n", "")]
    [InlineData("1\r\n2\r\n\\.\r\n", "1\r\n2\r\n")]
    [InlineData("a\\\\.\n\\.x\n\\.\n\n", "a\\\\.\n\\.x\n")]
    [InlineData("\n\n\\.\nnot a row\n", "\n\n")]
    public void End_mark_is_a_line_of_its_own(string text, string rows)
    {
        foreach (int pieceBytes in (int[])[4, 5, 64])
            Assert.Equal(rows, string.Concat(Cut(text, pieceBytes).Select(piece => piece.Text)));
    }

    private static List<(CopyPiece Piece, string Text)> Cut(string text, int pieceBytes)
    {
        using var pieces = new CopyPieces(new DripStream(Encoding.Latin1.GetBytes(text)));
        byte[] buffer = new byte[pieceBytes];
        var found = new List<(CopyPiece, string)>();
        while (true)
        {
            CopyPiece piece = pieces.Read(buffer);
            if (piece.Length == 0)
                return found;
            found.Add((piece, Encoding.Latin1.GetString(buffer, 0, piece.Length)));
        }
    }

    private static string Row(Random random) => random.Next(4) switch
    {
        0 => string.Empty,
        1 => "\\\\.",
        2 => "\\N\t" + new string('x', random.Next(40)),
        _ => string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => "ab\\n\\\\.\t\r"[random.Next(9)])).Replace("\\.", "x", StringComparison.Ordinal) + "x",
    };

    /// <summary>Gives a byte at a time, as a decompressor may.</summary>
    private sealed class DripStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(1, buffer.Length)]);
    }
}
