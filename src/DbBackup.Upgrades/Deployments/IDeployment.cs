using DbBackup.Engine.Repository;
using DbBackup.Upgrades.Deployments.ComposeFiles;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>The application around the data: installs its new version and restores the previous one. Members with a body do nothing unless overridden.</summary>
internal interface IDeployment : IAsyncDisposable
{
    /// <summary>The steps of an upgrade, in order.</summary>
    IReadOnlyList<string> Steps { get; }

    /// <summary>True if the new version is available before the step Version, so that a plan can read its migrations.</summary>
    bool HasNewVersion { get; }

    /// <summary>Inspects the present version, and fails if an upgrade cannot work. Changes nothing.</summary>
    /// <exception cref="BackupException">The upgrade cannot work; the hint says what to do.</exception>
    Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken);

    /// <summary>Describes for a plan how the new version is fetched and installed.</summary>
    (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record);

    /// <summary>Fetches the new version while the old one runs.</summary>
    Task<string> FetchAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Stops the containers that write to the data.</summary>
    Task<string> StopAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Replaces the old version, which is kept, with the new one.</summary>
    Task<string> InstallAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Loads a backup into the new server, in a volume of its own, and compares it there. Can be repeated after an interruption.</summary>
    /// <exception cref="BackupException">The new server refuses a part of it, or has something else than was backed up.</exception>
    Task<string> LoadAsync(Backup backup, BackupRepository repository, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Runs a command in the environment of the new version.</summary>
    /// <param name="command">The command.</param>
    /// <param name="target">The data that the command is pointed at; null for none.</param>
    /// <param name="journal">The journal that records the process; null for none.</param>
    /// <param name="observer">Receives each output line.</param>
    /// <param name="cancellationToken">Terminates the command.</param>
    /// <returns>The standard output of a command that succeeded.</returns>
    /// <exception cref="BackupException">The command failed or took too long.</exception>
    Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Starts the new version on a copy of the data, and checks that it stays healthy.</summary>
    Task TrialRunAsync(IUpgradeTarget copy, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Starts the new version and everything that was stopped for it, and waits until it is healthy.</summary>
    Task<string> StartAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Checks that the new version stays healthy, and works on the data that were there before.</summary>
    Task WatchAsync(UpgradeRecord record, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs a check in the environment of the application.</summary>
    Task CheckAsync(string command, IUpgradeTarget target, IOperationObserver observer, CancellationToken cancellationToken);

    /// <summary>Removes what was kept of the old version.</summary>
    Task<string> CleanUpAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    /// <summary>Stops the application, old or new, before its data are replaced.</summary>
    Task StopAllAsync(UpgradeRecord record, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Restores the previous version, stopped. Can be repeated after a failure or an interruption.</summary>
    Task RestorePreviousAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Notes in the journal that a rehearsal begins to load a backup.</summary>
    Task BeginRehearsalAsync(UpgradeJournal journal, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Notes in the journal that what a rehearsal has loaded is gone.</summary>
    void EndRehearsal(UpgradeJournal journal, IOperationObserver observer)
    {
    }

    /// <summary>Removes what a killed rehearsal has left outside the target.</summary>
    /// <exception cref="BackupException">It cannot be removed now.</exception>
    Task SweepAsync(UpgradeRecord record, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Starts what ran before the upgrade.</summary>
    Task RestartAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>The version before an upgrade.</summary>
internal sealed record DeploymentRecord
{
    /// <summary>The images, by service or container.</summary>
    public IReadOnlyList<ImageRecord> Images { get; init; } = [];

    /// <summary>The definitions of the containers without secrets, by service or container: for an administrator who has only the journal.</summary>
    public IReadOnlyDictionary<string, string> Definitions { get; init; } = new Dictionary<string, string>();

    /// <summary>The commit of the project's work tree; null if the folder is not in one.</summary>
    public GitInfo? Git { get; init; }

    /// <summary>The containers that the upgrade stops, in that order; null until they are known.</summary>
    public IReadOnlyList<StoppedContainer>? Stopped { get; init; }

    /// <summary>What the containers mounted to write, by service or container.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<DataMount>> Mounts { get; init => field = value ?? new Dictionary<string, IReadOnlyList<DataMount>>(); } = new Dictionary<string, IReadOnlyList<DataMount>>();

    /// <summary>Services whose containers end by themselves, with exit code 0.</summary>
    public IReadOnlyList<string> OneShots { get; init => field = value ?? []; } = [];

    /// <summary>Other containers that share the network or another namespace of one that is recreated, or have a link to it.</summary>
    public IReadOnlyList<DependentContainer> Dependents { get; init => field = value ?? []; } = [];

    /// <summary>The containers of the database server where it is upgraded too; it runs until the backup is made.</summary>
    public IReadOnlyList<StoppedContainer> Servers { get; init => field = value ?? []; } = [];

    /// <summary>What was changed in the files of a compose project; empty if nothing was.</summary>
    public IReadOnlyList<ComposeFileRecord> Files { get; init => field = value ?? []; } = [];

    /// <summary>What a new server with an address of its own had before a backup was loaded; null for any other.</summary>
    public NewServerRecord? NewServer { get; init; }

    /// <summary>True while a backup is loaded into that server, or what was loaded is there.</summary>
    public bool IsLoading { get; init; }

    /// <summary>The value of <c>default_transaction_read_only</c> that ALTER SYSTEM had set on an old server; null if it had set none.</summary>
    public string? ReadOnly { get; init; }

    /// <summary>How many rows had been written in each database of an old server when it was made read-only.</summary>
    public IReadOnlyDictionary<string, long>? OldWritten { get; init; }

    /// <summary>How many rows had been written in each database of a new server before its users came; null until it has started.</summary>
    public IReadOnlyDictionary<string, long>? Written { get; init; }

    /// <summary>When the engine says the old server's volumes were created, after that server has stopped for good, by name. Another time is of another volume, or of a used one.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> OldVolumes { get; init => field = value ?? new Dictionary<string, DateTimeOffset>(); } = new Dictionary<string, DateTimeOffset>();
}

/// <summary>An image that was in use.</summary>
/// <param name="Name">The service, or the container.</param>
/// <param name="Reference">The image name in the container's definition.</param>
/// <param name="Id">The ID.</param>
/// <param name="Containers">The number of containers.</param>
internal sealed record ImageRecord(string Name, string Reference, string Id, int Containers = 1);

/// <summary>A mount that a container may write to.</summary>
/// <param name="Path">The path in the container.</param>
/// <param name="Source">The volume's name, or the folder of the engine's machine.</param>
internal sealed record DataMount(string Path, string Source);

/// <summary>A container that needs another one to be the same.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Its ID before the upgrade.</param>
/// <param name="Owner">The name of the other one.</param>
/// <param name="OwnerId">The other one's ID before the upgrade.</param>
/// <param name="Runs">True if it ran before the upgrade.</param>
/// <param name="Aliases">The names under which it has a link to the other one.</param>
internal sealed record DependentContainer(string Name, string Id, string Owner, string OwnerId, bool Runs, IReadOnlyList<string> Aliases);

/// <summary>A container that is stopped.</summary>
/// <param name="Id">The ID.</param>
/// <param name="Name">Its name.</param>
internal sealed record StoppedContainer(string Id, string Name);
