using System.Text;

namespace DbBackup.Engine.Encryption;

/// <summary>The form of age files that passes through mail: strict PEM (RFC 7468) around base64.</summary>
internal static class AgeArmor
{
    private const string Begin = "-----BEGIN AGE ENCRYPTED FILE-----";
    private const string End = "-----END AGE ENCRYPTED FILE-----";
    private const int Columns = 64;

    /// <summary>True if a file begins as one in this form does.</summary>
    public static bool Is(ReadOnlySpan<byte> file) => file.TrimStart(" \t\r\n"u8).StartsWith("-----BEGIN"u8);

    /// <summary>Returns the file within.</summary>
    /// <exception cref="AgeFormatException">The form is not strictly what it should be.</exception>
    public static byte[] Read(ReadOnlySpan<byte> file)
    {
        string text = Encoding.Latin1.GetString(file.Trim(" \t\r\n"u8));
        string[] lines = [.. text.Split('\n').Select(line => line.EndsWith('\r') ? line[..^1] : line)];
        if (lines.Length < 3 || lines[0] != Begin || lines[^1] != End)
            throw new AgeFormatException("Its armor does not begin and end as it should.");
        string[] body = lines[1..^1];
        for (int i = 0; i < body.Length; i++)
        {
            if (i < body.Length - 1 ? body[i].Length != Columns : body[i].Length is 0 or > Columns)
                throw new AgeFormatException("Its armor has a line of the wrong length.");
        }

        string joined = string.Concat(body);
        if (joined.Length % 4 != 0)
            throw new AgeFormatException("Its armor is no canonical base64.");
        return AgeText.FromBase64(joined.TrimEnd('=')) is { } bytes && Convert.ToBase64String(bytes) == joined ? bytes : throw new AgeFormatException("Its armor is no canonical base64.");
    }
}
