using DbBackup.Engine.Encryption;
using DbBackup.Engine.Payloads.Patches;

namespace DbBackup.Engine.Payloads;

/// <summary>The payloads of one backup, published or still staged, as a reader needs them.</summary>
/// <param name="Manifest">What is in it.</param>
/// <param name="Open">Opens a stored file by its name.</param>
/// <param name="Key">The key of an encrypted backup, as far as it is known here.</param>
internal sealed record BackupContent(Manifest Manifest, Func<string, Stream> Open, IAgeIdentity? Key)
{
    /// <summary>The payloads of a plain backup, or of one whose key is not at hand.</summary>
    public BackupContent(Manifest manifest, Func<string, Stream> open)
        : this(manifest, open, null)
    {
    }

    /// <summary>Opens the full backup's payload from which one of an incremental backup differs; null where there are none.</summary>
    public Func<Payload, CancellationToken, Task<ParentPayload>>? OpenParent { get; init; }

    /// <summary>Compares the full backup's payload from which one of an incremental backup differs with its hash; null where there are none.</summary>
    public Func<Payload, IProgress<long>?, CancellationToken, Task<BackupCheck>>? VerifyParentAsync { get; init; }

    /// <summary>Opens a payload's original bytes; reading them to the end proves sizes and hashes.</summary>
    public PayloadReader OpenOriginal(Payload payload, CancellationToken cancellationToken) =>
        new(Open(payload.FileName), payload, cancellationToken, Key, OpenParent is null ? null : token => OpenParent(payload, token));
}
