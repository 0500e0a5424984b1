namespace DbBackup.Engine.Payloads;

/// <summary>Which compression a payload gets.</summary>
internal static class PayloadCompressionChoice
{
    /// <summary>The version of zstd that is used, as in <c>1.5.6</c>.</summary>
    public static string ZstdVersion => ZstdLibrary.Best.Version;

    /// <summary>Decides on a compression.</summary>
    /// <param name="requested">What was asked for; null for zstd, which is quicker and smaller than gzip.</param>
    /// <exception cref="BackupFailure">This version does not know the compression.</exception>
    public static string Resolve(string? requested) => requested switch
    {
        null => PayloadCompression.Zstd,
        PayloadCompression.None or PayloadCompression.Gzip or PayloadCompression.Zstd => requested,
        _ => throw new BackupFailure(
            ErrorCodes.FormatNotSupported,
            FailureCategory.NotSupported,
            $"The compression '{requested}' is not known to this version.",
            "Use Zstd, Gzip or None."),
    };
}
