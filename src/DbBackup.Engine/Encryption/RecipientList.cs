using System.Text;

namespace DbBackup.Engine.Encryption;

/// <summary>Reads recipients, as text or out of a file with one on each line, as the stock program takes them (<c>age -R</c>).</summary>
public static class RecipientList
{
    private const int LargestFile = 1 << 20;

    /// <summary>Returns the public keys that texts and files name.</summary>
    /// <param name="given">Public keys (<c>age1…</c>), or paths of files with one on each line; lines that begin with <c>#</c> are comments.</param>
    /// <param name="resolvePath">Makes a path absolute.</param>
    /// <exception cref="BackupException">One is no public key, or a file cannot be read (<see cref="ErrorCodes.KeyInvalid"/>).</exception>
    public static IReadOnlyList<string> Read(IEnumerable<string> given, Func<string, string> resolvePath)
    {
        ArgumentNullException.ThrowIfNull(given);
        ArgumentNullException.ThrowIfNull(resolvePath);
        var recipients = new List<string>();
        foreach (string text in given.Select(each => each.Trim()))
        {
            if (LooksLikeKey(text))
                recipients.Add(Parse(text, null).ToString());
            else
                recipients.AddRange(ReadFile(resolvePath(text)));
        }

        return recipients;
    }

    /// <summary>Reads one.</summary>
    /// <exception cref="BackupException">It is none.</exception>
    internal static X25519Recipient Parse(string text, string? place)
    {
        if (X25519Recipient.TryParse(text) is { } recipient)
            return recipient;
        string where = place is null ? string.Empty : $" in {place}";
        // A secret key is not repeated, not even in an error.
        bool isSecret = text.StartsWith("AGE-SECRET-KEY", StringComparison.OrdinalIgnoreCase);
        string what = isSecret ? "A secret key" : text.StartsWith("ssh-", StringComparison.Ordinal) ? "An SSH key" : $"'{(text.Length > 80 ? text[..80] + "…" : text)}'";
        throw new BackupFailure(
            ErrorCodes.KeyInvalid,
            FailureCategory.InvalidArgument,
            $"{what}{where} is no recipient of age: a public key begins with age1, and its last letters are its checksum.",
            isSecret ? "Give the public key, which New-DbBackupKey emits and age-keygen -y prints. Keep the secret key away from this machine." : "Give the public key that New-DbBackupKey or age-keygen printed.");
    }

    private static bool LooksLikeKey(string text) =>
        (text.StartsWith("age1", StringComparison.OrdinalIgnoreCase) && text.Length > 40 && text.All(char.IsAsciiLetterOrDigit))
        || text.StartsWith("AGE-SECRET-KEY", StringComparison.OrdinalIgnoreCase) || text.StartsWith("ssh-", StringComparison.Ordinal);

    private static List<string> ReadFile(string path)
    {
        var recipients = new List<string>();
        int number = 0;
        foreach (string line in Encoding.UTF8.GetString(KeyText.ReadFile(path, LargestFile, "recipients")).Split('\n').Select(each => each.Trim()))
        {
            number++;
            if (line.Length > 0 && line[0] != '#')
                recipients.Add(Parse(line, $"line {number} of '{path}'").ToString());
        }

        return recipients.Count > 0 ? recipients : throw new BackupFailure(
            ErrorCodes.KeyInvalid, FailureCategory.InvalidData, $"'{path}' names no recipient.", "Write one public key (age1…) on each line.")
        { Target = path };
    }
}
