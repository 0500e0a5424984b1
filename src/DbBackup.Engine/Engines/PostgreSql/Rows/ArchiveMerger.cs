namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>
/// Merges the chunks of an archive's data while it passes: pg_dump writes one for each row where it does not compress, and each has its
/// length before it. What comes out is the same archive, smaller, and quick to skip through. It also counts the rows.
/// </summary>
/// <remarks>Not safe for use by several threads.</remarks>
internal sealed class ArchiveMerger : IArchiveBlockEvents
{
    private const int MostInChunk = 1 << 20;

    private readonly ArchiveRows _rows = new();
    private readonly ArchiveBlocks _blocks;
    private readonly ArchiveContents _contents;
    private readonly byte[] _chunk = GC.AllocateUninitializedArray<byte>(MostInChunk);
    private byte[] _output = GC.AllocateUninitializedArray<byte>(2 * MostInChunk);
    private int _chunkLength;
    private int _outputLength;

    /// <summary>Merges what follows a table of contents.</summary>
    public ArchiveMerger(ArchiveContents contents)
    {
        _contents = contents;
        _blocks = new ArchiveBlocks(this, contents);
    }

    /// <summary>What came out since the last call, valid until the next bytes are taken.</summary>
    public ReadOnlyMemory<byte> TakeOutput()
    {
        ReadOnlyMemory<byte> output = _output.AsMemory(0, _outputLength);
        _outputLength = 0;
        return output;
    }

    /// <summary>Takes the next bytes of the archive.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => _blocks.Append(bytes);

    /// <summary>Ends the archive.</summary>
    /// <returns>The rows by the oids of their tables.</returns>
    /// <exception cref="InvalidDataException">It is cut off.</exception>
    public IReadOnlyDictionary<uint, TableRows> Complete()
    {
        _blocks.Complete();
        return _rows.RowsOf(_contents);
    }

    void IArchiveBlockEvents.Begin(ArchivedTable table, long position)
    {
        _rows.Begin(table);
        Write([ArchiveBlocks.DataBlock]);
        WriteInteger(table.DumpId);
    }

    void IArchiveBlockEvents.Data(ReadOnlySpan<byte> bytes)
    {
        _rows.Data(bytes);
        while (!bytes.IsEmpty)
        {
            int taken = Math.Min(bytes.Length, MostInChunk - _chunkLength);
            bytes[..taken].CopyTo(_chunk.AsSpan(_chunkLength));
            bytes = bytes[taken..];
            _chunkLength += taken;
            if (_chunkLength == MostInChunk)
                EndChunk();
        }
    }

    bool IArchiveBlockEvents.End()
    {
        EndChunk();
        WriteInteger(0);
        return _rows.End();
    }

    void IArchiveBlockEvents.Other(ReadOnlySpan<byte> bytes) => Write(bytes);

    private void EndChunk()
    {
        if (_chunkLength == 0)
            return;
        WriteInteger(_chunkLength);
        Write(_chunk.AsSpan(0, _chunkLength));
        _chunkLength = 0;
    }

    private void WriteInteger(long value)
    {
        Span<byte> bytes = stackalloc byte[1 + sizeof(long)];
        Write(ArchiveContents.WriteInteger(bytes, value, _contents.IntegerBytes));
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (_output.Length - _outputLength < bytes.Length)
            Array.Resize(ref _output, Math.Max(2 * _output.Length, _outputLength + bytes.Length));
        bytes.CopyTo(_output.AsSpan(_outputLength));
        _outputLength += bytes.Length;
    }
}
