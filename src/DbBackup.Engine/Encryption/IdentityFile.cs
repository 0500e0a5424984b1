using System.Globalization;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Encryption;

/// <summary>Files of secret keys as <c>age-keygen</c> writes them: a key on each line, and comments.</summary>
public static class IdentityFile
{
    private const int LargestFile = 1 << 20;

    /// <summary>Makes a new key and writes it to a new file that only this user can read.</summary>
    /// <param name="path">The file's absolute path.</param>
    /// <returns>The public key.</returns>
    /// <exception cref="BackupException">The file exists (it is never overwritten), or cannot be written.</exception>
    public static string Create(string path)
    {
        var identity = X25519Identity.Create();
        string text = string.Create(CultureInfo.InvariantCulture, $"# created: {DateTimeOffset.UtcNow:yyyy-MM-dd'T'HH:mm:ss'Z'}\n# public key: {identity.Recipient}\n{identity.ToSecretText()}\n");
        if (Path.Exists(path))
        {
            throw new BackupFailure(
                ErrorCodes.DestinationExists, FailureCategory.AlreadyExists, $"'{path}' exists already; it was not touched: backups could lose the key that opens them.", "Name another file.")
            { Target = path };
        }

        try
        {
            PrivateFiles.CreateFolder(Path.GetDirectoryName(path)!);
            using (FileStream file = PrivateFiles.CreateNew(path))
            {
                file.Write(Encoding.ASCII.GetBytes(text));
                file.Flush(flushToDisk: true);
            }

            DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, path, "writing the key");
        }

        return identity.Recipient.ToString();
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="passphrase">The passphrase of a file that <c>age -p</c> has encrypted; null if there is none.</param>
    /// <exception cref="BackupException">It holds no secret key, or is encrypted.</exception>
    internal static IReadOnlyList<X25519Identity> Read(string path, Passphrase? passphrase)
    {
        byte[] content = KeyText.ReadFile(path, LargestFile, "identities");
        if (AgeFile.Is(content))
            content = Open(path, content, passphrase);
        return Parse(Encoding.UTF8.GetString(content), $"'{path}'");
    }

    /// <summary>True if a file is encrypted by a passphrase.</summary>
    public static bool NeedsPassphrase(string path)
    {
        try
        {
            return KeyText.ReadFile(path, LargestFile, "identities") is { } content && AgeFile.Is(content) && AgeFile.NeedsPassphrase(content);
        }
        catch (Exception exception) when (exception is AgeException or BackupException)
        {
            // To be told where it is read.
            return false;
        }
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="text">Keys and comments.</param>
    /// <param name="place">Where it comes from, for the error.</param>
    /// <exception cref="BackupException">It holds no secret key. The error never shows what it holds.</exception>
    internal static IReadOnlyList<X25519Identity> Parse(string text, string place)
    {
        var identities = new List<X25519Identity>();
        int number = 0;
        foreach (string line in text.Split('\n').Select(each => each.Trim()))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
                continue;
            identities.Add(X25519Identity.TryParse(line) ?? throw new BackupFailure(
                ErrorCodes.KeyInvalid,
                FailureCategory.InvalidArgument,
                $"Line {number} of {place} is no secret key of age: one begins with {X25519Identity.Opening}, and its last letters are its checksum.",
                "Give the file that New-DbBackupKey or age-keygen wrote, unchanged. Keys of plugins and of SSH are not supported: decrypt key.age with the age program, and give what it prints."));
        }

        return identities.Count > 0 ? identities : throw new BackupFailure(
            ErrorCodes.KeyInvalid, FailureCategory.InvalidData, $"{place} holds no secret key.", "Give the file that New-DbBackupKey or age-keygen wrote.");
    }

    private static byte[] Open(string path, byte[] content, Passphrase? passphrase)
    {
        try
        {
            return AgeFile.Open(content, passphrase is null ? [] : [passphrase]);
        }
        catch (NoMatchingIdentityException exception)
        {
            throw new BackupFailure(
                ErrorCodes.KeyInvalid,
                FailureCategory.PermissionDenied,
                passphrase is null ? $"The identity file '{path}' is encrypted." : $"The passphrase does not open the identity file '{path}'.",
                "Give its passphrase: -Passphrase (Read-Host -AsSecureString).",
                exception)
            { Target = path };
        }
        catch (AgeException exception)
        {
            throw new BackupFailure(ErrorCodes.KeyInvalid, FailureCategory.InvalidData, $"The identity file '{path}' is damaged: {exception.Message}", "Give another copy of it.", exception) { Target = path };
        }
    }
}
