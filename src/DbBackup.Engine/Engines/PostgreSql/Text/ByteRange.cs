namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>A stretch of a file.</summary>
/// <param name="Offset">Where it begins, in bytes from the start of the file.</param>
/// <param name="Length">How many bytes it has.</param>
internal readonly record struct ByteRange(long Offset, long Length)
{
    /// <summary>The first byte after it.</summary>
    public long End => Offset + Length;
}
