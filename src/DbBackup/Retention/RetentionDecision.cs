namespace DbBackup;

/// <summary>What a retention policy decides of a backup.</summary>
public enum RetentionAction
{
    /// <summary>It stays.</summary>
    Keep,

    /// <summary>It goes.</summary>
    Remove,
}

/// <summary>What a retention policy decides of one backup, and each rule that says so.</summary>
public sealed record RetentionDecision
{
    /// <summary>The backup.</summary>
    public required Backup Backup { get; init; }

    /// <summary>Whether it stays.</summary>
    public required RetentionAction Action { get; init; }

    /// <summary>The rules that say so, in words: <c>daily 2026-11-03</c>, <c>hold: audit</c>, <c>newest good backup</c>.</summary>
    public required IReadOnlyList<string> Reasons { get; init => field = Indexable.Of(value); }

    /// <summary>True if it was removed: false for one that stays, and under -WhatIf.</summary>
    public bool Removed { get; init; }

    /// <summary>The source's exact name.</summary>
    public string Source => Backup.Source;

    /// <summary>The backup's name.</summary>
    public string Name => Backup.Name;

    /// <summary>When its snapshot was taken, in local time; null for a backup whose manifest cannot be read.</summary>
    public DateTimeOffset? Created => Backup.Created;

    /// <summary>Bytes in the repository.</summary>
    public long Size => Backup.Size;

    /// <inheritdoc/>
    public override string ToString() => $"{Action} {Backup}: {string.Join(", ", Reasons)}";
}
