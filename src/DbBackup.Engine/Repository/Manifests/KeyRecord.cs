namespace DbBackup.Engine.Repository.Manifests;

/// <summary>What <c>key.json</c> says of <c>key.age</c> beside it: who can open it, and its hash, so that a changed bit is found without a key.</summary>
internal sealed record KeyRecord
{
    /// <summary>The public half of the backup's key, as its manifest has it: the files of another backup are known without a key.</summary>
    public required string Backup { get; init; }

    /// <summary>Public keys (<c>age1…</c>), or the word <c>passphrase</c> alone.</summary>
    public required IReadOnlyList<string> Recipients { get; init; }

    /// <summary>SHA-256 of <c>key.age</c>, in lower-case hexadecimal.</summary>
    public required string KeySha256 { get; init; }

    /// <summary>
    /// A code over the recipients and the hash, made with the backup's own key, in lower-case hexadecimal. Who may write to the repository but cannot open
    /// the backup cannot name a recipient for what is encrypted to the same people later.
    /// </summary>
    public required string Code { get; init; }

    /// <summary>When the key was sealed (UTC).</summary>
    public required DateTimeOffset Sealed { get; init; }
}
