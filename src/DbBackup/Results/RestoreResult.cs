namespace DbBackup;

/// <summary>What a restore did.</summary>
public sealed record RestoreResult
{
    /// <summary>The backup's name.</summary>
    public required string Name { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The repository's location.</summary>
    public required string Repository { get; init; }

    /// <summary>The identity by which <c>Undo-DbRestore</c> undoes this restore; null if nothing was replaced, or nothing of it kept.</summary>
    public string? RestoreId { get; init; }

    /// <summary>What was restored: absolute paths.</summary>
    public required IReadOnlyList<string> Restored { get; init => field = Indexable.Of(value); }

    /// <summary>How far the restored database proved itself before the swap.</summary>
    public required BackupStatus Status { get; init; }

    /// <summary>
    /// What the restored database lacks or has otherwise than the backup recorded, a sentence each: what the server refused, and what a
    /// comparison found. Empty unless it was restored with <c>-AllowMismatch</c>.
    /// </summary>
    public IReadOnlyList<string> Differences { get; init => field = Indexable.Of(value); } = [];

    /// <summary>The backup of what was there before; null where there was nothing, or none was wanted.</summary>
    public Backup? SafetyBackup { get; init; }

    /// <summary>Copies of what was there before and could not be backed up because it was damaged.</summary>
    public IReadOnlyList<string> KeptAside { get; init => field = Indexable.Of(value); } = [];

    /// <summary>For how long new connections had to wait while a server's database was put in place.</summary>
    public TimeSpan? Interruption { get; init; }

    /// <summary>For how long the application in containers was stopped; null where none was.</summary>
    public TimeSpan? Downtime { get; init; }

    /// <summary>
    /// Containers that were running before and were left stopped, because the restored schema revision is another one than their code's: at its
    /// start the application could migrate the old data by itself. The choice is the administrator's.
    /// </summary>
    public IReadOnlyList<string> LeftStopped { get; init => field = Indexable.Of(value); } = [];

    /// <summary>The Alembic revision of the restored database.</summary>
    public string? SchemaRevision { get; init; }

    /// <summary>The Alembic revision of the database that was there before.</summary>
    public string? PreviousSchemaRevision { get; init; }

    /// <summary>What to run next, where the revision changed.</summary>
    public IReadOnlyList<string> NextCommands { get; init => field = Indexable.Of(value); } = [];

    /// <summary>How long it took.</summary>
    public required TimeSpan Duration { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Source}/{Name} restored to {string.Join(", ", Restored)}";
}
