using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Crypto.Generators;

namespace DbBackup.Engine.Encryption;

/// <summary>A passphrase, by which age seals a file (scrypt, RFC 7914) and opens it. Its text is shown nowhere.</summary>
/// <param name="text">The passphrase.</param>
/// <param name="workFactor">The binary logarithm of scrypt's cost for what is sealed: 18 takes about a second and 256 MiB.</param>
internal sealed class Passphrase(string text, int workFactor = Passphrase.DefaultWorkFactor) : IAgeRecipient, IAgeIdentity
{
    /// <summary>The kind of its stanza.</summary>
    public const string Kind = "scrypt";

    /// <summary>What the stock program writes.</summary>
    public const int DefaultWorkFactor = 18;

    // A file could ask for all memory: 22 needs 4 GiB, and the stock program stops there too.
    private const int LargestWorkFactor = 22;
    private const int SaltSize = 16;
    private static readonly byte[] s_label = Encoding.ASCII.GetBytes("age-encryption.org/v1/scrypt");

    /// <inheritdoc/>
    public AgeStanza Wrap(ReadOnlySpan<byte> fileKey)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltSize);
        using var cipher = ChaChaCipher.Create(WrapKey(salt, workFactor));
        byte[] body = new byte[fileKey.Length + ChaChaCipher.TagSize];
        cipher.Seal(new byte[ChaChaCipher.NonceSize], fileKey, body);
        return new AgeStanza([Kind, AgeText.ToBase64(salt), workFactor.ToString(CultureInfo.InvariantCulture)], body);
    }

    /// <inheritdoc/>
    public byte[]? Unwrap(AgeStanza stanza)
    {
        if (stanza.Kind != Kind)
            return null;
        if (stanza.Arguments.Count != 3 || AgeText.FromBase64(stanza.Arguments[1]) is not { Length: SaltSize } salt)
            throw new AgeFormatException("The scrypt entry of its header is malformed.");
        string factor = stanza.Arguments[2];
        if (factor.Length > 2 || !factor.All(char.IsAsciiDigit) || factor.StartsWith('0') || !int.TryParse(factor, NumberStyles.None, CultureInfo.InvariantCulture, out int work))
            throw new AgeFormatException("The scrypt entry of its header has a malformed work factor.");
        if (work > LargestWorkFactor)
            throw new AgeFormatException($"The scrypt entry of its header asks for a work factor of {work}; at most {LargestWorkFactor} (4 GiB of memory) is accepted.");
        if (stanza.Body.Length != AgeHeader.FileKeySize + ChaChaCipher.TagSize)
            throw new AgeFormatException("The scrypt entry of its header wraps a key of another length.");
        using var cipher = ChaChaCipher.Create(WrapKey(salt, work));
        byte[] key = new byte[AgeHeader.FileKeySize];
        return cipher.TryOpen(new byte[ChaChaCipher.NonceSize], stanza.Body, key) ? key : null;
    }

    /// <summary>Returns a word that tells nothing.</summary>
    public override string ToString() => "passphrase";

    private byte[] WrapKey(byte[] salt, int work) => SCrypt.Generate(Encoding.UTF8.GetBytes(text), [.. s_label, .. salt], 1 << work, 8, 1, ChaChaCipher.KeySize);
}
