namespace DbBackup.Engine.Encryption;

/// <summary>Base64 as age writes it: canonical and without padding, so that a header has one form only.</summary>
internal static class AgeText
{
    /// <summary>Writes bytes.</summary>
    public static string ToBase64(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <summary>Reads bytes; null if the text is not what <see cref="ToBase64"/> gives.</summary>
    public static byte[]? FromBase64(string text)
    {
        if (text.Contains('=', StringComparison.Ordinal) || text.Any(char.IsWhiteSpace) || text.Length % 4 == 1)
            return null;
        byte[] bytes = new byte[(text.Length / 4 * 3) + 3];
        return Convert.TryFromBase64String(text + new string('=', (4 - (text.Length % 4)) % 4), bytes, out int length) && ToBase64(bytes.AsSpan(0, length)) == text
            ? bytes[..length]
            : null;
    }
}
