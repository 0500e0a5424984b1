namespace DbBackup;

/// <summary>Something that a check of a repository found.</summary>
public sealed record RepositoryFinding
{
    /// <summary>What kind of thing it is.</summary>
    public required RepositoryFindingKind Kind { get; init; }

    /// <summary>How urgent it is.</summary>
    public required BackupHealth Severity { get; init; }

    /// <summary>The repository.</summary>
    public required string Repository { get; init; }

    /// <summary>The file, folder or object; the repository if it is no single one.</summary>
    public required string Path { get; init; }

    /// <summary>What is so, as a sentence.</summary>
    public required string Message { get; init; }

    /// <summary>What to do about it, as a sentence.</summary>
    public required string Hint { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Severity}: {Message}";
}

/// <summary>The kinds of things that a check of a repository finds.</summary>
public enum RepositoryFindingKind
{
    /// <summary>Other users can read or write what is in it.</summary>
    NotPrivate,

    /// <summary>The next backup of a source has no room.</summary>
    Space,

    /// <summary>A file of a listed backup is missing, or has another size.</summary>
    MissingFile,

    /// <summary>A file's bytes are not what was written.</summary>
    Damaged,

    /// <summary>A backup's manifest cannot be used.</summary>
    Unreadable,

    /// <summary>A backup's signature is not valid for this user.</summary>
    Signature,

    /// <summary>The newest backup that this user has seen is gone, and this user has not removed it.</summary>
    NewestGone,

    /// <summary>Files of a backup that was never published, or whose removal was cut short.</summary>
    Leftover,

    /// <summary>A lease of a process that has ended.</summary>
    StaleLease,

    /// <summary>A file that belongs to no backup.</summary>
    UnknownFile,

    /// <summary>The store claims to lock objects, and lets them be deleted.</summary>
    NotLocked,
}
