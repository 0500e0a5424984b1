namespace DbBackup.Engine.Payloads;

/// <summary>What a written payload is known by.</summary>
/// <param name="OriginalSize">Bytes before compression.</param>
/// <param name="StoredSize">Bytes as stored.</param>
/// <param name="OriginalSha256">SHA-256 before compression, in lower-case hexadecimal.</param>
/// <param name="StoredSha256">SHA-256 as stored, in lower-case hexadecimal.</param>
internal sealed record PayloadDigest(long OriginalSize, long StoredSize, string OriginalSha256, string StoredSha256)
{
    /// <summary>SHA-256 of what stands behind the payload of what it was made of; null if nothing does.</summary>
    public string? CatalogSha256 { get; init; }
}
