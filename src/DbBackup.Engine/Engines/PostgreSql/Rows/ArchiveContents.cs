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
        var reader = new ArchiveReader(start);
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
        var reader = new ArchiveReader(start);
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

    internal static ArchiveHead? ReadHead(ref ArchiveReader reader)
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
        return new ArchiveHead(minor, offsetBytes, format, compression, Local(time));
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

    private static ArchiveContents? Read(ref ArchiveReader reader, bool withDefinitions, bool withCompressed)
    {
        if (ReadHead(ref reader) is not { } head || (head.Compression != ArchiveCompression.None && !withCompressed))
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
            ArchiveEntryFields fields = ReadEntry(ref reader, head);
            bool isData = fields.Kind.SequenceEqual("TABLE DATA"u8);
            if (withDefinitions && !isData)
                definitions.Add(new ArchivedDefinition(Show(fields.Kind), Show(fields.Schema), Show(fields.Name), Show(fields.Sql), Show(fields.Owner), Show(fields.Tablespace), Show(fields.AccessMethod)));
            if (fields.Kind.SequenceEqual("ENCODING"u8) && Show(fields.Sql).Split('\'') is [_, var named, _])
                encoding = named;
            if (!isData)
                continue;
            if (!uint.TryParse(fields.Object, NumberStyles.None, CultureInfo.InvariantCulture, out uint table))
                return null;
            tables[fields.DumpId] = new ArchivedTable(fields.DumpId, table, Show(fields.Copy), Show(fields.File));
        }

        return new ArchiveContents(reader.IntegerBytes, tables) { ServerVersion = serverVersion, ClientVersion = clientVersion, Compression = head.Compression, Encoding = encoding, Definitions = definitions };
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

    /// <summary>The same, written.</summary>
    /// <returns>The bytes that are taken of the buffer.</returns>
    public static ReadOnlySpan<byte> WriteInteger(Span<byte> buffer, long value, int integerBytes)
    {
        Span<byte> wide = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(wide, Math.Abs(value));
        buffer[0] = (byte)(value < 0 ? 1 : 0);
        wide[..integerBytes].CopyTo(buffer[1..]);
        return buffer[..(1 + integerBytes)];
    }

    /// <summary>Reads the next entry (WriteToc in pg_backup_archiver.c).</summary>
    internal static ArchiveEntryFields ReadEntry(ref ArchiveReader reader, ArchiveHead head)
    {
        var fields = new ArchiveEntryFields { DumpId = (int)reader.Integer() };
        reader.Integer();
        reader.Text();
        fields.Object = reader.Text();
        fields.Name = reader.Text();
        fields.Kind = reader.Text();
        fields.Section = (int)reader.Integer();
        fields.Sql = reader.Text();
        reader.Text();
        fields.Copy = reader.Text();
        fields.Schema = reader.Text();
        fields.Tablespace = reader.Text();
        if (head.HasAccessMethods)
            fields.AccessMethod = reader.Text();
        if (head.HasKinds)
            reader.Integer();
        fields.Owner = reader.Text();
        reader.Text();
        while (!reader.IsNullText())
        {
        }

        if (head.Format == Tar)
            fields.File = reader.Text();
        else
            reader.Bytes(1 + head.OffsetBytes);
        return fields;
    }
}

/// <summary>What the start of an archive says of its form.</summary>
/// <param name="Minor">Of the form's version 1.x.</param>
/// <param name="OffsetBytes">How many bytes a position in the archive has.</param>
/// <param name="Format">By its number in the archive.</param>
/// <param name="Compression">How its data are compressed.</param>
/// <param name="Created">When it was made; null where its first bytes do not tell.</param>
internal sealed record ArchiveHead(int Minor, int OffsetBytes, byte Format, ArchiveCompression Compression, DateTimeOffset? Created)
{
    /// <summary>True if entries name the access methods of tables, as since PostgreSQL 12.</summary>
    public bool HasAccessMethods => Minor >= 14;

    /// <summary>True if entries have the kinds of relations, as since PostgreSQL 17.</summary>
    public bool HasKinds => Minor >= 16;
}

/// <summary>The fields of an entry, as they lie in the archive; empty where there are none.</summary>
internal ref struct ArchiveEntryFields
{
    public int DumpId;
    public ReadOnlySpan<byte> Object;
    public ReadOnlySpan<byte> Name;
    public ReadOnlySpan<byte> Kind;
    public int Section;
    public ReadOnlySpan<byte> Sql;
    public ReadOnlySpan<byte> Copy;
    public ReadOnlySpan<byte> Schema;
    public ReadOnlySpan<byte> Tablespace;
    public ReadOnlySpan<byte> AccessMethod;
    public ReadOnlySpan<byte> Owner;
    public ReadOnlySpan<byte> File;
}
