namespace DbBackup;

/// <summary>Something in which two backups, or a backup and the live data, differ.</summary>
public sealed record BackupDifference
{
    /// <summary>What differs.</summary>
    public required DifferenceKind Kind { get; init; }

    /// <summary>Its name: <c>public.people</c>, <c>uploads/logo.png</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What became of it, seen from the backup.</summary>
    public required DifferenceChange Change { get; init; }

    /// <summary>What the backup has: a number of rows for a table, a text otherwise; null if it has nothing of this name.</summary>
    public object? Before { get; init; }

    /// <summary>The same of what it is compared with.</summary>
    public object? After { get; init; }

    /// <summary>The database to which it belongs; null for files and for what belongs to a server as a whole.</summary>
    public string? Database { get; init; }

    /// <summary>The backup, as <c>source/name</c>.</summary>
    public required string Backup { get; init; }

    /// <summary>When the backup was taken, in local time.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>What it is compared with: another backup as <c>source/name</c>, or the location of the live data.</summary>
    public required string ComparedWith { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Change switch
    {
        DifferenceChange.Added => $"{Kind} {Name} added: {After}",
        DifferenceChange.Removed => $"{Kind} {Name} removed: {Before}",
        DifferenceChange.Changed => $"{Kind} {Name} changed: {Before} -> {After}",
        _ => $"{Kind} {Name}: {Before}",
    };
}

/// <summary>What can differ.</summary>
public enum DifferenceKind
{
    /// <summary>A whole database.</summary>
    Database,

    /// <summary>The Alembic revision.</summary>
    Revision,

    /// <summary>The definition of a table, index, view, function or the like.</summary>
    Schema,

    /// <summary>The rows of a table.</summary>
    Table,

    /// <summary>The value that a sequence gives next.</summary>
    Sequence,

    /// <summary>A property of a database that applications rely on.</summary>
    Setting,

    /// <summary>A role or a tablespace of a server.</summary>
    Role,

    /// <summary>A file or folder.</summary>
    File,
}

/// <summary>What became of something between a backup and what it is compared with.</summary>
public enum DifferenceChange
{
    /// <summary>The backup does not have it.</summary>
    Added,

    /// <summary>The backup alone has it.</summary>
    Removed,

    /// <summary>Both have it, and it differs.</summary>
    Changed,

    /// <summary>Both have it, and its content is the same.</summary>
    Equal,

    /// <summary>Both have the table with as many rows; the contents were not compared.</summary>
    SameCount,
}
