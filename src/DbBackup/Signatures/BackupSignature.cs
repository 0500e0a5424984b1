namespace DbBackup;

/// <summary>Who signed a backup's manifest, and what that is worth here.</summary>
public sealed record BackupSignature
{
    /// <summary>What it says of the manifest.</summary>
    public required SignatureStatus Status { get; init; }

    /// <summary>The computer on which the manifest was signed, as it says itself; null for an unsigned one.</summary>
    public string? Host { get; init; }

    /// <summary>The signer's public key: an X.509 SubjectPublicKeyInfo in Base64, the text of a PEM file; null for an unsigned one.</summary>
    public string? PublicKey { get; init; }

    /// <summary>SHA-256 of the public key's bytes, in lower-case hexadecimal; null for an unsigned one.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>The id of the repository for which it was signed; null for an unsigned one.</summary>
    public Guid? Repository { get; init; }

    /// <summary>What is wrong, as a clause; null if nothing is.</summary>
    public string? Problem { get; init; }

    /// <summary>True if the manifest is what a known signer wrote for this place, or was never expected to be signed.</summary>
    public bool IsTrusted => Status is SignatureStatus.Valid or SignatureStatus.NotSigned;

    /// <summary>The signer as a person reads it: the host and the first 16 digits of the fingerprint; null for an unsigned backup.</summary>
    public string? Signer => Fingerprint is null ? null : $"{Host ?? "?"} ({Fingerprint[..16]})";

    /// <inheritdoc/>
    public override string ToString() => Signer is null ? $"{Status}" : $"{Status}, {Signer}";
}
