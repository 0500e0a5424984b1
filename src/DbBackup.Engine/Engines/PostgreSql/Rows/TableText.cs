using System.IO.Compression;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>The COPY text of one table in an archive that lies on this machine.</summary>
/// <param name="Table">The entry.</param>
/// <param name="Encoding">The text's encoding, as PostgreSQL names it; null where it is not stated.</param>
/// <param name="Path">The file that it lies in.</param>
/// <param name="Position">Where in it.</param>
/// <param name="IntegerBytes">How many bytes an integer of the archive has, where the file is one of chunks; null where it is the text alone.</param>
/// <param name="Compression">How it is compressed.</param>
/// <param name="StoredBytes">How many bytes it takes as it is stored.</param>
internal sealed record TableText(ArchivedTable Table, string? Encoding, string Path, long Position, int? IntegerBytes, ArchiveCompression Compression, long StoredBytes)
{
    private const string ContentsFile = "toc.dat";

    // What text shrinks to at least, mostly; it only has to tell large tables from small ones.
    private const int UsualRatio = 3;

    // As pg_dump's compress_io.c names the files; those of lz4 are left to pg_restore.
    private static readonly (string Ending, ArchiveCompression Compression)[] s_endings =
        [(string.Empty, ArchiveCompression.None), (".gz", ArchiveCompression.Zlib), (".zst", ArchiveCompression.Zstd)];

    /// <summary>About how long the text is.</summary>
    public long AboutBytes => Compression == ArchiveCompression.None ? StoredBytes : UsualRatio * StoredBytes;

    /// <summary>The texts in a folder that pg_dump wrote; none where it is of a form that is not known here.</summary>
    public static IReadOnlyList<TableText> OfFolder(string folder)
    {
        if (!ArchiveContents.TryRead(File.ReadAllBytes(System.IO.Path.Combine(folder, ContentsFile)), out ArchiveContents? contents, out _, withCompressed: true) || contents is null)
            return [];
        return [.. contents.Tables.Values.Where(IsCopy).Select(table => OfFolder(folder, contents, table)).OfType<TableText>()];
    }

    /// <summary>The texts in an archive of one file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="places">What was found when it passed.</param>
    public static IReadOnlyList<TableText> OfFile(string file, ArchivePlaces places)
    {
        if (places.Contents is not { Compression: ArchiveCompression.None or ArchiveCompression.Zlib or ArchiveCompression.Zstd } contents)
            return [];
        return
        [
            .. contents.Tables.Values.Where(table => IsCopy(table) && places.Found.ContainsKey(table.DumpId)).Select(table =>
                new TableText(table, contents.Encoding, file, places.Found[table.DumpId].Position, contents.IntegerBytes, contents.Compression, places.Found[table.DumpId].Bytes)),
        ];
    }

    /// <summary>Opens the text.</summary>
    public Stream Open()
    {
        Stream stored = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan) { Position = Position };
        if (IntegerBytes is { } bytes)
            stored = new ArchiveBlockStream(stored, bytes);
        return Compression switch
        {
            ArchiveCompression.Zlib when IntegerBytes is not null => new ZLibStream(stored, CompressionMode.Decompress),
            ArchiveCompression.Zlib => new OwningStream(DecompressionStreams.Open(stored, PayloadCompression.Gzip), stored),
            ArchiveCompression.Zstd => new OwningStream(DecompressionStreams.Open(stored, PayloadCompression.Zstd), stored),
            _ => stored,
        };
    }

    private static TableText? OfFolder(string folder, ArchiveContents contents, ArchivedTable table)
    {
        // A name from elsewhere must not lead out of the folder.
        string name = System.IO.Path.GetFileName(table.FileName);
        foreach ((string ending, ArchiveCompression compression) in s_endings)
        {
            var file = new FileInfo(System.IO.Path.Combine(folder, name + ending));
            if (name.Length > 0 && file.Exists)
                return new TableText(table, contents.Encoding, file.FullName, 0, null, compression, file.Length);
        }

        return null;
    }

    // Not the INSERT statements of pg_dump --inserts.
    private static bool IsCopy(ArchivedTable table) =>
        table.Copy.StartsWith("COPY ", StringComparison.Ordinal) && table.Copy.TrimEnd().EndsWith(" FROM stdin;", StringComparison.Ordinal);

    private sealed class OwningStream(Stream inner, Stream owned) : Platform.ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => inner.Read(buffer);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
                owned.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
