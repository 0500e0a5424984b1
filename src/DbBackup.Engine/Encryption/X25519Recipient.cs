using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace DbBackup.Engine.Encryption;

/// <summary>A public key of age (<c>age1…</c>): whoever has it can seal, and only its identity opens.</summary>
internal sealed class X25519Recipient : IAgeRecipient, IEquatable<X25519Recipient>
{
    /// <summary>The prefix of its text.</summary>
    public const string Prefix = "age";

    /// <summary>The kind of its stanza.</summary>
    public const string Kind = "X25519";

    /// <summary>Bytes of a key, of a shared secret and of a share.</summary>
    public const int Size = 32;

    private static readonly byte[] s_info = Encoding.ASCII.GetBytes("age-encryption.org/v1/X25519");
    private readonly byte[] _point;

    /// <summary>Creates it from a point of Curve25519.</summary>
    public X25519Recipient(byte[] point) => _point = point;

    /// <summary>Reads <c>age1…</c>; null if it is none.</summary>
    public static X25519Recipient? TryParse(string text) => Bech32.Decode(text, Prefix) is { Length: Size } point ? new X25519Recipient(point) : null;

    /// <summary>The point.</summary>
    public ReadOnlySpan<byte> Point => _point;

    /// <inheritdoc/>
    public AgeStanza Wrap(ReadOnlySpan<byte> fileKey)
    {
        byte[] secret = RandomNumberGenerator.GetBytes(Size);
        byte[] share = new byte[Size];
        X25519.ScalarMultBase(secret, 0, share, 0);
        byte[] shared = new byte[Size];
        if (!X25519.CalculateAgreement(secret, 0, _point, 0, shared, 0))
            throw new AgeFormatException($"'{this}' is a point of low order, and no key.");
        using var cipher = ChaChaCipher.Create(WrapKey(shared, share));
        byte[] body = new byte[fileKey.Length + ChaChaCipher.TagSize];
        cipher.Seal(new byte[ChaChaCipher.NonceSize], fileKey, body);
        CryptographicOperations.ZeroMemory(secret);
        CryptographicOperations.ZeroMemory(shared);
        return new AgeStanza([Kind, AgeText.ToBase64(share)], body);
    }

    /// <summary>The key that wraps a file's key.</summary>
    /// <param name="shared">The shared secret.</param>
    /// <param name="share">The ephemeral share in the stanza.</param>
    public byte[] WrapKey(byte[] shared, byte[] share) => HKDF.DeriveKey(HashAlgorithmName.SHA256, shared, ChaChaCipher.KeySize, [.. share, .. _point], s_info);

    /// <inheritdoc/>
    public bool Equals(X25519Recipient? other) => other is not null && other._point.AsSpan().SequenceEqual(_point);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as X25519Recipient);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(_point);

    /// <summary>Returns <c>age1…</c>.</summary>
    public override string ToString() => Bech32.Encode(Prefix, _point);
}
