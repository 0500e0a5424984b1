namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>Reads the fields of an archive's table of contents (ReadInt and ReadStr in pg_backup_archiver.c).</summary>
/// <param name="bytes">The archive from its first byte on.</param>
internal ref struct ArchiveReader(ReadOnlySpan<byte> bytes)
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
