namespace DbBackup.Engine.Docker.Files;

/// <summary>The folders that a restore makes in a volume for as long as it runs. They belong to no backup.</summary>
internal static class WorkFolders
{
    /// <summary>What a restore unpacks beside.</summary>
    public const string NewPrefix = ".dbbackup-new-";

    /// <summary>What a restore has replaced.</summary>
    public const string OldPrefix = ".dbbackup-old-";

    /// <summary>True if a file's or folder's name is one of these.</summary>
    public static bool IsOne(ReadOnlySpan<char> name) => name.StartsWith(NewPrefix, StringComparison.Ordinal) || name.StartsWith(OldPrefix, StringComparison.Ordinal);

    /// <summary>True if a path with slashes is in one of them.</summary>
    public static bool Hold(string relative) => relative.Contains(".dbbackup-", StringComparison.Ordinal) && relative.Split('/').Any(part => IsOne(part));
}
