namespace DbBackup;

/// <summary>A further repository to which a plan copies its new backups, with a retention of its own.</summary>
public sealed record PlanCopy
{
    /// <summary>The repository.</summary>
    public required string Repository { get; init; }

    /// <summary>What is kept there of the plan's sources, as in <c>30d,12m</c>; null where nothing is ever removed.</summary>
    public string? Retention { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Retention is null ? Repository : $"{Repository} ({Retention})";
}
