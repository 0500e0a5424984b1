namespace DbBackup;

/// <summary>How a backup is encrypted: its payloads, details and full instructions are age files, sealed to a key of its own.</summary>
public sealed record EncryptionInfo
{
    /// <summary>The backup's own public key (<c>age1…</c>). Its secret half is in <c>key.age</c> beside the manifest, sealed to those who can open the backup.</summary>
    public required string Recipient { get; init; }

    /// <summary>SHA-256 of the sealed instructions <c>RESTORE.full.txt.age</c>, in lower-case hexadecimal.</summary>
    public required string InstructionsSha256 { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Recipient;
}
