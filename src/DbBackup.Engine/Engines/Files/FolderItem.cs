using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>One thing in a folder, as it was when it was looked at.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Name">Its name in the archive, with <c>/</c> between the parts.</param>
/// <param name="Kind">What it is.</param>
/// <param name="SizeBytes">The size of its content; 0 for all but files.</param>
/// <param name="Mode">Its permissions.</param>
/// <param name="ModifiedUtc">When it was last changed.</param>
/// <param name="UserId">Its owner.</param>
/// <param name="GroupId">Its group.</param>
/// <param name="SharedIdentity">What its other names have in common with it; null when it has no other.</param>
internal readonly record struct FolderItem(
    string Path,
    string Name,
    FileKind Kind,
    long SizeBytes,
    UnixFileMode Mode,
    DateTime ModifiedUtc,
    uint UserId,
    uint GroupId,
    FileIdentity? SharedIdentity)
{
    /// <summary>When anything of it was last changed, which no program can set; the time of the content where the system does not say.</summary>
    public DateTime ChangedUtc { get; init; }

    /// <summary>What tells it from another file under the same name; nothing where the system does not say.</summary>
    public FileIdentity Identity { get; init; }

    /// <summary>How many bytes it takes on disk; its size where the system does not say.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>Its extended attributes where they were read before its content is, which then is a copy's; null where they were not.</summary>
    public IReadOnlyList<ExtendedAttribute>? Attributes { get; init; }

    private const UnixFileMode WindowsFile =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode WindowsFolder = WindowsFile | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Looks at a path, not at what it may link to.</summary>
    /// <exception cref="FileNotFoundException">It is not there (any more).</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be looked at.</exception>
    /// <exception cref="IOException">Another failure.</exception>
    public static FolderItem Read(string path, string name)
    {
        var error = UnixFile.StatError(path, out var facts);
        if (error == 0)
            return From(facts, path, name);
        if (error == LibC.Enosys)
            return ReadPortably(path, name);
        throw error switch
        {
            LibC.Enoent or LibC.Enotdir => new FileNotFoundException("It is not there.", path),
            LibC.Eacces or LibC.Eperm => new UnauthorizedAccessException($"'{ForeignText.ShownLine(path)}' cannot be read: permission denied."),
            _ => UnixFile.Failed($"'{path}' could not be read", error),
        };
    }

    public static FolderItem From(in UnixFileFacts facts, string path, string name) => new(
        path,
        name,
        facts.Kind,
        facts.Kind == FileKind.File ? facts.SizeBytes : 0,
        facts.Permissions,
        facts.ModifiedUtc,
        facts.UserId,
        facts.GroupId,
        facts.Kind == FileKind.File && facts.LinkCount > 1 ? facts.Identity : null)
    { ChangedUtc = facts.ChangedUtc, Identity = facts.Identity, AllocatedBytes = facts.Kind == FileKind.File ? facts.AllocatedBytes : 0 };

    /// <summary>Where the kind of special files and the owners cannot be read, owners are taken to be the present user.</summary>
    private static FolderItem ReadPortably(string path, string name)
    {
        var info = new FileInfo(path);
        var attributes = info.Attributes;
        if ((int)attributes == -1)
            throw new FileNotFoundException("It is not there.", path);
        var kind = info.LinkTarget is not null ? FileKind.SymbolicLink
            : attributes.HasFlag(FileAttributes.Directory) ? FileKind.Directory
            : FileKind.File;
        var mode = !OperatingSystem.IsWindows() ? info.UnixFileMode : kind == FileKind.Directory ? WindowsFolder : WindowsFile;
        return new FolderItem(
            path,
            name,
            kind,
            kind == FileKind.File ? info.Length : 0,
            mode,
            info.LastWriteTimeUtc,
            UnixFile.EffectiveUserId ?? 0,
            UnixFile.EffectiveGroupId ?? 0,
            null)
        { ChangedUtc = info.LastWriteTimeUtc, AllocatedBytes = kind == FileKind.File ? info.Length : 0 };
    }
}
