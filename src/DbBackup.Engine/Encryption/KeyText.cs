using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Encryption;

/// <summary>Reads files of keys.</summary>
internal static class KeyText
{
    /// <summary>Reads a file whole.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="limit">The most bytes that it can have.</param>
    /// <param name="what">What it should hold, for the error.</param>
    /// <exception cref="BackupException">It cannot be read.</exception>
    public static byte[] ReadFile(string path, int limit, string what)
    {
        try
        {
            using FileStream file = RegularFile.Open(path);
            byte[] content = new byte[limit + 1];
            int length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            return length <= limit ? content[..length] : throw new IOException($"it has more than {limit} bytes");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or UnsafePathException)
        {
            throw new BackupFailure(
                ErrorCodes.KeyInvalid, FailureCategory.ReadError, $"The file of {what} '{path}' cannot be read: {exception.Message}", "Name a file that this user may read, or give the key itself.", exception)
            { Target = path };
        }
    }
}
