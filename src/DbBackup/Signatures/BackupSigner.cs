namespace DbBackup;

/// <summary>A key that has signed backups of a repository, or this user's own.</summary>
public sealed record BackupSigner
{
    /// <summary>The computer, as its backups say.</summary>
    public string? Host { get; init; }

    /// <summary>SHA-256 of the public key's bytes, in lower-case hexadecimal.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The public key: an X.509 SubjectPublicKeyInfo in Base64, the text of a PEM file.</summary>
    public required string PublicKey { get; init; }

    /// <summary>Whether this user trusts it here.</summary>
    public required SignerTrust Trust { get; init; }

    /// <summary>The repository in which it was found.</summary>
    public required string Repository { get; init; }

    /// <summary>The id of the repository for which it signed: another one than this for copies.</summary>
    public required Guid SignedFor { get; init; }

    /// <summary>The sources of its backups here.</summary>
    public IReadOnlyList<string> Sources { get; init => field = Indexable.Of(value); } = Indexable.Of<string>([]);

    /// <summary>How many backups here it has signed.</summary>
    public int Backups { get; init; }

    /// <summary>When the newest of them was taken, in local time; null without one.</summary>
    public DateTimeOffset? Newest { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Host ?? "?"} ({Fingerprint[..16]})";
}

/// <summary>Why a signer is trusted, or that it is not.</summary>
public enum SignerTrust
{
    /// <summary>It is not: Restore-DbBackup refuses its backups.</summary>
    Unknown,

    /// <summary>It had signed the source's backups when this user first saw them.</summary>
    FirstUse,

    /// <summary>This user has approved it for the repository.</summary>
    Approved,

    /// <summary>It is this user's own key on this machine.</summary>
    Own,
}
