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
        return _blocks.Complete() ? RowsOf(Contents!) : null;
    }

    /// <summary>The rows of all tables that a table of contents lists.</summary>
    /// <exception cref="InvalidDataException">One is missing.</exception>
    public IReadOnlyDictionary<uint, TableRows> RowsOf(ArchiveContents contents)
    {
        ArchivedTable? without = contents.Tables.Values.FirstOrDefault(table => !_rows.ContainsKey(table.Table));
        return without is null ? _rows : throw new InvalidDataException($"the data of a table are not in it ({without.Copy.Trim()})");
    }

    /// <summary>Begins the data of a table.</summary>
    public void Begin(ArchivedTable table)
    {
        _table = table.Table;
        _copy.Reset();
    }

    /// <summary>Takes the next of them.</summary>
    // Behind the end mark are only blank lines.
    public void Data(ReadOnlySpan<byte> bytes) => _copy.Append(bytes);

    /// <inheritdoc/>
    public bool End()
    {
        _rows[_table] = _copy.Result();
        return _copy.IsEnded;
    }

    void IArchiveBlockEvents.Begin(ArchivedTable table, long position) => Begin(table);
}
