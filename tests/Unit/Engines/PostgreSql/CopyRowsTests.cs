using System.Globalization;
using System.IO.Hashing;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

public sealed class CopyRowsTests
{
    private const string Three = "1\tone\n2\t\\\\.\n\\N\t\n";

    [Fact]
    public void Rows_are_counted_and_summed_as_the_documentation_says()
    {
        UInt128 sum = 0;
        foreach (string row in Three.TrimEnd('\n').Split('\n'))
            sum = unchecked(sum + XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(row)));

        Assert.Equal(new TableRows(3, "xxh128:" + sum.ToString("x32", CultureInfo.InvariantCulture)), Read(Three));
        Assert.Equal(new TableRows(0, "xxh128:" + new string('0', 32)), Read(string.Empty));
    }

    [Fact]
    public void The_order_of_rows_does_not_matter_and_everything_else_does()
    {
        TableRows rows = Read(Three);

        Assert.Equal(rows, Read("\\N\t\n2\t\\\\.\n1\tone\n"));
        string[] others = ["1\tone\n2\t\\\\.\n\\N\t\n\n", "1\tone\n2\t\\\\.\n", "1\tone\n2\t\\\\.\n\\N\tx\n", "1\tOne\n2\t\\\\.\n\\N\t\n", "1\tone\n1\tone\n2\t\\\\.\n\\N\t\n"];
        Assert.All(others, other => Assert.NotEqual(rows, Read(other)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_bounds_of_chunks_do_not_matter(bool inUtc)
    {
        string text = Three + "\n\\\n\\\\.\n.\n2026-11-21 10:00:00.5+05:30\t'\r\n" + new string('x', 300) + "\n\\.\n\nSELECT 1;\n";
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var whole = new CopyRows(inUtc);
        int length = whole.Append(bytes);

        Assert.Equal("\nSELECT 1;\n", text[length..]);
        Assert.Equal((true, 9), (whole.IsEnded, whole.Count));
        foreach (int step in (int[])[1, 2, 3, 7, 64])
        {
            var rows = new CopyRows(inUtc);
            int taken = 0;
            while (!rows.IsEnded)
                taken += rows.Append(bytes.AsSpan(taken, Math.Min(step, bytes.Length - taken)));
            Assert.Equal((length, whole.Result()), (taken, rows.Result()));
        }
    }

    [Fact]
    public void Line_ends_of_Windows_are_those_of_the_same_rows() => Assert.Equal(Read(Three), Read(Three.Replace("\n", "\r\n", StringComparison.Ordinal) + "\\.\r\n"));

    [Fact]
    public void Times_with_a_zone_are_the_same_in_every_zone_and_say_so()
    {
        TableRows berlin = Read("1\t{\"2026-11-21 10:00:00+01\"}\n", inUtc: true);

        Assert.StartsWith("xxh128-utc:", berlin.Hash, StringComparison.Ordinal);
        Assert.Equal(berlin, Read("1\t{\"2026-11-21 04:00:00-05\"}\n", inUtc: true));
        var utc = new CopyRows(inUtc: true);
        utc.Append("1\t{\"2026-11-21 09:00:00+00\"}\n"u8);
        Assert.Equal(berlin, utc.Result(asUtc: true));
        Assert.Equal(Read("1\t{\"2026-11-21 09:00:00+00\"}\n"), utc.Result());
        Assert.NotEqual(berlin, Read("1\t{\"2026-11-21 10:00:01+01\"}\n", inUtc: true));
    }

    [Fact]
    public void A_row_too_long_to_be_looked_at_leaves_the_content_unknown_only_where_zones_matter()
    {
        string row = new string('x', (16 << 20) + 1) + "\n";

        Assert.Equal(new TableRows(2, null), ReadInPieces("1\n" + row, inUtc: true));
        Assert.Equal(Read("1\n" + row), ReadInPieces("1\n" + row, inUtc: false));
    }

    [Fact]
    public void Columns_of_a_COPY_statement_are_read_without_their_quotes()
    {
        Assert.Equal(["id", "a \"(b), c", "select"], CopyColumns.Of("COPY public.\"odd ( name\" (id, \"a \"\"(b), c\", \"select\") FROM stdin;\n"));
        Assert.Empty(CopyColumns.Of("COPY public.no_columns  FROM stdin;"));
    }

    private static TableRows Read(string text, bool inUtc = false)
    {
        var rows = new CopyRows(inUtc);
        rows.Append(Encoding.UTF8.GetBytes(text));
        return rows.Result();
    }

    private static TableRows ReadInPieces(string text, bool inUtc)
    {
        var rows = new CopyRows(inUtc);
        foreach (byte[] piece in Encoding.UTF8.GetBytes(text).Chunk(1 << 20))
            rows.Append(piece);
        return rows.Result();
    }
}
