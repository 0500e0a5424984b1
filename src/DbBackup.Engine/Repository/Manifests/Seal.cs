using System.Security.Cryptography;
using System.Text;

namespace DbBackup.Engine.Repository.Manifests;

/// <summary>
/// The hash in the last member of a small JSON file, over all of the file before that member's line, so that no bit of it changes unnoticed:
/// <c>head -n -2 backup.json | sha256sum</c> gives the same. It tells of accidents; who means to forge it can.
/// </summary>
internal static class Seal
{
    // Over the file before it, which ends with a line.
    private const string Opening = "  \"sha256\": \"";
    private const string Closing = "\"\n}\n";
    private const int Length = 64;

    /// <summary>The bytes of the hash's line and of what ends the file.</summary>
    public static readonly int LineLength = Opening.Length + Length + Closing.Length;

    /// <summary>Adds the hash to an indented JSON object.</summary>
    public static byte[] Add(byte[] json)
    {
        // The closing brace and the line end before it make place for one more member.
        int end = json.AsSpan().LastIndexOf((byte)'}');
        byte[] body = [.. json.AsSpan(0, end).TrimEnd("\r\n"u8), (byte)',', (byte)'\n'];
        return [.. body, .. Encoding.ASCII.GetBytes(Opening + Convert.ToHexStringLower(SHA256.HashData(body)) + Closing)];
    }

    /// <summary>True if a file has its hash, and is what it was when that was added.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> file)
    {
        int start = file.Length - Closing.Length - Length - Opening.Length;
        if (start < 0)
            return false;
        string expected = Opening + Convert.ToHexStringLower(SHA256.HashData(file[..start])) + Closing;
        return Ascii.Equals(file[start..], expected);
    }
}
