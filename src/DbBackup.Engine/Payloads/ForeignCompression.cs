namespace DbBackup.Engine.Payloads;

/// <summary>Compressions of files that other tools made. No payload is written in them.</summary>
internal static class ForeignCompression
{
    /// <summary>xz, possibly several streams one after the other.</summary>
    public const string Xz = nameof(Xz);

    /// <summary>bzip2, possibly several streams one after the other.</summary>
    public const string Bzip2 = nameof(Bzip2);
}
