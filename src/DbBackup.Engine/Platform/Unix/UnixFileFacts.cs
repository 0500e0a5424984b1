namespace DbBackup.Engine.Platform;

/// <summary>What kind of thing a path names.</summary>
internal enum FileKind
{
    File,
    Directory,
    SymbolicLink,
    Fifo,
    Socket,
    Device,
}

/// <summary>
/// What tells one file from every other on this machine. The birth time is in it because a file system gives a deleted
/// file's inode number to the next one that is created.
/// </summary>
internal readonly record struct FileIdentity(ulong Device, ulong Inode, long BirthTicks);

/// <summary>What the system knows of a file.</summary>
/// <param name="Device">The number of the file system's device.</param>
/// <param name="Inode">The file's number on it.</param>
/// <param name="LinkCount">How many names the file has.</param>
/// <param name="Mode">The raw mode: kind and permissions.</param>
/// <param name="UserId">The owner.</param>
/// <param name="GroupId">The group.</param>
/// <param name="SizeBytes">The size.</param>
/// <param name="ModifiedUtc">When the content was last changed.</param>
/// <param name="BirthTicks">When the file was made, as ticks; 0 where the file system does not keep that.</param>
/// <param name="MountId">The mount that it was reached through; 0 where the kernel does not say.</param>
internal readonly record struct UnixFileFacts(
    ulong Device,
    ulong Inode,
    uint LinkCount,
    uint Mode,
    uint UserId,
    uint GroupId,
    long SizeBytes,
    DateTime ModifiedUtc,
    long BirthTicks,
    ulong MountId)
{
    /// <summary>When content, owner, mode or names were last changed; no program can set it.</summary>
    public DateTime ChangedUtc { get; init; }

    /// <summary>How many bytes it takes on disk; fewer than its size if there are holes in it, or the file system compresses.</summary>
    public long AllocatedBytes { get; init; }

    public FileKind Kind => (Mode & 0xF000) switch
    {
        0x8000 => FileKind.File,
        0x4000 => FileKind.Directory,
        0xA000 => FileKind.SymbolicLink,
        0x1000 => FileKind.Fifo,
        0xC000 => FileKind.Socket,
        _ => FileKind.Device,
    };

    public UnixFileMode Permissions => (UnixFileMode)(Mode & 0xFFF);

    public FileIdentity Identity => new(Device, Inode, BirthTicks);
}
