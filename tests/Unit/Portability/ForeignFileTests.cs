using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using DbBackup.Engine.Portability;
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
    [InlineData(nameof(ForeignFileKind.PostgreSqlCustom))]
    [InlineData(nameof(ForeignFileKind.PostgreSqlTar))]
    [InlineData(nameof(ForeignFileKind.PostgreSqlPlain))]
    [InlineData(nameof(ForeignFileKind.PostgreSqlCluster))]
    public void Dumps_of_PostgreSQL_are_told_apart_compressed_or_not(string kind)
    {
        byte[] content = Enum.Parse<ForeignFileKind>(kind) switch
        {
            ForeignFileKind.PostgreSqlCustom => CustomHead,
            ForeignFileKind.PostgreSqlTar => Tar("toc.dat", TarHead),
            ForeignFileKind.PostgreSqlPlain => Captured("plain.sql"),
            _ => Captured("cluster.sql"),
        };

        Assert.Equal(new ForeignFile(Enum.Parse<ForeignFileKind>(kind), PayloadCompression.None), Recognize(content));
        Assert.Equal(new ForeignFile(Enum.Parse<ForeignFileKind>(kind), PayloadCompression.Gzip), Recognize(Gzip(content)));
        Assert.True(Recognize(content).IsPostgreSql);
    }

    [Fact]
    public void A_folder_of_pg_dump_is_told_by_its_table_of_contents()
    {
        Directory.CreateDirectory(_folder["dump"]);
        Assert.Equal(ForeignFileKind.Unknown, ForeignFile.Recognize(_folder["dump"]).Kind);

        File.WriteAllBytes(_folder["dump/toc.dat"], TarHead);
        Assert.Equal(ForeignFileKind.PostgreSqlDirectory, ForeignFile.Recognize(_folder["dump"]).Kind);
        // The table of contents alone restores nothing.
        Assert.Equal(ForeignFileKind.Unknown, ForeignFile.Recognize(_folder["dump/toc.dat"]).Kind);

        File.WriteAllBytes(_folder["dump/toc.dat"], Encoding.UTF8.GetBytes("something else entirely"));
        Assert.Equal(ForeignFileKind.Unknown, ForeignFile.Recognize(_folder["dump"]).Kind);
    }

    [Fact]
    public void What_only_looks_like_a_dump_is_not_taken_for_one()
    {
        Assert.Equal(ForeignFileKind.Tar, Recognize(Tar("toc.data", TarHead)).Kind);
        Assert.Equal(ForeignFileKind.SqliteDump, Recognize("INSERT INTO notes VALUES ('-- PostgreSQL database dump');\n"u8).Kind);
        Assert.Equal(ForeignFileKind.Unknown, Recognize("PGDMP"u8).Kind);
    }

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

    private ForeignFile Recognize(ReadOnlySpan<byte> content)
    {
        File.WriteAllBytes(_folder["file"], content);
        return ForeignFile.Recognize(_folder["file"]);
    }
}
