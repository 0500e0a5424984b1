namespace DbBackup.Engine.Engines.Files;

/// <summary>How much a folder holds, for a look at the space before work begins.</summary>
/// <param name="Entries">How many files, folders and links.</param>
/// <param name="ContentBytes">How many bytes; a file with several names counts once.</param>
internal sealed record FolderSize(long Entries, long ContentBytes)
{
    /// <summary>How many bytes take room on disk: holes take none.</summary>
    public long DataBytes { get; init; }

    /// <summary>
    /// About how large a tar of it is once it is compressed at all, rather too much than too little: an entry has two headers and the data between
    /// them in blocks of 512 bytes, its content is filled up to such a block, and two blocks end the archive.
    /// </summary>
    public long ArchiveBytes => DataBytes + (Entries * ((3 * 512) + 512)) + 1024;
}
