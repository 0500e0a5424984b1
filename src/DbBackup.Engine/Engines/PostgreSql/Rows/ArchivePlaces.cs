namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>Where the data of each table lie in an archive of the custom format, found as it passes: one that was streamed does not say.</summary>
/// <remarks>Not safe for use by several threads.</remarks>
internal sealed class ArchivePlaces : IArchiveBlockEvents
{
    private readonly Dictionary<int, (long Position, long Bytes)> _found = [];
    private readonly ArchiveBlocks _blocks;
    private int _table;
    private long _position;
    private long _bytes;

    public ArchivePlaces() => _blocks = new ArchiveBlocks(this, withCompressed: true);

    /// <summary>The table of contents; null where the archive is of a form that is not known here.</summary>
    public ArchiveContents? Contents => _blocks.Contents;

    /// <summary>Where the first chunk of an entry's data begins, and how many bytes they have as they are stored.</summary>
    public IReadOnlyDictionary<int, (long Position, long Bytes)> Found => _found;

    /// <summary>Takes the next bytes of the archive.</summary>
    public void Append(ReadOnlySpan<byte> chunk) => _blocks.Append(chunk);

    /// <summary>Ends the archive.</summary>
    /// <returns>False if nothing was found, because it is of a form that is not known here or cut off, which pg_restore tells.</returns>
    public bool Complete()
    {
        try
        {
            return _blocks.Complete();
        }
        catch (InvalidDataException)
        {
            _found.Clear();
            return false;
        }
    }

    void IArchiveBlockEvents.Begin(ArchivedTable table, long position) => (_table, _position, _bytes) = (table.DumpId, position, 0);

    void IArchiveBlockEvents.Data(ReadOnlySpan<byte> bytes) => _bytes += bytes.Length;

    bool IArchiveBlockEvents.End()
    {
        _found[_table] = (_position, _bytes);
        return true;
    }
}
