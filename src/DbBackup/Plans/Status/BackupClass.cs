namespace DbBackup;

/// <summary>How many backups of a source a retention policy keeps for one of its rules, and what they take.</summary>
public sealed record BackupClass
{
    /// <summary>The class: Hourly, Daily, Weekly, Monthly, Yearly, Last, Within; a reason, such as PreMigration; Held, Damaged, Other.</summary>
    public required string Name { get; init; }

    /// <summary>How many there are.</summary>
    public int Count { get; init; }

    /// <summary>Their bytes in the repository.</summary>
    public long Size { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Count} ({ByteSize.Format(Size)})";
}
