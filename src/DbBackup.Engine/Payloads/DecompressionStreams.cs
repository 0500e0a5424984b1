namespace DbBackup.Engine.Payloads;

/// <summary>Opens compressed files, also those that other tools wrote.</summary>
internal static class DecompressionStreams
{
    /// <summary>Opens a stream of the original bytes.</summary>
    /// <param name="stored">The compressed bytes; the stream stays the caller's.</param>
    /// <param name="compression">How they are compressed.</param>
    /// <returns>
    /// A stream that reads any number of frames or members one after the other, and throws <see cref="InvalidDataException"/> where the
    /// content is damaged, ends early, or is followed by anything else. Without compression it is a view of the same bytes.
    /// </returns>
    /// <exception cref="BackupFailure">This version does not know the compression.</exception>
    public static Stream Open(Stream stored, string compression) => Open(stored, compression, ZstdLibrary.Best);

    internal static Stream Open(Stream stored, string compression, ZstdLibrary zstd)
    {
        ArgumentNullException.ThrowIfNull(stored);
        return compression switch
        {
            PayloadCompression.Gzip => new GzipDecompressionStream(stored),
            PayloadCompression.Zstd => new ZstdDecompressionStream(stored, zstd),
            ForeignCompression.Xz => new XzDecompressionStream(stored),
            ForeignCompression.Bzip2 => new Bzip2DecompressionStream(stored),
            PayloadCompression.None => new ObservedStream(stored),
            _ => throw new BackupFailure(
                ErrorCodes.FormatNotSupported,
                FailureCategory.NotSupported,
                $"The compression '{compression}' is not known to this version.",
                "Use the version of this module that wrote the file, or a newer one."),
        };
    }
}
