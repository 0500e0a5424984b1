using System.Security.Cryptography;

namespace DbBackup.Testing;

/// <summary>A backup whose payload was damaged before anybody hashed it: all hashes are right, and the dump is not.</summary>
internal static class RewrittenBackup
{
    /// <summary>Changes the bytes of a backup's only payload, which must be stored uncompressed, and its manifest with them.</summary>
    public static Backup Of(Backup backup, Func<byte[], byte[]> change)
    {
        Payload payload = backup.Manifest!.Payloads.Single();
        Assert.Equal(PayloadCompression.None, payload.Compression);
        string file = Path.Join(backup.Location, payload.FileName);
        byte[] bytes = change(File.ReadAllBytes(file));
        File.WriteAllBytes(file, bytes);
        string hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        Payload rewritten = payload with { OriginalSize = bytes.Length, StoredSize = bytes.Length, OriginalSha256 = hash, StoredSha256 = hash };
        return PostgreSqlBench.Claiming(backup, manifest => manifest with { Payloads = [rewritten] });
    }

    /// <summary>Writes other letters over a text, once.</summary>
    public static byte[] Replace(byte[] bytes, string text, string by)
    {
        int place = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.True(place >= 0, $"'{text}' is not in the dump.");
        System.Text.Encoding.UTF8.GetBytes(by).CopyTo(bytes, place);
        return bytes;
    }
}
