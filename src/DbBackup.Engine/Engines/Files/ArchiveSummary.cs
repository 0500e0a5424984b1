namespace DbBackup.Engine.Engines.Files;

/// <summary>What an archive was found or made to hold.</summary>
/// <param name="Entries">How many files, folders and links.</param>
/// <param name="ContentBytes">How many bytes their contents have; a file with several names counts once.</param>
/// <param name="Warnings">What went differently, in sentences that name the entry. At most 1000, then one that counts the rest.</param>
internal sealed record ArchiveSummary(long Entries, long ContentBytes, IReadOnlyList<string> Warnings)
{
    /// <summary>How many warnings there were, with those that <see cref="Warnings"/> has no room for.</summary>
    public long WarningCount { get; init; }

    /// <summary>How many bytes of the contents are holes in files.</summary>
    public long HoleBytes { get; init; }

    /// <summary>How many files were not read, because a full backup has their content.</summary>
    public long Unchanged { get; init; }

    /// <summary>
    /// How many things that were there and stayed there are missing in the archive, because they could not be read. Files
    /// that vanished on their own, sockets and devices do not count.
    /// </summary>
    public long UnreadableCount { get; init; }

    /// <summary>Tells how many files were not read.</summary>
    /// <param name="name">The archive's name.</param>
    internal string DescribeUnchanged(string name) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Unchanged} files of '{name}' are unchanged since the full backup and were not read.");

    /// <summary>Refuses what lacks something that was there: files that vanish belong to life, those that may not be read would be missing after a restore.</summary>
    /// <param name="what">What was archived, for the message.</param>
    /// <param name="target">The folder or location.</param>
    /// <param name="hint">What to do.</param>
    /// <exception cref="BackupFailure">Something could not be read.</exception>
    internal void RequireAllRead(string what, string target, string hint)
    {
        if (UnreadableCount == 0)
            return;
        throw new BackupFailure(
            ErrorCodes.SourceUnreadable,
            FailureCategory.PermissionDenied,
            $"{UnreadableCount} files of '{what}' could not be read, so the backup would not be whole: {string.Join("; ", Warnings.Take(3))}",
            hint)
        { Target = target };
    }
}
