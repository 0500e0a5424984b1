using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Platform;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace DbBackup.Engine.Repository.Signatures;

/// <summary>
/// A user's Ed25519 key (RFC 8032) on this machine, as <c>openssl genpkey -algorithm ed25519</c> writes one: PKCS#8 in PEM. It is made when the
/// first manifest is signed, for this user alone.
/// </summary>
internal sealed class SigningKey
{
    /// <summary>The file's name.</summary>
    public const string FileName = "ed25519.pem";

    private const int LongestFile = 4096;
    private const string Label = "PRIVATE KEY";

    // RFC 8410: what stands before the 32 bytes of a private and of a public key.
    private static readonly byte[] s_privateHeader = Convert.FromHexString("302e020100300506032b657004220420");
    private static readonly byte[] s_publicHeader = Convert.FromHexString("302a300506032b6570032100");
    private readonly byte[] _seed;

    private SigningKey(byte[] seed)
    {
        _seed = seed;
        byte[] key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, 0, key, 0);
        PublicKey = Convert.ToBase64String([.. s_publicHeader, .. key]);
    }

    /// <summary>The length of a public key's text.</summary>
    public const int PublicKeyLength = 60;

    /// <summary>The length of a signature's text.</summary>
    public const int SignatureLength = 88;

    /// <summary>The public key: an X.509 SubjectPublicKeyInfo in Base64.</summary>
    public string PublicKey { get; }

    /// <summary>Makes a key that is in no file.</summary>
    public static SigningKey Generate() => new(RandomNumberGenerator.GetBytes(Ed25519.SecretKeySize));

    /// <summary>Reads the key of a folder; null if there is none.</summary>
    /// <exception cref="IOException">It cannot be read, or is no Ed25519 key.</exception>
    /// <exception cref="UnauthorizedAccessException">This user is not allowed to read it.</exception>
    public static SigningKey? Read(string folder)
    {
        string path = Path.Join(folder, FileName);
        if (!File.Exists(path))
            return null;
        byte[] file = OwnFile.Read(path, LongestFile) ?? throw new IOException($"'{path}' is another user's file, or a link.");
        return TryParse(Encoding.ASCII.GetString(file), out SigningKey? key)
            ? key
            : throw new IOException($"'{path}' is not a private Ed25519 key in PEM. Move it away, and a new one is made.");
    }

    /// <summary>Reads the key of a folder, and makes one if there is none.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    /// <exception cref="UnauthorizedAccessException">This user is not allowed to.</exception>
    public static SigningKey ReadOrCreate(string folder)
    {
        if (Read(folder) is { } present)
            return present;
        PrivateFiles.CreateFolder(folder);
        SigningKey made = Generate();
        string unfinished = Path.Join(folder, $".{Guid.NewGuid():N}.tmp");
        try
        {
            using (FileStream file = PrivateFiles.CreateNew(unfinished))
            {
                file.Write(Encoding.ASCII.GetBytes(PemEncoding.WriteString(Label, [.. s_privateHeader, .. made._seed]) + "\n"));
                file.Flush(flushToDisk: true);
            }

            // Not over the key that another process of this user has made meanwhile.
            File.Move(unfinished, Path.Join(folder, FileName), overwrite: false);
            DurableFiles.FlushDirectory(folder);
        }
        catch (IOException) when (File.Exists(Path.Join(folder, FileName)))
        {
            File.Delete(unfinished);
        }

        return Read(folder) ?? throw new IOException($"'{folder}' lost its key.");
    }

    /// <summary>Signs bytes, and returns the signature in Base64.</summary>
    public string Sign(byte[] content)
    {
        byte[] signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(_seed, 0, content, 0, content.Length, signature, 0);
        return Convert.ToBase64String(signature);
    }

    /// <summary>True if a signature of a public key fits.</summary>
    /// <param name="publicKey">The public key's text.</param>
    /// <param name="signature">The signature's text.</param>
    /// <param name="content">What was signed.</param>
    public static bool Verify(string publicKey, string signature, byte[] content)
    {
        byte[] key = new byte[s_publicHeader.Length + Ed25519.PublicKeySize], value = new byte[Ed25519.SignatureSize];
        return IsBase64(publicKey, key) && key.AsSpan().StartsWith(s_publicHeader) && IsBase64(signature, value)
            && Ed25519.Verify(value, 0, key, s_publicHeader.Length, content, 0, content.Length);
    }

    /// <summary>The fingerprint of a public key: the SHA-256 of its bytes, as <c>base64 -d | sha256sum</c> gives it.</summary>
    public static string FingerprintOf(string publicKey)
    {
        byte[] key = new byte[s_publicHeader.Length + Ed25519.PublicKeySize];
        // Of what is no key, the fingerprint of its text: two texts do not share one.
        return Convert.ToHexStringLower(SHA256.HashData(IsBase64(publicKey, key) ? key : Encoding.UTF8.GetBytes(publicKey)));
    }

    // The only text of these bytes: another one would be another key of the same fingerprint.
    private static bool IsBase64(string text, byte[] bytes) =>
        Convert.TryFromBase64String(text, bytes, out int written) && written == bytes.Length && Convert.ToBase64String(bytes) == text;

    private static bool TryParse(string pem, [NotNullWhen(true)] out SigningKey? key)
    {
        key = null;
        if (!PemEncoding.TryFind(pem, out PemFields fields) || !pem.AsSpan()[fields.Label].SequenceEqual(Label))
            return false;
        byte[] der = Convert.FromBase64String(pem[fields.Base64Data]);
        if (der.Length != s_privateHeader.Length + Ed25519.SecretKeySize || !der.AsSpan().StartsWith(s_privateHeader))
            return false;
        key = new SigningKey(der[s_privateHeader.Length..]);
        return true;
    }
}
