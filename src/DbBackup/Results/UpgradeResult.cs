namespace DbBackup;

/// <summary>How an upgrade stands.</summary>
public enum UpgradeState
{
    /// <summary>It is at work.</summary>
    Running,

    /// <summary>Its process ended in the middle: it waits for Resume-DbUpgrade or Undo-DbUpgrade.</summary>
    Interrupted,

    /// <summary>The new version is in place and was found healthy.</summary>
    Succeeded,

    /// <summary>The old version and its data are back, or were never touched.</summary>
    RolledBack,

    /// <summary>It failed and was not taken back: because that was wished, or because that failed too.</summary>
    Failed,
}

/// <summary>How a step of an upgrade stands.</summary>
public enum UpgradeStepState
{
    /// <summary>Its turn has not come.</summary>
    Pending,

    /// <summary>It is at work, or its process ended while it was.</summary>
    Running,

    /// <summary>It is done.</summary>
    Done,

    /// <summary>It was not wanted, or cannot be done here; its detail says why.</summary>
    Skipped,

    /// <summary>It failed; its detail says how.</summary>
    Failed,
}

/// <summary>One step of an upgrade.</summary>
public sealed record UpgradeStep
{
    /// <summary>Its name: Preflight, Version, Rehearsal, Maintenance, Backup, Install, Migration, Start, Check, Release, Rollback; not every upgrade has them all, nor in one order.</summary>
    public required string Name { get; init; }

    /// <summary>How it stands.</summary>
    public UpgradeStepState State { get; init; }

    /// <summary>When it began; null before that.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>How long it took; null before its end.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>What came of it.</summary>
    public string? Detail { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Name}: {State}{(Duration is { } time ? $" in {time.TotalSeconds:0.0} s" : string.Empty)}{(Detail is null ? string.Empty : $", {Detail}")}";
}

/// <summary>An upgrade: what it is of, what was done, and how it ended.</summary>
public sealed record UpgradeResult
{
    /// <summary>Its name, for Resume-DbUpgrade and Undo-DbUpgrade.</summary>
    public required string Id { get; init; }

    /// <summary>What is upgraded: the path or address of a database, or where the application is, as in <c>docker:///compose/shop/web</c>.</summary>
    public required string Target { get; init; }

    /// <summary>How it stands.</summary>
    public required UpgradeState State { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The backup that was made before the migration, as <c>source/name</c>; null before there is one.</summary>
    public string? Backup { get; init; }

    /// <summary>The repository of that backup.</summary>
    public required string Repository { get; init; }

    /// <summary>The schema revision before.</summary>
    public string? FromRevision { get; init; }

    /// <summary>The schema revision after the migration; null where there was none, or it was rolled back.</summary>
    public string? ToRevision { get; init; }

    /// <summary>The steps in their order.</summary>
    public required IReadOnlyList<UpgradeStep> Steps { get; init; }

    /// <summary>For how long the application was stopped; null where it was not, or still is.</summary>
    public TimeSpan? Downtime { get; init; }

    /// <summary>Why it failed, with the last words of the program that did; null where it did not.</summary>
    public string? Failure { get; init; }

    /// <summary>What to do about the failure; null where it did not fail, or nothing is known but to correct it.</summary>
    public string? Recommendation { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Id}: {Target} {State}";
}
