using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace DbBackup.Engine.Encryption;

/// <summary>A secret key of age (<c>AGE-SECRET-KEY-1…</c>). Its text is no part of any other text: <see cref="object.ToString"/> gives the recipient.</summary>
internal sealed class X25519Identity : IAgeIdentity
{
    /// <summary>What the text of a secret key begins with.</summary>
    public const string Opening = "AGE-SECRET-KEY-1";

    private const string Prefix = "age-secret-key-";
    private readonly byte[] _scalar;

    private X25519Identity(byte[] scalar)
    {
        _scalar = scalar;
        byte[] point = new byte[X25519Recipient.Size];
        X25519.ScalarMultBase(scalar, 0, point, 0);
        Recipient = new X25519Recipient(point);
    }

    /// <summary>Its public key.</summary>
    public X25519Recipient Recipient { get; }

    /// <summary>Makes a new one.</summary>
    public static X25519Identity Create() => new(RandomNumberGenerator.GetBytes(X25519Recipient.Size));

    /// <summary>Reads <c>AGE-SECRET-KEY-1…</c>; null if it is none.</summary>
    public static X25519Identity? TryParse(string text) => Bech32.Decode(text, Prefix) is { Length: X25519Recipient.Size } scalar ? new X25519Identity(scalar) : null;

    /// <summary>The secret text, for a file that only its user reads.</summary>
    public string ToSecretText() => Bech32.Encode(Prefix, _scalar).ToUpperInvariant();

    /// <summary>Returns a code over a text that only the holder of this key can make.</summary>
    /// <param name="purpose">What the text is for; other purposes give other codes.</param>
    /// <param name="text">The text.</param>
    public byte[] Authenticate(string purpose, string text) =>
        HMACSHA256.HashData(HKDF.DeriveKey(HashAlgorithmName.SHA256, _scalar, HMACSHA256.HashSizeInBytes, info: Encoding.UTF8.GetBytes(purpose)), Encoding.UTF8.GetBytes(text));

    /// <inheritdoc/>
    public byte[]? Unwrap(AgeStanza stanza)
    {
        if (stanza.Kind != X25519Recipient.Kind)
            return null;
        if (stanza.Arguments.Count != 2 || AgeText.FromBase64(stanza.Arguments[1]) is not { Length: X25519Recipient.Size } share)
            throw new AgeFormatException("An X25519 entry of its header is malformed.");
        // Of another length it could be made to fit several keys.
        if (stanza.Body.Length != AgeHeader.FileKeySize + ChaChaCipher.TagSize)
            throw new AgeFormatException("An X25519 entry of its header wraps a key of another length.");
        byte[] shared = new byte[X25519Recipient.Size];
        if (!X25519.CalculateAgreement(_scalar, 0, share, 0, shared, 0))
            throw new AgeFormatException("An X25519 entry of its header has a share of low order.");
        using var cipher = ChaChaCipher.Create(Recipient.WrapKey(shared, share));
        CryptographicOperations.ZeroMemory(shared);
        byte[] key = new byte[AgeHeader.FileKeySize];
        return cipher.TryOpen(new byte[ChaChaCipher.NonceSize], stanza.Body, key) ? key : null;
    }

    /// <summary>Returns the recipient.</summary>
    public override string ToString() => Recipient.ToString();
}
