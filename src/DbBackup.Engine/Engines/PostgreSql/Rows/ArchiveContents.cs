using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>The data of one table in an archive.</summary>
/// <param name="DumpId">The number by which the archive's blocks name it.</param>
/// <param name="Table">The table's oid.</param>
/// <param name="Copy">The statement that loads it, with its columns.</param>
/// <param name="FileName">The file that holds it, in the directory format; empty in an archive of one file.</param>
internal sealed record ArchivedTable(int DumpId, uint Table, string Copy, string FileName);

/// <summary>
/// The table of contents of an archive of pg_dump, as far as rows need it. The form is that of pg_backup_archiver.c (ReadHead, ReadToc) in
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

    private ArchiveContents(int integerBytes, IReadOnlyDictionary<int, ArchivedTable> tables)
    {
        IntegerBytes = integerBytes;
        Tables = tables;
    }

    /// <summary>How many bytes an integer of the archive has, beside its sign.</summary>
    public int IntegerBytes { get; }

    /// <summary>The data of tables, by the number of their entries.</summary>
    public IReadOnlyDictionary<int, ArchivedTable> Tables { get; }

    /// <summary>Reads the start of an archive.</summary>
    /// <param name="start">The first bytes.</param>
    /// <param name="length">How many bytes it has.</param>
    /// <returns>False if more bytes are needed.</returns>
    /// <param name="contents">The table of contents; null where the archive is of another form than those known here.</param>
    public static bool TryRead(ReadOnlySpan<byte> start, out ArchiveContents? contents, out int length)
    {
        var reader = new Reader(start);
        try
        {
            contents = Read(ref reader);
            length = reader.Position;
            return true;
        }
        catch (EndOfStreamException)
        {
            (contents, length) = (null, 0);
            return false;
        }
    }

    private static ArchiveContents? Read(ref Reader reader)
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
        if ((minor >= 15 ? reader.Byte() : reader.Integer()) != 0)
            return null;
        for (int field = 0; field < 7; field++)
            reader.Integer();
        for (int text = 0; text < 3; text++)
            reader.Text();

        long entries = reader.Integer();
        var tables = new Dictionary<int, ArchivedTable>();
        for (long entry = 0; entry < entries; entry++)
        {
            int dumpId = (int)reader.Integer();
            reader.Integer();
            reader.Text();
            ReadOnlySpan<byte> oid = reader.Text();
            reader.Text();
            bool isData = reader.Text().SequenceEqual("TABLE DATA"u8);
            reader.Integer();
            reader.Text();
            reader.Text();
            ReadOnlySpan<byte> copy = reader.Text();
            reader.Text();
            reader.Text();
            if (minor >= 14)
                reader.Text();
            if (minor >= 16)
                reader.Integer();
            reader.Text();
            reader.Text();
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
            tables[dumpId] = new ArchivedTable(dumpId, table, Encoding.UTF8.GetString(copy), Encoding.UTF8.GetString(file));
        }

        return new ArchiveContents(reader.IntegerBytes, tables);
    }

    /// <summary>An integer of an archive: a byte for the sign, then the bytes from the lowest on.</summary>
    public static long Integer(ReadOnlySpan<byte> bytes)
    {
        Span<byte> wide = stackalloc byte[8];
        wide.Clear();
        bytes[1..].CopyTo(wide);
        long value = BinaryPrimitives.ReadInt64LittleEndian(wide);
        return bytes[0] == 0 ? value : -value;
    }

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
