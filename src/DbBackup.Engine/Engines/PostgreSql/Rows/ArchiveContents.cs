using System.Buffers.Binary;
using System.Globalization;

namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>The data of one table in an archive.</summary>
/// <param name="DumpId">The number by which the archive's blocks name it.</param>
/// <param name="Table">The table's oid.</param>
/// <param name="Copy">The statement that loads it, with its columns.</param>
/// <param name="FileName">The file that holds it, in the directory format; empty in an archive of one file.</param>
internal sealed record ArchivedTable(int DumpId, uint Table, string Copy, string FileName);

/// <summary>One entry of an archive with its SQL.</summary>
/// <param name="Kind">What it is, such as <c>TABLE</c> or <c>FK CONSTRAINT</c>.</param>
/// <param name="Schema">The schema, without quotes; empty if there is none.</param>
/// <param name="Name">The name; of a constraint, trigger or policy the table's name, a blank, and its own.</param>
/// <param name="Sql">The statements that create it.</param>
/// <param name="Owner">The role that owns it; empty if there is none.</param>
/// <param name="Tablespace">Its tablespace; empty for the database's own.</param>
/// <param name="AccessMethod">The table's access method; empty if it has none.</param>
internal sealed record ArchivedDefinition(string Kind, string Schema, string Name, string Sql, string Owner, string Tablespace, string AccessMethod);

/// <summary>How pg_dump compressed the data of an archive.</summary>
internal enum ArchiveCompression
{
    None,
    Zlib,
    Lz4,
    Zstd,
    Unknown,
}

/// <summary>
/// The table of contents of an archive of pg_dump, as far as rows and definitions need it. The form is that of pg_backup_archiver.c (ReadHead, ReadToc) in
/// the versions 1.12 to 1.16, which PostgreSQL 9.0 to 18 write; of another one, or of compressed data, nothing is said.
/// </summary>
internal sealed class ArchiveContents
{
    private const byte Custom = 1;
    // toc.dat of the directory format says so of itself, so that the reader for tar can read it (pg_backup_directory.c).
    private const byte Tar = 3;
    private const int OldestMinor = 12;
    private const int NewestMinor = 16;
    private static readonly byte[] s_magic = "PGDMP"u8.ToArray();

    // By their numbers in the archive. Before 1.15 zlib was all there was, and the archive has its level.
    private static readonly ArchiveCompression[] s_compressions = [ArchiveCompression.None, ArchiveCompression.Zlib, ArchiveCompression.Lz4, ArchiveCompression.Zstd];

    private ArchiveContents(int integerBytes, IReadOnlyDictionary<int, ArchivedTable> tables)
    {
        IntegerBytes = integerBytes;
        Tables = tables;
    }

    /// <summary>The version of the server that was dumped, such as <c>15.18 (Debian 15.18-0+deb12u1)</c>.</summary>
    public string ServerVersion { get; private init; } = string.Empty;

    /// <summary>The version of the pg_dump that wrote it.</summary>
    public string ClientVersion { get; private init; } = string.Empty;

    /// <summary>How the data are compressed; in the directory format the files' endings say so too.</summary>
    public ArchiveCompression Compression { get; private init; }

    /// <summary>The encoding of the data, as PostgreSQL names it; null where it is not stated.</summary>
    public string? Encoding { get; private init; }

    /// <summary>The entries with their SQL, in the archive's order; none unless they were asked for.</summary>
    public IReadOnlyList<ArchivedDefinition> Definitions { get; private init; } = [];

    /// <summary>How many bytes an integer of the archive has, beside its sign.</summary>
    public int IntegerBytes { get; }

    /// <summary>The data of tables, by the number of their entries.</summary>
    public IReadOnlyDictionary<int, ArchivedTable> Tables { get; }

    /// <summary>Reads the start of an archive.</summary>
    /// <param name="start">The first bytes.</param>
    /// <param name="length">How many bytes it has.</param>
    /// <returns>False if more bytes are needed.</returns>
    /// <param name="contents">The table of contents; null where the archive is of another form than those known here.</param>
    /// <param name="withDefinitions">True if the entries' SQL is wanted, also of an archive whose data are compressed.</param>
    /// <param name="withCompressed">True if an archive whose data are compressed is wanted too.</param>
    public static bool TryRead(ReadOnlySpan<byte> start, out ArchiveContents? contents, out int length, bool withDefinitions = false, bool withCompressed = false)
    {
        var reader = new Reader(start);
        try
        {
            contents = Read(ref reader, withDefinitions, withCompressed || withDefinitions);
            length = reader.Position;
            return true;
        }
        catch (EndOfStreamException)
        {
            (contents, length) = (null, 0);
            return false;
        }
    }

    /// <summary>Returns when an archive was made, and of which database; null for what its first bytes do not tell.</summary>
    /// <param name="start">The first bytes.</param>
    public static (DateTimeOffset? Created, string? Database) OriginOf(ReadOnlySpan<byte> start)
    {
        var reader = new Reader(start);
        DateTimeOffset? created = null;
        try
        {
            if (ReadHead(ref reader) is not { } head)
                return (null, null);
            created = head.Created;
            return (created, Show(reader.Text()) is { Length: > 0 } database ? database : null);
        }
        catch (EndOfStreamException)
        {
            return (created, null);
        }
    }

    private static Head? ReadHead(ref Reader reader)
    {
        if (!reader.Bytes(s_magic.Length).SequenceEqual(s_magic))
            return null;
        int major = reader.Byte();
        int minor = reader.Byte();
        reader.Byte();
        reader.IntegerBytes = reader.Byte();
        int offsetBytes = reader.Byte();
        byte format = reader.Byte();
        if (major != 1 || minor is < OldestMinor or > NewestMinor || reader.IntegerBytes is < 1 or > 8 || format is not (Custom or Tar))
            return null;
        ArchiveCompression compression = minor >= 15 ? Known(reader.Byte())
            : reader.Integer() != 0 ? ArchiveCompression.Zlib : ArchiveCompression.None;
        // struct tm: from the seconds to the years since 1900, and whether it was summer time.
        Span<long> time = stackalloc long[7];
        for (int field = 0; field < time.Length; field++)
            time[field] = reader.Integer();
        return new Head(minor, offsetBytes, format, compression, Local(time));
    }

    private static ArchiveCompression Known(byte compression) => compression < s_compressions.Length ? s_compressions[compression] : ArchiveCompression.Unknown;

    // By the clock of the machine that wrote it; the zone is not stated, and pg_restore takes its own too.
    private static DateTimeOffset? Local(ReadOnlySpan<long> time)
    {
        (long second, long minute, long hour, long day, long month, long year) = (time[0], time[1], time[2], time[3], time[4] + 1, time[5] + 1900);
        if (second is < 0 or > 60 || minute is < 0 or > 59 || hour is < 0 or > 23 || month is < 1 or > 12 || year is < 1980 or > 9998 || day < 1 || day > DateTime.DaysInMonth((int)year, (int)month))
            return null;
        return new DateTimeOffset(new DateTime((int)year, (int)month, (int)day, (int)hour, (int)minute, (int)Math.Min(second, 59), DateTimeKind.Local));
    }

    private static ArchiveContents? Read(ref Reader reader, bool withDefinitions, bool withCompressed)
    {
        if (ReadHead(ref reader) is not (var minor, var offsetBytes, var format, var compression, _) || (compression != ArchiveCompression.None && !withCompressed))
            return null;
        reader.Text();
        string serverVersion = System.Text.Encoding.UTF8.GetString(reader.Text());
        string clientVersion = System.Text.Encoding.UTF8.GetString(reader.Text());

        long entries = reader.Integer();
        var tables = new Dictionary<int, ArchivedTable>();
        var definitions = new List<ArchivedDefinition>();
        string? encoding = null;
        for (long entry = 0; entry < entries; entry++)
        {
            int dumpId = (int)reader.Integer();
            reader.Integer();
            reader.Text();
            ReadOnlySpan<byte> oid = reader.Text();
            ReadOnlySpan<byte> name = reader.Text();
            ReadOnlySpan<byte> kind = reader.Text();
            bool isData = kind.SequenceEqual("TABLE DATA"u8);
            reader.Integer();
            ReadOnlySpan<byte> sql = reader.Text();
            reader.Text();
            ReadOnlySpan<byte> copy = reader.Text();
            ReadOnlySpan<byte> schema = reader.Text();
            ReadOnlySpan<byte> tablespace = reader.Text();
            ReadOnlySpan<byte> accessMethod = minor >= 14 ? reader.Text() : [];
            if (minor >= 16)
                reader.Integer();
            ReadOnlySpan<byte> owner = reader.Text();
            reader.Text();
            if (withDefinitions && !isData)
                definitions.Add(new ArchivedDefinition(Show(kind), Show(schema), Show(name), Show(sql), Show(owner), Show(tablespace), Show(accessMethod)));
            if (kind.SequenceEqual("ENCODING"u8) && Show(sql).Split('\'') is [_, var named, _])
                encoding = named;
            while (!reader.IsNullText())
            {
            }

            ReadOnlySpan<byte> file = [];
            if (format == Tar)
                file = reader.Text();
            else
                reader.Bytes(1 + offsetBytes);
            if (!isData)
                continue;
            if (!uint.TryParse(oid, NumberStyles.None, CultureInfo.InvariantCulture, out uint table))
                return null;
            tables[dumpId] = new ArchivedTable(dumpId, table, System.Text.Encoding.UTF8.GetString(copy), System.Text.Encoding.UTF8.GetString(file));
        }

        return new ArchiveContents(reader.IntegerBytes, tables) { ServerVersion = serverVersion, ClientVersion = clientVersion, Compression = compression, Encoding = encoding, Definitions = definitions };
    }

    private static string Show(ReadOnlySpan<byte> text) => System.Text.Encoding.UTF8.GetString(text);

    /// <summary>An integer of an archive: a byte for the sign, then the bytes from the lowest on.</summary>
    public static long Integer(ReadOnlySpan<byte> bytes)
    {
        Span<byte> wide = stackalloc byte[8];
        wide.Clear();
        bytes[1..].CopyTo(wide);
        long value = BinaryPrimitives.ReadInt64LittleEndian(wide);
        return bytes[0] == 0 ? value : -value;
    }

    private sealed record Head(int Minor, int OffsetBytes, byte Format, ArchiveCompression Compression, DateTimeOffset? Created);

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public int Position { get; private set; }

        public int IntegerBytes { get; set; }

        public ReadOnlySpan<byte> Bytes(long count)
        {
            if (count > _bytes.Length - Position)
                throw new EndOfStreamException();
            ReadOnlySpan<byte> part = _bytes.Slice(Position, (int)count);
            Position += (int)count;
            return part;
        }

        public byte Byte() => Bytes(1)[0];

        public long Integer() => ArchiveContents.Integer(Bytes(1 + IntegerBytes));

        // A length of -1 is a text that is not there.
        public ReadOnlySpan<byte> Text() => Bytes(Math.Max(0, Integer()));

        public bool IsNullText()
        {
            long length = Integer();
            if (length < 0)
                return true;
            Bytes(length);
            return false;
        }
    }
}
