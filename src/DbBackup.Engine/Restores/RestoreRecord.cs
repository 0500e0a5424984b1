namespace DbBackup.Engine.Restores;

/// <summary>What a restore replaced and where the previous state is kept, so that the restore can be undone as a whole.</summary>
public sealed record RestoreRecord
{
    /// <summary>Its identity within the source: the moment of the restore and a few random digits.</summary>
    public required string Id { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The backup that was restored, or whose restore was undone.</summary>
    public required string Backup { get; init; }

    /// <summary>When it was restored.</summary>
    public required DateTimeOffset Restored { get; init; }

    /// <summary>The machine that restored it: paths are of that machine.</summary>
    public required string Host { get; init; }

    /// <summary>What was replaced: paths and locations.</summary>
    public required IReadOnlyList<string> Replaced { get; init; }

    /// <summary>What did not exist before. An undo leaves it.</summary>
    public IReadOnlyList<string> Created { get; init; } = [];

    /// <summary>The name of the safety backup; null if none was needed.</summary>
    public string? SafetyBackup { get; init; }

    /// <summary>The names of the entries of databases that stay on their server.</summary>
    public IReadOnlyList<string> Retained { get; init; } = [];

    /// <summary>Damaged files that were copied as they were.</summary>
    public IReadOnlyList<SetAsideState> SetAside { get; init; } = [];

    /// <summary>True if present databases were emptied and loaded, so that an undo does the same.</summary>
    public bool InPlace { get; init; }

    /// <summary>Containers that ran before and that the restore left stopped.</summary>
    public IReadOnlyList<string> LeftStopped { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{Source}/{Id}";
}

/// <summary>A record with the repository that it goes to.</summary>
/// <param name="Repository">The repository's location.</param>
/// <param name="Record">The record.</param>
internal sealed record PendingRecord(string Repository, RestoreRecord Record);
