using DbBackup.Engine.Platform;
using DbBackup.Upgrades.Deployments;

namespace DbBackup.Upgrades;

/// <summary>The persisted state of an upgrade.</summary>
internal sealed record UpgradeRecord
{
    public required string Id { get; init; }

    /// <summary>The process that runs it.</summary>
    public required ProcessIdentity Owner { get; init; }

    public required UpgradeRequest Request { get; init; }

    /// <summary>The name of what is upgraded.</summary>
    public required string Target { get; init; }

    public required DateTimeOffset Started { get; init; }

    public required string Repository { get; init; }

    /// <summary>The source of the backup; null until the backup is published.</summary>
    public string? BackupSource { get; init; }

    /// <summary>The name of the backup; null until the backup is published.</summary>
    public string? BackupName { get; init; }

    /// <summary>
    /// The secret key of that backup if it is encrypted, until the upgrade has succeeded or was rolled back: a host that has the public key alone can
    /// then finish what a killed process has left. It opens this backup and no other.
    /// </summary>
    public string? BackupKey { get; init; }

    public string? FromRevision { get; init; }

    public string? ToRevision { get; init; }

    public UpgradeState State { get; init; }

    public string? Failure { get; init; }

    /// <summary>The hint of the failure, if it has one.</summary>
    public string? Recommendation { get; init; }

    public required IReadOnlyList<UpgradeStep> Steps { get; init; }

    /// <summary>The process of a migration on this machine, which survives its parent.</summary>
    public ProcessIdentity? Migration { get; init; }

    /// <summary>The version before the upgrade; null until it is inspected.</summary>
    public DeploymentRecord? Deployment { get; init; }

    /// <summary>What only one upgrade can work on at a time: all services of a project, because they share its database.</summary>
    public string Key => Request.Subject switch
    {
        UpgradeSubject.ComposeProject project => $"{project.DockerHost}/{project.Name}",
        UpgradeSubject.MajorVersion { Project: { } project } server => $"{server.DockerHost}/{project}",
        _ => Target,
    };

    /// <summary>True if the data may have been changed. Those of a server that is replaced stay in their volume as they are.</summary>
    public bool IsTouched => !Request.ReplacesServer && (HasBegun(UpgradeSteps.Migration) || HasBegun(UpgradeSteps.Start));

    /// <summary>True if anything may have been changed: the code, the containers or the data.</summary>
    public bool IsChanged => IsTouched || HasBegun(UpgradeSteps.Version) || HasBegun(UpgradeSteps.Maintenance) || HasBegun(UpgradeSteps.Install);

    /// <summary>Returns whether a step has started; it may have failed or been interrupted.</summary>
    public bool HasBegun(string name) => StateOf(name) is UpgradeStepState.Running or UpgradeStepState.Done or UpgradeStepState.Failed;

    /// <summary>Returns the state of a step; Pending for a step that this upgrade does not have.</summary>
    public UpgradeStepState StateOf(string name) => Steps.FirstOrDefault(step => step.Name == name)?.State ?? UpgradeStepState.Pending;

    /// <summary>Returns a copy with a step replaced, or appended if it is new.</summary>
    public UpgradeRecord With(UpgradeStep changed) => this with
    {
        Steps = Steps.Any(step => step.Name == changed.Name) ? [.. Steps.Select(step => step.Name == changed.Name ? changed : step)] : [.. Steps, changed],
    };

    /// <summary>Returns a copy of an upgrade that has come to its end, without the key of its backup.</summary>
    public UpgradeRecord Ended(UpgradeState state) => this with { State = state, BackupKey = null };

    public UpgradeResult ToResult() => new()
    {
        Id = Id,
        Target = Target,
        // A process whose state is unknown counts as running; the lock tells whoever resumes the upgrade.
        State = State == UpgradeState.Running && Owner.IsAlive() == Liveness.Dead ? UpgradeState.Interrupted : State,
        Started = Started,
        Backup = BackupName is null ? null : $"{BackupSource}/{BackupName}",
        Repository = Repository,
        Recipients = Request.Recipients,
        FromRevision = FromRevision,
        ToRevision = ToRevision,
        Steps = Steps,
        Downtime = Downtime(),
        Failure = Failure,
        Recommendation = Recommendation,
    };

    private TimeSpan? Downtime()
    {
        UpgradeStep? up = Steps.LastOrDefault(step => (step.Name == UpgradeSteps.Rollback || step.Name == (Request.Subject is UpgradeSubject.ServerMove ? UpgradeSteps.Release : UpgradeSteps.Start)) && step.State == UpgradeStepState.Done);
        return Steps.FirstOrDefault(step => step.Name == UpgradeSteps.Maintenance)?.Started is { } down && up is { Started: { } started, Duration: { } duration } ? started + duration - down : null;
    }
}
