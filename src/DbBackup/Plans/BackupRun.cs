namespace DbBackup;

/// <summary>The state of a run of a plan.</summary>
public enum BackupRunState
{
    /// <summary>It is running.</summary>
    Running,

    /// <summary>Everything was done.</summary>
    Succeeded,

    /// <summary>A step failed; what is good was kept, and nothing was removed after the failure.</summary>
    Failed,

    /// <summary>It was stopped by a person.</summary>
    Stopped,

    /// <summary>Its process died.</summary>
    Interrupted,
}

/// <summary>The state of a step of a run.</summary>
public enum BackupRunStepState
{
    /// <summary>It is running.</summary>
    Running,

    /// <summary>It succeeded.</summary>
    Done,

    /// <summary>It was skipped; its detail says why.</summary>
    Skipped,

    /// <summary>It failed; its detail says why.</summary>
    Failed,
}

/// <summary>One step of a run.</summary>
public sealed record BackupRunStep
{
    /// <summary>The name: Before, Backup, After, Test, RestoreTest, Retention, Copy, Notify, OnFailure.</summary>
    public required string Name { get; init; }

    /// <summary>The state.</summary>
    public BackupRunStepState State { get; init; }

    /// <summary>The start time.</summary>
    public DateTimeOffset Started { get; init; }

    /// <summary>The duration; null until it ends.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The result, or the reason.</summary>
    public string? Detail { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Name}: {State}{(Duration is { } time ? $" in {time.TotalSeconds:0.0} s" : string.Empty)}{(Detail is null ? string.Empty : $", {Detail}")}";
}

/// <summary>A backup that a run made.</summary>
public sealed record BackupRunBackup
{
    /// <summary>The source.</summary>
    public required string Source { get; init; }

    /// <summary>The backup's name.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes in the repository.</summary>
    public long Size { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Source}/{Name}";
}

/// <summary>One run of a plan, as it was recorded.</summary>
public sealed record BackupRun
{
    /// <summary>The ID, which begins with the time (UTC).</summary>
    public required string Id { get; init; }

    /// <summary>The plan.</summary>
    public required string Plan { get; init; }

    /// <summary>Whose plan it is.</summary>
    public PlanScope Scope { get; init; }

    /// <summary>The state.</summary>
    public BackupRunState State { get; init; }

    /// <summary>What began it: <c>Manual</c>, <c>Schedule</c> or <c>Service</c>.</summary>
    public required string Trigger { get; init; }

    /// <summary>The start time.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The duration; null until it ends.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The host's name.</summary>
    public required string Host { get; init; }

    /// <summary>The repository.</summary>
    public string? Repository { get; init; }

    /// <summary>The steps in their order.</summary>
    public IReadOnlyList<BackupRunStep> Steps { get; init => field = Indexable.Of(value); } = Indexable.Of<BackupRunStep>([]);

    /// <summary>The backups that it made.</summary>
    public IReadOnlyList<BackupRunBackup> Backups { get; init => field = Indexable.Of(value); } = Indexable.Of<BackupRunBackup>([]);

    /// <summary>The backups that retention removed, as <c>source/name</c>.</summary>
    public IReadOnlyList<string> Removed { get; init => field = Indexable.Of(value); } = Indexable.Of<string>([]);

    /// <summary>Why it failed: the first failure; null if it did not.</summary>
    public string? Failure { get; init; }

    /// <summary>What to do about the failure.</summary>
    public string? Recommendation { get; init; }

    /// <summary>The readable log.</summary>
    public string? Log { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Plan} {Id}: {State}";
}
