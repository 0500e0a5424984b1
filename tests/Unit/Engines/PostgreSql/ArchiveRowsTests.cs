using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>Archives of every version that is known, written here field by field; those of real programs are read by the tests with servers.</summary>
public sealed class ArchiveRowsTests
{
    private static readonly byte[] s_data = "1\tone\n2\ttwo\n\\.\n\n\n"u8.ToArray();

    public static TheoryData<int> Versions { get; } = [12, 13, 14, 15, 16];

    [Theory]
    [MemberData(nameof(Versions))]
    public void Rows_are_counted_whatever_the_bounds_of_chunks(int minor)
    {
        byte[] archive = Archive(minor);
        var expected = new CopyRows();
        expected.Append(s_data);

        foreach (int step in (int[])[1, 3, 1000, archive.Length])
        {
            var rows = new ArchiveRows();
            foreach (byte[] chunk in archive.Chunk(step))
                rows.Append(chunk);
            IReadOnlyDictionary<uint, TableRows>? found = rows.Complete();
            Assert.Equal([16385u, 16390u], found!.Keys.Order());
            Assert.Equal(expected.Result(), found[16385]);
            Assert.Equal(0, found[16390].Count);
            Assert.Equal("COPY public.t (id, name) FROM stdin;\n", rows.Contents!.Tables[7].Copy);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void An_archive_that_is_cut_off_anywhere_is_not_whole(int minor)
    {
        byte[] archive = Archive(minor);
        for (int length = 0; length < archive.Length; length++)
        {
            var rows = new ArchiveRows();
            rows.Append(archive.AsSpan(0, length));
            Assert.Throws<InvalidDataException>(() => rows.Complete());
        }
    }

    [Theory]
    [InlineData(11, 0)]
    [InlineData(17, 0)]
    [InlineData(14, 6)]
    [InlineData(16, 3)]
    public void Of_a_form_that_is_not_known_nothing_is_said(int minor, int compression)
    {
        var rows = new ArchiveRows();
        rows.Append(Archive(minor, compression));
        Assert.Null(rows.Complete());
    }

    // ReadHead and ReadToc of pg_backup_archiver.c, and the blocks of pg_backup_custom.c.
    internal static byte[] Archive(int minor, int compression = 0, bool withRows = true)
    {
        var archive = new MemoryStream();
        void Byte(int value) => archive.WriteByte((byte)value);
        void Integer(long value)
        {
            Byte(value < 0 ? 1 : 0);
            for (int index = 0; index < 4; index++)
                Byte((int)(Math.Abs(value) >> (8 * index)) & 0xff);
        }

        void Text(string? text)
        {
            Integer(text is null ? -1 : Encoding.UTF8.GetByteCount(text));
            archive.Write(Encoding.UTF8.GetBytes(text ?? string.Empty));
        }

        void Entry(int id, string oid, string kind, string? copy)
        {
            Integer(id);
            Integer(copy is null ? 0 : 1);
            Text("0");
            Text(oid);
            Text("t");
            Text(kind);
            Integer(3);
            Text("definition");
            Text(null);
            Text(copy);
            Text("public");
            Text(null);
            if (minor >= 14)
                Text("heap");
            if (minor >= 16)
                Integer('r');
            Text("owner");
            Text("false");
            Text("5");
            Text(null);
            Byte(2);
            for (int index = 0; index < 8; index++)
                Byte(0);
        }

        void Block(int kind, int id)
        {
            Byte(kind);
            Integer(id);
        }

        void Data(ReadOnlySpan<byte> data)
        {
            for (int at = 0; at < data.Length; at += 7)
            {
                ReadOnlySpan<byte> part = data[at..Math.Min(data.Length, at + 7)];
                Integer(part.Length);
                archive.Write(part);
            }

            Integer(0);
        }

        archive.Write("PGDMP"u8);
        Byte(1);
        Byte(minor);
        Byte(0);
        Byte(4);
        Byte(8);
        Byte(1);
        if (minor >= 15)
            Byte(compression);
        else
            Integer(compression);
        for (int field = 0; field < 7; field++)
            Integer(field);
        Text("shop");
        Text("15.18");
        Text("15.18");
        Integer(withRows ? 4 : 3);
        Entry(5, "16385", "TABLE", null);
        if (withRows)
            Entry(7, "16385", "TABLE DATA", "COPY public.t (id, name) FROM stdin;\n");
        Entry(8, "16390", "TABLE DATA", "COPY public.u (id) FROM stdin;\n");
        Entry(9, "0", "BLOBS", "");
        if (withRows)
        {
            Block(1, 7);
            Data(s_data);
        }

        Block(3, 9);
        Integer(16400);
        Data("\\.\nnot rows"u8);
        Integer(0);
        Block(1, 8);
        Data("\\.\n\n\n"u8);
        return archive.ToArray();
    }
}
