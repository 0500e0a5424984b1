using System.Buffers;
using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>The rows of a table that an archive defines but does not hold.</summary>
/// <param name="Table">The table's oid.</param>
/// <param name="Copy">The statement that loads them: <c>COPY public.t (id, "Name") FROM stdin;</c> with a line end.</param>
internal sealed record AddedRows(uint Table, string Copy);

/// <summary>
/// Adds entries for the rows of tables to the table of contents of an archive in the custom format. Each is as pg_dump writes it itself
/// (dumpTableData in pg_dump.c), and stands behind all other data: who reads the archive as a stream finds the blocks in the order of the entries.
/// </summary>
internal static class ArchiveAddition
{
    private const int DataSection = 3;
    private const int LaterSection = 4;

    // K_OFFSET_POS_NOT_SET in pg_backup_custom.c: there are data, but where is not stated.
    private const byte UnknownPosition = 1;

    /// <summary>Adds entries.</summary>
    /// <param name="contents">The archive from its first byte to the end of the table of contents.</param>
    /// <param name="rows">What is added, in the order in which the data come.</param>
    /// <returns>
    /// The new table of contents, and the numbers of the entries in that order; null where the archive is of a form that is not known here, lacks one
    /// of the tables, or has its rows already: pg_restore would load them twice.
    /// </returns>
    public static (byte[] Contents, IReadOnlyList<int> DumpIds)? TryAdd(ReadOnlySpan<byte> contents, IReadOnlyList<AddedRows> rows)
    {
        var reader = new ArchiveReader(contents);
        // Of a form that is not known, nothing was read.
        if (contents.IsEmpty || ArchiveContents.ReadHead(ref reader) is not { } head)
            return null;
        for (int text = 0; text < 3; text++)
            reader.Text();
        int count = reader.Position;
        long entries = reader.Integer();
        int first = reader.Position;
        int place = -1;
        int last = 0;
        var tables = new Dictionary<uint, (int From, int To)>();
        for (long entry = 0; entry < entries; entry++)
        {
            int from = reader.Position;
            ArchiveEntryFields fields = ArchiveContents.ReadEntry(ref reader, head);
            last = Math.Max(last, fields.DumpId);
            if (fields.Section == LaterSection && place < 0)
                place = from;
            if (!uint.TryParse(fields.Object, NumberStyles.None, CultureInfo.InvariantCulture, out uint table))
                continue;
            if (fields.Kind.SequenceEqual("TABLE"u8))
                tables[table] = (from, reader.Position);
            else if (fields.Kind.SequenceEqual("TABLE DATA"u8) && rows.Any(added => added.Table == table))
                return null;
        }

        if (place < 0)
            place = reader.Position;
        var writer = new Writer(reader.IntegerBytes);
        writer.Bytes(contents[..count]);
        writer.Integer(entries + rows.Count);
        writer.Bytes(contents[first..place]);
        var ids = new List<int>();
        foreach (AddedRows added in rows)
        {
            if (!tables.TryGetValue(added.Table, out (int From, int To) table))
                return null;
            var entry = new ArchiveReader(contents[table.From..table.To]) { IntegerBytes = reader.IntegerBytes };
            writer.Entry(head, ++last, added, ArchiveContents.ReadEntry(ref entry, head));
            ids.Add(last);
        }

        writer.Bytes(contents[place..reader.Position]);
        return (writer.ToArray(), ids);
    }

    private sealed class Writer(int integerBytes)
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

        public void Bytes(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

        public void Integer(long value)
        {
            Span<byte> bytes = stackalloc byte[1 + sizeof(long)];
            _bytes.Write(ArchiveContents.WriteInteger(bytes, value, integerBytes));
        }

        public void Entry(ArchiveHead head, int dumpId, AddedRows added, scoped ArchiveEntryFields table)
        {
            Integer(dumpId);
            Integer(1);
            Text("0"u8);
            Text(table.Object);
            Text(table.Name);
            Text("TABLE DATA"u8);
            Integer(DataSection);
            None();
            None();
            Text(Encoding.UTF8.GetBytes(added.Copy));
            Text(table.Schema);
            None();
            if (head.HasAccessMethods)
                None();
            if (head.HasKinds)
                Integer(0);
            Text(table.Owner);
            Text("false"u8);
            Text(Encoding.ASCII.GetBytes(table.DumpId.ToString(CultureInfo.InvariantCulture)));
            None();
            _bytes.Write([UnknownPosition]);
            _bytes.Write(new byte[head.OffsetBytes]);
        }

        private void Text(ReadOnlySpan<byte> text)
        {
            Integer(text.Length);
            Bytes(text);
        }

        private void None() => Integer(-1);
    }
}
