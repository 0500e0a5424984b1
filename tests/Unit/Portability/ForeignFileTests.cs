using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using DbBackup.Engine.Engines;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Portability;

public sealed class ForeignFileTests : IDisposable
{
    // The heads of what pg_dump 15 writes: the magic word, version 1.14.0, 4-byte numbers, 8-byte offsets, the format.
    private static readonly byte[] CustomHead = [.. "PGDMP"u8, 1, 14, 0, 4, 8, 1, 1, 1, 0, 0];
    private static readonly byte[] TarHead = [.. "PGDMP"u8, 1, 14, 0, 4, 8, 3, 0, 0, 0, 0];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("an archive of pg_dump in the custom format")]
    [InlineData("an archive of pg_dump in the tar format")]
    [InlineData("a SQL script of pg_dump")]
    [InlineData("a SQL script of pg_dumpall")]
    public void Dumps_of_PostgreSQL_are_told_apart_compressed_or_not(string kind)
    {
        byte[] content = kind switch
        {
            "an archive of pg_dump in the custom format" => CustomHead,
            "an archive of pg_dump in the tar format" => Tar("toc.dat", TarHead),
            "a SQL script of pg_dump" => Captured("plain.sql"),
            _ => Captured("cluster.sql"),
        };

        Assert.Equal(kind, Recognize(content)?.Description);
        Assert.Equal(PayloadCompression.None, Read(content).Compression);
        Assert.Equal(kind, Recognize(Gzip(content))?.Description);
        Assert.Equal(PayloadCompression.Gzip, Read(Gzip(content)).Compression);
    }

    [Fact]
    public void A_folder_of_pg_dump_is_told_by_its_table_of_contents()
    {
        Directory.CreateDirectory(_folder["dump"]);
        Assert.Null(DatabaseEngines.Recognize(ForeignFile.Read(_folder["dump"])));

        File.WriteAllBytes(_folder["dump/toc.dat"], TarHead);
        Assert.Equal("an archive of pg_dump in the directory format", DatabaseEngines.Recognize(ForeignFile.Read(_folder["dump"]))?.Description);
        // The table of contents alone restores nothing.
        Assert.Null(DatabaseEngines.Recognize(ForeignFile.Read(_folder["dump/toc.dat"])));

        File.WriteAllBytes(_folder["dump/toc.dat"], Encoding.UTF8.GetBytes("something else entirely"));
        Assert.Null(DatabaseEngines.Recognize(ForeignFile.Read(_folder["dump"])));
    }

    [Fact]
    public void What_only_looks_like_a_dump_is_not_taken_for_one()
    {
        Assert.Null(Recognize(Tar("toc.data", TarHead)));
        Assert.True(Read(Tar("toc.data", TarHead)).IsTar);
        Assert.Equal("a SQL dump", Recognize("INSERT INTO notes VALUES ('-- PostgreSQL database dump');\n"u8)?.Description);
        Assert.Null(Recognize("PGDMP"u8));
        Assert.True(Read([0xff, 0xfe, .. Encoding.Unicode.GetBytes("CREATE TABLE notes (id);")]).IsUtf16);
    }

    [Fact]
    public void Certainty_goes_before_likeness() => Assert.Equal(
        "a SQL script of pg_dump", Recognize("--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE notes (id integer);\n"u8)?.Description);

    private static byte[] Captured(string name) => File.ReadAllBytes(Path.Join(AppContext.BaseDirectory, "Data", "postgresql", name));

    private static byte[] Gzip(byte[] content)
    {
        using var stored = new MemoryStream();
        using (var gzip = new GZipStream(stored, CompressionLevel.Fastest))
            gzip.Write(content);
        return stored.ToArray();
    }

    private static byte[] Tar(string name, byte[] content)
    {
        using var stored = new MemoryStream();
        using (var writer = new TarWriter(stored, TarEntryFormat.Ustar, leaveOpen: true))
            writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) });
        return stored.ToArray();
    }

    private ForeignDump? Recognize(ReadOnlySpan<byte> content) => DatabaseEngines.Recognize(Read(content));

    private ForeignFile Read(ReadOnlySpan<byte> content)
    {
        File.WriteAllBytes(_folder["file"], content);
        return ForeignFile.Read(_folder["file"]);
    }
}
