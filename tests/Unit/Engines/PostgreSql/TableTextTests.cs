using System.IO.Compression;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>Finding the text of a table in an archive; archives of real programs are read by the tests with servers.</summary>
public sealed class TableTextTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(12)]
    [InlineData(14)]
    [InlineData(16)]
    public void Texts_in_an_archive_that_was_streamed_are_found_as_it_passes(int minor)
    {
        byte[] archive = ArchiveRowsTests.Archive(minor);
        string file = _folder["archive"];
        File.WriteAllBytes(file, archive);
        foreach (int step in (int[])[1, 3, 1000, archive.Length])
        {
            var places = new ArchivePlaces();
            foreach (byte[] chunk in archive.Chunk(step))
                places.Append(chunk);
            Assert.True(places.Complete());
            IReadOnlyList<TableText> texts = TableText.OfFile(file, places);
            Assert.Equal(["1\tone\n2\ttwo\n\\.\n\n\n", "\\.\n\n\n"], texts.Select(Read));
            Assert.Equal([17, 5], texts.Select(text => text.AboutBytes));
        }
    }

    [Fact]
    public void Archive_that_ends_early_is_damaged_wherever_it_ends()
    {
        byte[] archive = ArchiveRowsTests.Archive(14);
        var places = new ArchivePlaces();
        places.Append(archive);
        Assert.True(places.Complete());
        (long position, _) = places.Found[7];
        for (int length = (int)position; length < position + 37; length++)
        {
            using var cut = new ArchiveBlockStream(new MemoryStream(archive[(int)position..length]), 4);
            Assert.Throws<InvalidDataException>(() => cut.CopyTo(Stream.Null));
        }
    }

    [Theory]
    [InlineData(14, 6, ArchiveCompression.Zlib)]
    [InlineData(15, 1, ArchiveCompression.Zlib)]
    [InlineData(16, 3, ArchiveCompression.Zstd)]
    public void Compressed_texts_are_known_by_their_archive(int minor, int compression, object expected)
    {
        byte[] archive = ArchiveRowsTests.Archive(minor, compression);
        var places = new ArchivePlaces();
        places.Append(archive);
        Assert.True(places.Complete());
        Assert.All(TableText.OfFile("archive", places), text => Assert.Equal(expected, text.Compression));
        Assert.Equal(2, TableText.OfFile("archive", places).Count);
    }

    [Theory]
    [InlineData(15, 2)]
    [InlineData(16, 9)]
    public void What_is_compressed_otherwise_is_left_to_pg_restore(int minor, int compression)
    {
        var places = new ArchivePlaces();
        places.Append(ArchiveRowsTests.Archive(minor, compression));
        Assert.True(places.Complete());
        Assert.Empty(TableText.OfFile("archive", places));
    }

    [Fact]
    public void Of_an_archive_that_was_cut_off_no_text_is_found()
    {
        byte[] archive = ArchiveRowsTests.Archive(14);
        var places = new ArchivePlaces();
        places.Append(archive.AsSpan(0, archive.Length - 1));
        Assert.False(places.Complete());
        Assert.Empty(TableText.OfFile("archive", places));
    }

    [Fact]
    public void Text_of_zlib_is_read()
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            zlib.Write("1\tone\n\\.\n"u8);
        byte[] data = packed.ToArray();
        byte[] file = [.. Chunk(data[..5]), .. Chunk(data[5..]), .. Chunk([])];
        File.WriteAllBytes(_folder["chunks"], file);
        Assert.Equal("1\tone\n\\.\n", Read(new TableText(new ArchivedTable(1, 2, "COPY t FROM stdin;", ""), null, _folder["chunks"], 0, 4, ArchiveCompression.Zlib, data.Length)));
    }

    private static byte[] Chunk(byte[] data) => [0, .. BitConverter.GetBytes(data.Length), .. data];

    private static string Read(TableText text)
    {
        using var reader = new StreamReader(text.Open(), Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
