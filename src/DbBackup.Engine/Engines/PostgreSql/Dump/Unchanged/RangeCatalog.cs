using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;

/// <summary>
/// What the archive of a full backup has of large tables, range by range. An incremental backup takes the ranges from it whose blocks the
/// server's summaries do not name, and reads the others.
/// </summary>
/// <param name="Mark">The place in the server's log.</param>
/// <param name="IntegerBytes">How many bytes an integer of the archive has, beside its sign.</param>
/// <param name="Tables">The tables.</param>
internal sealed record RangeCatalog(WalMark Mark, int IntegerBytes, IReadOnlyList<DumpedTable> Tables)
{
    // Another one as soon as sessions write the text of a value otherwise (PostgreSqlSession, RangeSessions): rows of both forms must not meet.
    private const int Version = 1;

    /// <summary>As it is stored.</summary>
    public byte[] ToBytes()
    {
        var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes, Encoding.UTF8);
        writer.Write7BitEncodedInt(Version);
        foreach (long number in (long[])[Mark.StartLsn, Mark.EndLsn, Mark.Timeline, Mark.System, Mark.Database])
            writer.Write7BitEncodedInt64(number);
        writer.Write7BitEncodedInt(IntegerBytes);
        writer.Write7BitEncodedInt(Tables.Count);
        foreach (DumpedTable table in Tables)
        {
            writer.Write7BitEncodedInt64(table.ObjectId);
            writer.Write7BitEncodedInt64(table.Shape.File);
            writer.Write(table.Shape.Form);
            writer.Write7BitEncodedInt(table.Ranges.Count);
            foreach (DumpedRange range in table.Ranges)
            {
                foreach (long number in (long[])[range.From, range.Count, range.Offset, range.Length, range.Rows.Count])
                    writer.Write7BitEncodedInt64(number);
                writer.Write(range.Rows.Hash ?? string.Empty);
            }
        }

        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>Reads one.</summary>
    /// <param name="bytes">As it is stored.</param>
    /// <returns>Null if it is of another version.</returns>
    /// <exception cref="InvalidDataException">It is none.</exception>
    public static RangeCatalog? Read(ReadOnlyMemory<byte> bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes.ToArray(), writable: false), Encoding.UTF8);
        try
        {
            if (reader.Read7BitEncodedInt() != Version)
                return null;
            var mark = new WalMark(reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64(), (int)reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64());
            int integerBytes = reader.Read7BitEncodedInt();
            return new RangeCatalog(mark, integerBytes, Many(reader, () => new DumpedTable(
                (uint)reader.Read7BitEncodedInt64(),
                new TableShape(reader.Read7BitEncodedInt64(), reader.ReadString()),
                Many(reader, () => ReadRange(reader)))));
        }
        catch (Exception exception) when (exception is EndOfStreamException or FormatException)
        {
            throw new InvalidDataException("its list of ranges cannot be read", exception);
        }
    }

    private static DumpedRange ReadRange(BinaryReader reader)
    {
        long[] numbers = [reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64(), reader.Read7BitEncodedInt64()];
        string hash = reader.ReadString();
        return new DumpedRange(numbers[0], numbers[1], numbers[2], numbers[3], new TableRows(numbers[4], hash.Length == 0 ? null : hash));
    }

    private static List<T> Many<T>(BinaryReader reader, Func<T> read)
    {
        var all = new List<T>();
        for (int left = reader.Read7BitEncodedInt(); left > 0; left--)
            all.Add(read());
        return all;
    }
}
