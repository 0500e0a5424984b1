using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>The application around the data: what runs it, and how it gets another version and its old one back. What is not told otherwise needs nothing.</summary>
internal interface IDeployment : IAsyncDisposable
{
    /// <summary>The steps that it needs, in their order.</summary>
    IReadOnlyList<string> Steps { get; }

    /// <summary>Whether the new version is here before its step: only then a plan can read its migrations.</summary>
    bool HasNewVersion { get; }

    /// <summary>Looks at what there is, and fails where an upgrade cannot work. Changes nothing.</summary>
    /// <exception cref="BackupException">With what to do about it.</exception>
    Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken);

    /// <summary>What an upgrade does to the application, for a plan: to get the new version, and to put it in place.</summary>
    (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record);

    /// <summary>Gets the new version, beside the old one that goes on running.</summary>
    Task<string> FetchAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Stops those that write.</summary>
    Task<string> StopAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Puts the new version in the place of the old one, which is kept.</summary>
    Task<string> InstallAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Runs a command in the new version's surroundings.</summary>
    /// <param name="command">The command.</param>
    /// <param name="target">The data to which it is led; null for none.</param>
    /// <param name="journal">Where the process is noted before it begins; null where nothing has to be.</param>
    /// <param name="observer">Hears each line that it writes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Its exit code is 0, and this is what it wrote to its standard output.</returns>
    /// <exception cref="BackupException">It failed or took too long, with its last words.</exception>
    Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Starts the new version itself on a copy of the data, and sees whether it stays up.</summary>
    Task TrialRunAsync(IUpgradeTarget copy, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Starts the new version, and all that was stopped for it, and waits until it is healthy.</summary>
    Task<string> StartAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Sees whether the new version stays up and healthy.</summary>
    Task WatchAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs a check in the application's own surroundings.</summary>
    Task CheckAsync(string command, IUpgradeTarget target, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Lets go of what was kept of the old version.</summary>
    Task<string> CleanUpAsync(UpgradeJournal journal, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Stops whatever runs of the application, old or new: its data are about to be replaced.</summary>
    Task StopAllAsync(UpgradeRecord note, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Puts the old version back, stopped. May be called again after it has failed or was cut off.</summary>
    Task RestorePreviousAsync(UpgradeRecord note, IOperationObserver observer, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Starts what ran before the upgrade.</summary>
    Task RestartAsync(UpgradeRecord note, IOperationObserver observer, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>What ran before an upgrade.</summary>
internal sealed record DeploymentRecord
{
    /// <summary>The images, by service or container.</summary>
    public IReadOnlyList<ImageRecord> Images { get; init; } = [];

    /// <summary>The definitions of the containers without what may be secret, by service or container: for an administrator who has only the journal.</summary>
    public IReadOnlyDictionary<string, string> Definitions { get; init; } = new Dictionary<string, string>();

    /// <summary>The commit of the project's work tree; null where its folder is in none.</summary>
    public GitInfo? Git { get; init; }

    /// <summary>The containers that are stopped for it, by id and name, in the order in which they are stopped; null before that is known.</summary>
    public IReadOnlyList<StoppedContainer>? Stopped { get; init; }
}

/// <summary>An image that was in use.</summary>
/// <param name="Name">The service, or the container.</param>
/// <param name="Reference">The name under which it was asked for.</param>
/// <param name="Id">Its id.</param>
/// <param name="Containers">How many containers were made of it.</param>
internal sealed record ImageRecord(string Name, string Reference, string Id, int Containers = 1);

/// <summary>A container that is stopped.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
internal sealed record StoppedContainer(string Id, string Name);
