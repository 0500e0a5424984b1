namespace DbBackup.Engine.Plans.Status;

/// <summary>What is known of a source, before it is judged.</summary>
internal sealed record StatusFacts
{
    /// <summary>The source's name, or what the plan says of it.</summary>
    public required string Source { get; init; }

    /// <summary>The repository.</summary>
    public required string Repository { get; init; }

    /// <summary>Its backups, newest first.</summary>
    public IReadOnlyList<Backup> Backups { get; init; } = [];

    /// <summary>Why the repository cannot be read; null where it can.</summary>
    public BackupException? RepositoryProblem { get; init; }

    /// <summary>The plan that backs it up.</summary>
    public PlanFacts? Plan { get; init; }

    /// <summary>How old the newest good backup may be where no plan says it.</summary>
    public TimeSpan? Rpo { get; init; }

    /// <summary>The room in its repository.</summary>
    public SpaceFacts Space { get; init; } = SpaceFacts.Unknown;
}
