using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Portability;

/// <summary>The kind of a file to import; told by its content, never by its name.</summary>
internal enum ForeignFileKind
{
    Unknown,
    SqliteDatabase,
    SqliteDump,

    /// <summary>An archive of <c>pg_dump -Fc</c>.</summary>
    PostgreSqlCustom,

    /// <summary>An archive of <c>pg_dump -Ft</c>.</summary>
    PostgreSqlTar,

    /// <summary>A folder of <c>pg_dump -Fd</c>.</summary>
    PostgreSqlDirectory,

    /// <summary>A SQL script of pg_dump.</summary>
    PostgreSqlPlain,

    /// <summary>A SQL script of pg_dumpall.</summary>
    PostgreSqlCluster,
    Tar,

    /// <summary>Text that was encoded anew on its way, by Windows PowerShell's <c>&gt;</c>.</summary>
    Utf16Text,
}

/// <summary>Recognises files by their content.</summary>
/// <param name="Kind">What it is, once decompressed.</param>
/// <param name="Compression">How it is compressed.</param>
internal sealed record ForeignFile(ForeignFileKind Kind, string Compression)
{
    // The table of contents in an archive of pg_dump -Fd or -Ft.
    private const string TableOfContents = "toc.dat";

    // Enough for the header of a tar (512 bytes) and for the comments at the top of a dump.
    private const int StartBytes = 8192;

    // archCustom in pg_backup.h. Folders and tars state archTar, 3, both: their tables of contents are the same.
    private const byte CustomFormat = 1;
    private const int ArchiveHeaderBytes = 11;

    /// <summary>Whether it is a dump of PostgreSQL, of any form.</summary>
    public bool IsPostgreSql => Kind is ForeignFileKind.PostgreSqlCustom or ForeignFileKind.PostgreSqlTar or ForeignFileKind.PostgreSqlDirectory
        or ForeignFileKind.PostgreSqlPlain or ForeignFileKind.PostgreSqlCluster;

    /// <summary>Recognises a file, or a folder that <c>pg_dump -Fd</c> wrote.</summary>
    public static ForeignFile Recognize(string path)
    {
        if (Directory.Exists(path))
            return new ForeignFile(IsArchiveFolder(path) ? ForeignFileKind.PostgreSqlDirectory : ForeignFileKind.Unknown, PayloadCompression.None);
        Span<byte> magic = stackalloc byte[4];
        using (FileStream file = Open(path))
            magic = magic[..file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false)];
        // RFC 1952, section 2.3.1, and RFC 8878, section 3.1.1.
        string compression = magic.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]) ? PayloadCompression.Gzip
            : magic.SequenceEqual((ReadOnlySpan<byte>)[0x28, 0xb5, 0x2f, 0xfd]) ? PayloadCompression.Zstd
            : PayloadCompression.None;
        byte[] start = new byte[StartBytes];
        int length;
        try
        {
            using Stream content = DecompressionStreams.Open(Open(path), compression);
            length = content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException)
        {
            return new ForeignFile(ForeignFileKind.Unknown, compression);
        }

        return new ForeignFile(KindOf(start.AsSpan(0, length)), compression);
    }

    private static ForeignFileKind KindOf(ReadOnlySpan<byte> start)
    {
        if (SqliteFile.HasHeader(start))
            return ForeignFileKind.SqliteDatabase;
        // The table of contents of a folder or tar, taken for itself, is no dump.
        if (ArchiveFormat(start) is { } format)
            return format == CustomFormat ? ForeignFileKind.PostgreSqlCustom : ForeignFileKind.Unknown;
        if (start.Length >= 512 && HasTarChecksum(start[..512]))
            return start.StartsWith("toc.dat\0"u8) ? ForeignFileKind.PostgreSqlTar : ForeignFileKind.Tar;
        // The byte order marks of UTF-16: PowerShell writes one, and no dump begins so.
        if (start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe]) || start.StartsWith((ReadOnlySpan<byte>)[0xfe, 0xff]))
            return ForeignFileKind.Utf16Text;
        string text = System.Text.Encoding.UTF8.GetString(start);
        if (HasLine(text, "-- PostgreSQL database cluster dump"))
            return ForeignFileKind.PostgreSqlCluster;
        if (HasLine(text, "-- PostgreSQL database dump"))
            return ForeignFileKind.PostgreSqlPlain;
        string[] beginnings = ["PRAGMA ", "BEGIN TRANSACTION", "BEGIN;", "CREATE TABLE", "INSERT INTO"];
        bool isSql = !text.Contains('\0', StringComparison.Ordinal) && text.Split('\n').Select(line => line.TrimStart('\ufeff', ' ', '\t'))
            .SkipWhile(line => line.Trim().Length == 0 || line.StartsWith("--", StringComparison.Ordinal))
            .Take(1).Any(line => beginnings.Any(beginning => line.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)));
        return isSql ? ForeignFileKind.SqliteDump : ForeignFileKind.Unknown;
    }

    private static bool IsArchiveFolder(string path)
    {
        string contents = Path.Join(path, TableOfContents);
        foreach ((string name, string compression) in new[] { (contents, PayloadCompression.None), (contents + ".gz", PayloadCompression.Gzip) })
        {
            if (!File.Exists(name))
                continue;
            byte[] start = new byte[ArchiveHeaderBytes];
            try
            {
                using Stream content = DecompressionStreams.Open(Open(name), compression);
                return ArchiveFormat(start.AsSpan(0, content.ReadAtLeast(start, start.Length, throwOnEndOfStream: false))) is { } and not CustomFormat;
            }
            catch (InvalidDataException)
            {
                return false;
            }
        }

        return false;
    }

    // WriteHead in pg_backup_archiver.c: the magic word, three bytes of the version, the sizes of numbers and offsets, the format.
    private static byte? ArchiveFormat(ReadOnlySpan<byte> start) =>
        start.Length >= ArchiveHeaderBytes && start.StartsWith("PGDMP"u8) ? start[ArchiveHeaderBytes - 1] : null;

    private static bool HasLine(string text, string line) => text.Split('\n').Any(candidate => candidate.TrimEnd() == line);

    // Bytes 148 to 155 hold the sum of the header's bytes, with these eight counted as blanks (POSIX.1-1988 ustar; v7 too).
    private static bool HasTarChecksum(ReadOnlySpan<byte> header)
    {
        int stored = 0;
        foreach (byte digit in header.Slice(148, 8))
        {
            if (digit is >= (byte)'0' and <= (byte)'7')
                stored = (stored * 8) + digit - '0';
            else if (digit is not ((byte)' ' or 0))
                return false;
        }

        int sum = 8 * ' ';
        for (int index = 0; index < header.Length; index++)
            sum += index is >= 148 and < 156 ? 0 : header[index];
        return stored > 0 && stored == sum;
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
}
