using System.Text;
using DbBackup.Engine.Repository.Manifests;

namespace DbBackup.Engine.Repository.Signatures;

/// <summary>
/// The signature in the last members of a manifest: the id of the repository for which it was signed, the signer's public key, and the
/// signature over all of the file before its own line. They lie at the file's end in one form, so that <c>head</c> finds what was signed.
/// </summary>
/// <param name="Repository">The id of the repository.</param>
/// <param name="PublicKey">The signer's public key.</param>
/// <param name="Fits">True if the signature fits the bytes before it.</param>
internal sealed record ManifestSignature(Guid Repository, string PublicKey, bool Fits)
{
    private const string RepositoryOpening = "  \"repository\": \"";
    private const string SignerOpening = "  \"signer\": \"";
    private const string SignatureOpening = "  \"signature\": \"";
    private const string Closing = "\",\n";
    private const int RepositoryLength = 36;
    private static readonly int s_repositoryLine = RepositoryOpening.Length + RepositoryLength + Closing.Length;
    private static readonly int s_signerLine = SignerOpening.Length + SigningKey.PublicKeyLength + Closing.Length;
    private static readonly int s_signatureLine = SignatureOpening.Length + SigningKey.SignatureLength + Closing.Length;

    /// <summary>Signs a manifest that has no hash yet.</summary>
    /// <param name="json">An indented JSON object.</param>
    /// <param name="key">The signer's key.</param>
    /// <param name="repository">The id of the repository for which it is signed.</param>
    /// <returns>The same object with three more members; <see cref="Seal.Add"/> adds the hash behind them.</returns>
    public static byte[] Add(byte[] json, SigningKey key, Guid repository)
    {
        int end = json.AsSpan().LastIndexOf((byte)'}');
        byte[] signed = [.. json.AsSpan(0, end).TrimEnd("\r\n"u8), .. ",\n"u8, .. Encoding.ASCII.GetBytes($"{RepositoryOpening}{repository:D}{Closing}{SignerOpening}{key.PublicKey}{Closing}")];
        return [.. signed, .. Encoding.ASCII.GetBytes($"{SignatureOpening}{key.Sign(signed)}\"\n}}")];
    }

    /// <summary>Reads the signature of a manifest; null for an unsigned one.</summary>
    /// <param name="file">The bytes of <c>backup.json</c>.</param>
    /// <param name="verified">The manifests whose signature fitted before; null to verify all.</param>
    public static ManifestSignature? Read(ReadOnlySpan<byte> file, VerifiedManifests? verified = null)
    {
        // Behind it are the hash's line and the closing brace.
        int end = file.Length - Seal.LineLength;
        int signature = end - s_signatureLine, signer = signature - s_signerLine, repository = signer - s_repositoryLine;
        if (repository < 0
            || Text(file[repository..signer], RepositoryOpening) is not { } id || !Guid.TryParseExact(id, "D", out Guid guid)
            || Text(file[signer..signature], SignerOpening) is not { } publicKey
            || Text(file[signature..end], SignatureOpening) is not { } value)
            return null;
        byte[] signed = file[..signature].ToArray();
        bool fits = verified is null ? SigningKey.Verify(publicKey, value, signed) : verified.Fits(file, () => SigningKey.Verify(publicKey, value, signed));
        return new ManifestSignature(guid, publicKey, fits);
    }

    private static string? Text(ReadOnlySpan<byte> line, string opening) =>
        Ascii.IsValid(line) && Ascii.Equals(line[..opening.Length], opening) && Ascii.Equals(line[^Closing.Length..], Closing) ? Encoding.ASCII.GetString(line[opening.Length..^Closing.Length]) : null;
}
