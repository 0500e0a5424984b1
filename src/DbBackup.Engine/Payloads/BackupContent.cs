namespace DbBackup.Engine.Payloads;

/// <summary>The payloads of one backup, published or still staged, as a reader needs them.</summary>
/// <param name="Manifest">What is in it.</param>
/// <param name="Open">Opens a stored file by its name.</param>
internal sealed record BackupContent(Manifest Manifest, Func<string, Stream> Open)
{
    /// <summary>Opens a payload's original bytes; reading them to the end proves sizes and hashes.</summary>
    public PayloadReader OpenOriginal(Payload payload, CancellationToken cancellationToken) =>
        new(Open(payload.FileName), payload, cancellationToken);
}
