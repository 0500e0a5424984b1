using System.Text.RegularExpressions;

namespace DbBackup.Engine.Portability;

/// <summary>Tells why a foreign backup was made by the words in its name and its folders.</summary>
internal static class ImportReason
{
    private static readonly string[] s_rotation = ["hourly", "daily", "nightly", "weekly", "monthly", "yearly"];
    private static readonly string[] s_scheduled = [.. s_rotation, "auto", "automatic", "autobackup", "cron", "scheduled"];
    private static readonly string[] s_safety = ["safety", "prerestore"];
    private static readonly string[] s_change = ["premigration", "preupgrade", "predeploy", "preupdate", "prerelease"];

    /// <summary>Returns the reason, and what says so; null if nothing does.</summary>
    /// <param name="path">The absolute path.</param>
    /// <param name="root">The folder that was searched; null for what the user named: then only its own folder counts.</param>
    public static (string Reason, string? By) Of(string path, string? root)
    {
        if (OfWords(Path.GetFileName(path)) is { } named)
            return (named, "by its name");
        foreach (string folder in Folders(path, root))
        {
            if (OfWords(folder) is { } reason)
                return (reason, $"by the folder '{folder}'");
        }

        return (BackupReason.Manual, null);
    }

    /// <summary>Returns the folder of a rotation in which a file lies; null if it lies in none.</summary>
    public static string? RotationOf(string path, string? root) =>
        Folders(path, root).Select(folder => folder.ToLowerInvariant()).FirstOrDefault(folder => s_rotation.Contains(folder));

    private static string? OfWords(string name)
    {
        string[] words = Regex.Split(name.ToLowerInvariant(), "[^a-z]+", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        for (int index = 0; index < words.Length; index++)
        {
            string word = words[index];
            string? next = index + 1 < words.Length ? words[index + 1] : null;
            if (s_safety.Contains(word) || (word is "pre" or "before" && next == "restore"))
                return BackupReason.Safety;
            if (s_change.Contains(word) || (word is "pre" or "before" && next is { Length: > 0 }))
                return BackupReason.PreMigration;
        }

        return Array.Exists(words, s_scheduled.Contains) ? BackupReason.Scheduled : null;
    }

    // From the innermost on.
    private static IEnumerable<string> Folders(string path, string? root)
    {
        string? top = root is null ? Path.GetDirectoryName(path) : root;
        for (string? folder = Path.GetDirectoryName(path); folder is { Length: > 0 }; folder = Path.GetDirectoryName(folder))
        {
            yield return Path.GetFileName(folder);
            if (folder == top)
                yield break;
        }
    }
}
