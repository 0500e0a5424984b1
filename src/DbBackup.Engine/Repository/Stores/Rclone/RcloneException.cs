namespace DbBackup.Engine.Repository.Stores.Rclone;

/// <summary>rclone ended with an exit code other than 0.</summary>
internal sealed class RcloneException(int exitCode, string words) : IOException(LastLine(words) is { Length: > 0 } line ? line : $"rclone ended with exit code {exitCode}")
{
    private const int Temporary = 5;

    /// <summary>True if the file, or the folder that it would be in, is not there.</summary>
    public bool IsMissing => exitCode is 3 or 4 || words.Contains("is a directory or doesn't exist", StringComparison.Ordinal);

    /// <summary>True if rclone says that the call may succeed later.</summary>
    public bool IsTemporary => exitCode == Temporary || Says("connection refused", "connection reset", "i/o timeout", "no such host", "EOF", "503", "TLS handshake timeout");

    /// <summary>True if rclone's words have one of several texts.</summary>
    public bool Says(params string[] texts) => texts.Any(text => words.Contains(text, StringComparison.OrdinalIgnoreCase));

    // "2026/11/29 08:34:05 Failed to cat: why": the last line names the cause.
    private static string LastLine(string words)
    {
        string line = words.TrimEnd().Split('\n')[^1].Trim();
        return line.Length > 20 && line[4] == '/' && line[10] == ' ' ? line[20..] : line;
    }
}
