namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>Counts the rows of each table in an archive of the custom format, uncompressed, as it passes.</summary>
/// <remarks>Not safe for use by several threads.</remarks>
internal sealed class ArchiveRows : IArchiveBlockEvents
{
    private readonly Dictionary<uint, TableRows> _rows = [];
    private readonly CopyRows _copy = new();
    private readonly ArchiveBlocks _blocks;
    private uint _table;

    public ArchiveRows() => _blocks = new ArchiveBlocks(this);

    /// <summary>The data of tables that the table of contents lists; null where the archive is of a form that is not known here.</summary>
    public ArchiveContents? Contents => _blocks.Contents;

    /// <summary>Takes the next bytes of the archive.</summary>
    public void Append(ReadOnlySpan<byte> chunk) => _blocks.Append(chunk);

    /// <summary>Ends the archive.</summary>
    /// <returns>The rows by the oids of their tables; null where the archive is of a form that is not known here.</returns>
    /// <exception cref="InvalidDataException">It is cut off.</exception>
    public IReadOnlyDictionary<uint, TableRows>? Complete()
    {
        if (!_blocks.Complete())
            return null;
        ArchivedTable? without = Contents!.Tables.Values.FirstOrDefault(table => !_rows.ContainsKey(table.Table));
        return without is null ? _rows : throw new InvalidDataException($"the data of a table are not in it ({without.Copy.Trim()})");
    }

    void IArchiveBlockEvents.Begin(ArchivedTable table, long position)
    {
        _table = table.Table;
        _copy.Reset();
    }

    // Behind the end mark are only blank lines.
    void IArchiveBlockEvents.Data(ReadOnlySpan<byte> bytes) => _copy.Append(bytes);

    bool IArchiveBlockEvents.End()
    {
        _rows[_table] = _copy.Result();
        return _copy.IsEnded;
    }
}
