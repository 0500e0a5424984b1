using DbBackup.Engine.Platform;
using DbBackup.Upgrades.Deployments;

namespace DbBackup.Upgrades;

/// <summary>What is known of an upgrade on disk.</summary>
internal sealed record UpgradeRecord
{
    public required string Id { get; init; }

    /// <summary>The process that is at work on it.</summary>
    public required ProcessIdentity Owner { get; init; }

    public required UpgradeRequest Request { get; init; }

    /// <summary>The name of what is upgraded.</summary>
    public required string Target { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required string Repository { get; init; }

    /// <summary>The source of the backup, once it is published.</summary>
    public string? BackupSource { get; init; }

    /// <summary>The name of the backup, once it is published.</summary>
    public string? BackupName { get; init; }

    public string? FromRevision { get; init; }

    public string? ToRevision { get; init; }

    public UpgradeState State { get; init; }

    public string? Failure { get; init; }

    /// <summary>What the failure recommends; null where nothing was said.</summary>
    public string? Recommendation { get; init; }

    public required IReadOnlyList<UpgradeStep> Steps { get; init; }

    /// <summary>The process of a migration on this machine; it goes on when its parent is killed.</summary>
    public ProcessIdentity? Migration { get; init; }

    /// <summary>What ran before; null before it was looked at.</summary>
    public DeploymentRecord? Deployment { get; init; }

    /// <summary>What no two upgrades work on at once: of a project all services, for they share its database.</summary>
    public string Key => Request.Application?.ComposeProject is { } project ? $"{Request.Application.DockerHost}/{project}" : Target;

    /// <summary>Whether the data may have been changed.</summary>
    public bool IsTouched => HasBegun(UpgradeSteps.Migration) || HasBegun(UpgradeSteps.Start);

    /// <summary>Whether anything may have been changed: the code, what runs, or the data.</summary>
    public bool IsChanged => IsTouched || HasBegun(UpgradeSteps.Version) || HasBegun(UpgradeSteps.Maintenance) || HasBegun(UpgradeSteps.Install);

    /// <summary>Whether a step was begun; it may have failed, or was cut off.</summary>
    public bool HasBegun(string name) => StateOf(name) is UpgradeStepState.Running or UpgradeStepState.Done or UpgradeStepState.Failed;

    /// <summary>How a step stands; one that this upgrade does not have stays pending.</summary>
    public UpgradeStepState StateOf(string name) => Steps.FirstOrDefault(step => step.Name == name)?.State ?? UpgradeStepState.Pending;

    /// <summary>The same with a step as it stands now; one that it did not have comes last.</summary>
    public UpgradeRecord With(UpgradeStep changed) => this with
    {
        Steps = Steps.Any(step => step.Name == changed.Name) ? [.. Steps.Select(step => step.Name == changed.Name ? changed : step)] : [.. Steps, changed],
    };

    public UpgradeResult ToResult() => new()
    {
        Id = Id,
        Target = Target,
        // Where it cannot be told from here whether its process lives, it is taken to: whoever goes on with it finds out by its lock.
        State = State == UpgradeState.Running && Owner.IsAlive() == Liveness.Dead ? UpgradeState.Interrupted : State,
        Started = Started,
        Backup = BackupName is null ? null : $"{BackupSource}/{BackupName}",
        Repository = Repository,
        FromRevision = FromRevision,
        ToRevision = ToRevision,
        Steps = Steps,
        Downtime = Downtime(),
        Failure = Failure,
        Recommendation = Recommendation,
    };

    private TimeSpan? Downtime()
    {
        UpgradeStep? up = Steps.LastOrDefault(step => step is { Name: UpgradeSteps.Rollback or UpgradeSteps.Start, State: UpgradeStepState.Done });
        return Steps.FirstOrDefault(step => step.Name == UpgradeSteps.Maintenance)?.Started is { } down && up is { Started: { } started, Duration: { } duration } ? started + duration - down : null;
    }
}
