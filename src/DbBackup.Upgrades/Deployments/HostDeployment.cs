using DbBackup.Engine.Platform;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Code in a folder of this machine, which the user installs, stops and starts.</summary>
internal sealed class HostDeployment(UpgradeRequest request) : IDeployment
{
    private readonly string _folder = request.MigrationPath!;

    public IReadOnlyList<string> Steps { get; } = [UpgradeSteps.Preflight, UpgradeSteps.Backup, UpgradeSteps.Rehearsal, UpgradeSteps.Migration, UpgradeSteps.Check];

    public bool HasNewVersion => true;

    public Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken) => Directory.Exists(_folder)
        ? Task.FromResult(new DeploymentRecord())
        : throw new BackupFailure(ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"Code folder '{_folder}' was not found.", "Name the folder in which the migration runs (-MigrationPath).") { Target = _folder };

    public (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record) => ([], []);

    public Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Action<ProcessIdentity>? started = journal is null ? null : process => journal.Write(journal.Record with { Migration = process });
        return Shell(command, target).RunAsync(request.Timeout, started, observer, cancellationToken);
    }

    public Task CheckAsync(string command, IUpgradeTarget target, IOperationObserver observer, CancellationToken cancellationToken) =>
        Shell(command, target).RunAsync(request.Timeout, null, observer, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private UpgradeCommand Shell(string command, IUpgradeTarget? target) =>
        UpgradeCommand.OfShell(command, _folder, target?.Environment ?? new Dictionary<string, string?>());
}
