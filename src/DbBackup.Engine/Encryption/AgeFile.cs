namespace DbBackup.Engine.Encryption;

/// <summary>Small age files that fit into memory: keys, details, instructions.</summary>
internal static class AgeFile
{
    /// <summary>Seals bytes.</summary>
    public static byte[] Seal(ReadOnlyMemory<byte> content, IReadOnlyList<IAgeRecipient> recipients)
    {
        using var file = new MemoryStream();
        using var stream = new AgeEncryptionStream(file, recipients);
        stream.WriteAsync(content, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        stream.CompleteAsync(CancellationToken.None).GetAwaiter().GetResult();
        return file.ToArray();
    }

    /// <summary>Opens a file, armored or not.</summary>
    /// <exception cref="AgeFormatException">It is no age file, or was changed.</exception>
    /// <exception cref="NoMatchingIdentityException">It is sealed to others.</exception>
    public static byte[] Open(ReadOnlyMemory<byte> file, IReadOnlyList<IAgeIdentity> identities)
    {
        using var stored = new MemoryStream(AgeArmor.Is(file.Span) ? AgeArmor.Read(file.Span) : file.ToArray(), writable: false);
        using var stream = new AgeDecryptionStream(stored, identities);
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    /// <summary>True if a file begins as an age file does.</summary>
    public static bool Is(ReadOnlySpan<byte> file) => file.StartsWith("age-encryption.org/"u8) || AgeArmor.Is(file);

    /// <summary>True if a file is sealed by a passphrase.</summary>
    /// <exception cref="AgeFormatException">It is no age file.</exception>
    public static bool NeedsPassphrase(ReadOnlySpan<byte> file) =>
        AgeHeader.Read(AgeArmor.Is(file) ? AgeArmor.Read(file) : file, out _)?.Stanzas is [{ Kind: Passphrase.Kind }];
}
