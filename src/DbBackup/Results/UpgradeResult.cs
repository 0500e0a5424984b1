namespace DbBackup;

/// <summary>The state of an upgrade.</summary>
public enum UpgradeState
{
    /// <summary>The upgrade is running.</summary>
    Running,

    /// <summary>Its process died: it waits for Resume-DbUpgrade or Undo-DbUpgrade.</summary>
    Interrupted,

    /// <summary>The new version is installed and healthy.</summary>
    Succeeded,

    /// <summary>The previous version and its data were restored, or were never changed.</summary>
    RolledBack,

    /// <summary>The upgrade failed and was not rolled back: because of -NoRollback, or because the rollback failed too.</summary>
    Failed,
}

/// <summary>The state of an upgrade step.</summary>
public enum UpgradeStepState
{
    /// <summary>The step has not started.</summary>
    Pending,

    /// <summary>The step is running, or its process died in it.</summary>
    Running,

    /// <summary>The step succeeded.</summary>
    Done,

    /// <summary>The step was skipped; its detail says why.</summary>
    Skipped,

    /// <summary>The step failed; its detail says why.</summary>
    Failed,
}

/// <summary>One step of an upgrade.</summary>
public sealed record UpgradeStep
{
    /// <summary>The name: Preflight, Version, Rehearsal, Maintenance, Backup, Install, Migration, Start, Check, Release, Rollback; which of them, and in which order, depends on the upgrade.</summary>
    public required string Name { get; init; }

    /// <summary>The state.</summary>
    public UpgradeStepState State { get; init; }

    /// <summary>The start time; null until the step starts.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>The duration; null until the step ends.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The result, or the reason.</summary>
    public string? Detail { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Name}: {State}{(Duration is { } time ? $" in {time.TotalSeconds:0.0} s" : string.Empty)}{(Detail is null ? string.Empty : $", {Detail}")}";
}

/// <summary>An upgrade: its target, its steps and its outcome.</summary>
public sealed record UpgradeResult
{
    /// <summary>The ID, for Resume-DbUpgrade and Undo-DbUpgrade.</summary>
    public required string Id { get; init; }

    /// <summary>What is upgraded: the path or address of a database, or the location of an application, as in <c>docker:///compose/shop/web</c>.</summary>
    public required string Target { get; init; }

    /// <summary>The state.</summary>
    public required UpgradeState State { get; init; }

    /// <summary>The start time.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The backup taken before the migration, as <c>source/name</c>; null until it exists.</summary>
    public string? Backup { get; init; }

    /// <summary>The repository of that backup.</summary>
    public required string Repository { get; init; }

    /// <summary>To whom that backup is encrypted: public keys, or the word <c>passphrase</c>; empty if it is not.</summary>
    public IReadOnlyList<string> Recipients { get; init => field = Indexable.Of(value); } = [];

    /// <summary>The schema revision before; of a server that gets another major version, its version.</summary>
    public string? FromRevision { get; init; }

    /// <summary>The schema revision after the migration, or the version of the new server; null without a migration or after a rollback.</summary>
    public string? ToRevision { get; init; }

    /// <summary>The steps in their order.</summary>
    public required IReadOnlyList<UpgradeStep> Steps { get; init => field = Indexable.Of(value); }

    /// <summary>How long the application was stopped; null if it was not, or still is.</summary>
    public TimeSpan? Downtime { get; init; }

    /// <summary>Why the upgrade failed, with the program's last output; null if it did not.</summary>
    public string? Failure { get; init; }

    /// <summary>What to do about the failure, if anything beyond correcting it is known.</summary>
    public string? Recommendation { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Id}: {Target} {State}";
}
