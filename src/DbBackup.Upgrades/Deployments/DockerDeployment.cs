using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Repository;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>An application in containers: what compose projects and single containers have in common.</summary>
internal abstract class DockerDeployment(DockerClient client, UpgradeSubject.Application application, UpgradeRequest request) : IDeployment
{
    /// <summary>The repository name under which old images are kept: without a name, "docker image prune" would remove them.</summary>
    public const string KeptRepository = "dbbackup-kept";

    private const string ImageOfDefinition = "Image";
    private const int LogLines = 10;
    private const int LongestTagStart = 100;

    // A container without a health check counts as started after this time.
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(2);

    public abstract IReadOnlyList<string> Steps { get; }

    public abstract bool HasNewVersion { get; }

    /// <summary>The Docker Engine client.</summary>
    protected DockerClient Client => client;

    /// <summary>The request.</summary>
    protected UpgradeRequest Request => request;

    public abstract Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken);

    public abstract (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record);

    public abstract Task<string> FetchAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken);

    public virtual Task<string> InstallAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    public virtual Task<string> LoadAsync(Backup backup, BackupRepository repository, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    public abstract Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken);

    public abstract Task TrialRunAsync(IUpgradeTarget copy, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken);

    public abstract Task<string> StartAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken);

    public abstract Task<string> CleanUpAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken);

    public abstract Task RestorePreviousAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken);

    public virtual async Task<string> StopAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        DeploymentRecord record = journal.Record.Deployment!;
        if (record.Stopped is null)
        {
            // Journaled before the first one stops, so that a rollback starts them again.
            record = record with { Stopped = await FindWritersAsync(cancellationToken).ConfigureAwait(false) };
            journal.Write(journal.Record with { Deployment = record });
        }

        foreach (StoppedContainer each in record.Stopped!)
        {
            if (await client.ContainerFindAsync(each.Id, cancellationToken).ConfigureAwait(false) is not null)
                await client.ContainerStopAsync(each.Id, cancellationToken).ConfigureAwait(false);
        }

        return record.Stopped!.Count == 0 ? "no running container writes to the data" : $"stopped {string.Join(", ", record.Stopped.Select(each => each.Name))}";
    }

    public async Task WatchAsync(UpgradeRecord record, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> own = await OwnContainersAsync(cancellationToken).ConfigureAwait(false);
        if (!request.Force)
            await RequireSameMountsAsync(record.Deployment!, own, cancellationToken).ConfigureAwait(false);
        string[] names = [.. own.Where(container => !IsOneShot(record, container)).Select(container => container.Id)];
        if (await ContainerHealth.WatchAsync(client, names, request.SettleTime, cancellationToken).ConfigureAwait(false) is { } trouble)
            throw await UnhealthyAsync(trouble, names, cancellationToken).ConfigureAwait(false);
    }

    public async Task CheckAsync(string command, IUpgradeTarget target, IOperationObserver observer, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> all = await OwnContainersAsync(cancellationToken).ConfigureAwait(false);
        // One that has ended runs no command.
        ContainerSummary own = all.FirstOrDefault(container => container.State == "running") ?? all[0];
        var host = new ContainerHost(client, await client.ContainerInspectAsync(own.Id, cancellationToken).ConfigureAwait(false));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(request.Timeout);
        try
        {
            (int exitCode, string output, string errors) = await host.CaptureAsync("sh", ["-c", command], limit.Token).ConfigureAwait(false);
            if (exitCode != 0)
                throw UpgradeCommand.Failure(command, FormattableString.Invariant($"in the {host.Description} failed with exit code {exitCode}"), UpgradeCommand.Words(output.Split('\n'), errors), $"Run it by hand: docker exec {own.Name} sh -c '…'.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw UpgradeCommand.Failure(command, FormattableString.Invariant($"took longer than {request.Timeout.TotalSeconds:0} s"), string.Empty, "Increase -Timeout, or find out why it hangs.");
        }
    }

    public async Task StopAllAsync(UpgradeRecord record, CancellationToken cancellationToken)
    {
        await RemoveTrialAsync(OnceName(record.Id), cancellationToken).ConfigureAwait(false);
        foreach (ContainerSummary container in await OwnContainersAsync(cancellationToken).ConfigureAwait(false))
            await client.ContainerStopAsync(container.Id, cancellationToken).ConfigureAwait(false);
    }

    public async Task RestartAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        foreach (StoppedContainer server in record.Deployment?.Servers ?? [])
        {
            if (await client.ContainerFindAsync(server.Name, cancellationToken).ConfigureAwait(false) is { State.Running: false })
                await client.ContainerStartAsync(server.Name, cancellationToken).ConfigureAwait(false);
        }

        foreach (StoppedContainer each in (record.Deployment?.Stopped ?? []).Reverse().Where(each => !IsDependent(record, each.Name)))
        {
            // By name: a recreated container has another ID.
            if (await client.ContainerFindAsync(each.Name, cancellationToken).ConfigureAwait(false) is null)
            {
                observer.Warning($"Container '{each.Name}' ran before the upgrade and no longer exists.");
                continue;
            }

            await client.ContainerStartAsync(each.Name, cancellationToken).ConfigureAwait(false);
        }

        await ReattachAsync(record, observer, cancellationToken).ConfigureAwait(false);
        foreach (StoppedContainer each in record.Deployment?.Stopped ?? [])
        {
            if (await client.ContainerFindAsync(each.Name, cancellationToken).ConfigureAwait(false) is not null
                && await ContainerHealth.FindTroubleAsync(client, each.Name, s_settled, TimeSpan.FromMinutes(2), cancellationToken).ConfigureAwait(false) is { } trouble)
            {
                observer.Warning($"Container '{each.Name}' was restarted with its previous version and {trouble}. See 'docker logs {each.Name}'.");
            }
        }

        await ForgetKeptAsync(record, ofThis: true, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Finds the application's own containers; at least one.</summary>
    protected abstract Task<IReadOnlyList<ContainerSummary>> OwnContainersAsync(CancellationToken cancellationToken);

    /// <summary>True for a container that ends by itself, with exit code 0.</summary>
    protected virtual bool IsOneShot(UpgradeRecord record, ContainerSummary container) => false;

    /// <summary>True for a container that has to run for the backup: that of the server whose image is upgraded.</summary>
    protected virtual bool IsServer(ContainerSummary container) => false;

    /// <summary>Finds other containers that use its database.</summary>
    protected virtual Task<IReadOnlyList<ContainerSummary>> OtherUsersAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ContainerSummary>>([]);

    /// <summary>Returns an image ID as docker shows it.</summary>
    protected static string Short(string id) => id.Replace("sha256:", string.Empty, StringComparison.Ordinal)[..12];

    /// <summary>Returns the name of an upgrade's temporary container, so that a rollback finds it.</summary>
    protected static string OnceName(string id) => "dbbackup-" + id;

    /// <summary>Returns a container's definition for another image.</summary>
    protected async Task<ContainerDefinition> DefineAsync(string container, string image, CancellationToken cancellationToken)
    {
        JsonObject definition = await client.ContainerDefinitionAsync(container, cancellationToken).ConfigureAwait(false);
        JsonObject oldImage = await client.ImageDefinitionAsync((string)definition[ImageOfDefinition]!, cancellationToken).ConfigureAwait(false);
        return ContainerDefinition.Recreate(definition, oldImage, image);
    }

    /// <summary>
    /// Removes an upgrade's temporary container with its anonymous volumes: those that the image declares and the project does not name.
    /// </summary>
    protected async Task RemoveTrialAsync(string name, CancellationToken cancellationToken)
    {
        if (await client.ContainerFindAsync(name, cancellationToken).ConfigureAwait(false) is { } left)
            await client.TrialContainerDeleteAsync(left.Id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a container of the old or new version by name; its volumes stay.</summary>
    protected async Task RemoveOnceAsync(string name, CancellationToken cancellationToken)
    {
        if (await client.ContainerFindAsync(name, cancellationToken).ConfigureAwait(false) is { } left)
            await client.ContainerDeleteAsync(left.Id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns the name under which an old image is kept.</summary>
    protected string KeptName(string name, string id) => KeptName(application, name, id);

    /// <summary>Returns the name under which an old image of an application is kept.</summary>
    /// <param name="application">The application.</param>
    /// <param name="name">The service, or the container.</param>
    /// <param name="id">The upgrade's ID.</param>
    public static string KeptName(UpgradeSubject.Application application, string name, string id) => $"{KeptRepository}:{KeptTagStart(application, name)}{StampOf(id)}";

    /// <summary>Tags the images in use so that they are kept.</summary>
    protected async Task KeepImagesAsync(UpgradeRecord record, CancellationToken cancellationToken)
    {
        foreach (ImageRecord image in record.Deployment!.Images)
            await client.ImageTagAsync(image.Id, KeptName(image.Name, record.Id), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Untags the images kept by earlier upgrades.</summary>
    protected Task ForgetEarlierAsync(UpgradeRecord record, CancellationToken cancellationToken) => ForgetKeptAsync(record, ofThis: false, cancellationToken);

    /// <summary>Starts the stopped containers that are not the application's own.</summary>
    protected async Task StartOthersAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await ReattachAsync(record, observer, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ContainerSummary> own = await OwnContainersAsync(cancellationToken).ConfigureAwait(false);
        foreach (StoppedContainer each in (record.Deployment?.Stopped ?? []).Reverse())
        {
            if (!own.Any(container => container.Name == each.Name) && !IsDependent(record, each.Name) && await client.ContainerFindAsync(each.Id, cancellationToken).ConfigureAwait(false) is not null)
                await client.ContainerStartAsync(each.Id, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until the application's own containers are healthy.</summary>
    protected async Task<string> WaitUntilHealthyAsync(UpgradeRecord record, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> own = [.. (await OwnContainersAsync(cancellationToken).ConfigureAwait(false)).Where(container => !IsOneShot(record, container))];
        foreach (ContainerSummary container in own)
        {
            if (await ContainerHealth.FindTroubleAsync(client, container.Id, s_settled, request.Timeout, cancellationToken).ConfigureAwait(false) is { } trouble)
                throw await UnhealthyAsync($"container '{container.Name}' {trouble}", [container.Id], cancellationToken).ConfigureAwait(false);
        }

        return own.Count == 0 ? "all services have ended well" : $"{string.Join(", ", own.Select(container => container.Name))} {(own.Count == 1 ? "runs" : "run")}";
    }

    /// <summary>Waits until a temporary container is healthy, and checks that it stays healthy.</summary>
    protected async Task RequireHealthyAsync(string container, CancellationToken cancellationToken)
    {
        string? trouble = await ContainerHealth.FindTroubleAsync(client, container, s_settled, request.Timeout, cancellationToken).ConfigureAwait(false) is { } failed
            ? $"the container with the copy {failed}"
            : await ContainerHealth.WatchAsync(client, [container], request.SettleTime, cancellationToken).ConfigureAwait(false);
        if (trouble is not null)
            throw await UnhealthyAsync(trouble, [container], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns the error for unhealthy containers, with their last log lines.</summary>
    protected async Task<BackupFailure> UnhealthyAsync(string trouble, IReadOnlyList<string> containers, CancellationToken cancellationToken)
    {
        string words = string.Empty;
        foreach (string container in containers)
            words += await client.ContainerLogsAsync(container, LogLines, cancellationToken).ConfigureAwait(false);
        words = words.Trim();
        return new BackupFailure(
            ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, $"The new version did not stay healthy: {trouble}{(words.Length == 0 ? "." : ":" + Environment.NewLine + words)}", "Find out why the new version fails with these data.")
        { Target = containers.Count == 0 ? null : containers[0] };
    }

    /// <summary>Restores the names of the old images.</summary>
    protected async Task RestoreImagesAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        foreach (ImageRecord image in (record.Deployment?.Images ?? []).Where(image => !image.Reference.Contains('@', StringComparison.Ordinal) && !image.Id.Contains(image.Reference, StringComparison.Ordinal)))
        {
            string? now = (await client.ImageFindAsync(image.Reference, cancellationToken).ConfigureAwait(false))?.Id;
            if (now == image.Id)
                continue;
            await client.ImageTagAsync(image.Id, image.Reference, cancellationToken).ConfigureAwait(false);
            observer.Warning($"Image name '{image.Reference}' points at the previous image {Short(image.Id)} again{(now is null ? string.Empty : $" (the new one was {Short(now)})")}.");
        }
    }

    /// <summary>Returns the mounts that a container may write to; volumes without a name of their own are left out.</summary>
    protected static IReadOnlyList<DataMount> DataMountsOf(ContainerInspect container) =>
    [
        .. (container.Mounts ?? []).Where(mount => mount is { RW: true, Type: "volume" or "bind" } && !IsAnonymous(mount.Name))
            .Select(mount => new DataMount(mount.Destination, (mount.Type == "volume" ? mount.Name : mount.Source) ?? string.Empty)),
    ];

    /// <summary>Returns the error for a version that would work on other data.</summary>
    protected static BackupFailure OtherData(string what, DataMount mount, string? now, string target) => new(
        ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData,
        $"{what} {(now is null ? $"no longer mounts '{mount.Path}', which is" : $"mounts '{now}' at '{mount.Path}' instead of")} '{mount.Source}': the application would not find its data.",
        "Start from the folder, the files and the variables with which the application was started (an --env-file, variables of the shell). If the new version is meant to use other mounts: -Force.")
    { Target = target };

    /// <summary>Describes for a plan what happens to containers that share something of those that are recreated.</summary>
    protected static IEnumerable<string> DescribeDependents(DeploymentRecord record) =>
        record.Dependents.Select(each => $"recreate container '{each.Name}', which shares the network of '{each.Owner}' or has a link to it");

    /// <summary>Finds other containers that share something of containers that are recreated.</summary>
    protected async Task<IReadOnlyList<DependentContainer>> FindDependentsAsync(IReadOnlyList<ContainerSummary> own, CancellationToken cancellationToken)
    {
        var found = new List<DependentContainer>();
        foreach (ContainerSummary other in await client.ContainerListAsync(all: true, null, cancellationToken).ConfigureAwait(false))
        {
            if (await client.ContainerFindAsync(other.Id, cancellationToken).ConfigureAwait(false) is not { } container)
                continue;
            if (own.FirstOrDefault(each => each.Id != other.Id && (Shares(container, each.Id) || each.Links.Any(link => link.Container == other.Name))) is { } owner)
                found.Add(new DependentContainer(other.Name, other.Id, owner.Name, owner.Id, container.State.Running, [.. owner.Links.Where(link => link.Container == other.Name).Select(link => link.Alias)]));
        }

        return found;
    }

    private static bool Shares(ContainerInspect container, string id) =>
        new[] { container.HostConfig.NetworkMode, container.HostConfig.IpcMode, container.HostConfig.PidMode }.Contains(ContainerDefinition.OfContainer + id, StringComparer.Ordinal);

    private static bool IsDependent(UpgradeRecord record, string name) => record.Deployment?.Dependents.Any(each => each.Name == name) == true;

    // The engine gives a volume without a name 64 digits.
    internal static bool IsAnonymous(string? volume) => volume is { Length: 64 } && volume.All(char.IsAsciiHexDigit);

    private async Task RequireSameMountsAsync(DeploymentRecord record, IReadOnlyList<ContainerSummary> own, CancellationToken cancellationToken)
    {
        foreach (ContainerSummary each in own)
        {
            ContainerInspect container = await client.ContainerInspectAsync(each.Id, cancellationToken).ConfigureAwait(false);
            if (!record.Mounts.TryGetValue(NameOf(each), out IReadOnlyList<DataMount>? before))
                continue;
            MountPoint[] now = [.. container.Mounts ?? []];
            foreach (DataMount mount in before)
            {
                MountPoint? same = now.FirstOrDefault(point => point.Destination == mount.Path);
                if (same is null || (same.Name != mount.Source && same.Source != mount.Source))
                    throw OtherData($"Container '{each.Name}' of the new version", mount, same is null ? null : same.Name ?? same.Source, each.Name);
            }
        }
    }

    /// <summary>The service or container under which the record has a container.</summary>
    protected abstract string NameOf(ContainerSummary container);

    /// <summary>Recreates containers that share something of a container that was recreated: they keep its old ID, have no network and cannot start.</summary>
    protected async Task ReattachAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        foreach (DependentContainer dependent in record.Deployment?.Dependents ?? [])
        {
            string aside = $"{dependent.Name}-before-{StampOf(record.Id)}";
            if (await client.ContainerFindAsync(dependent.Owner, cancellationToken).ConfigureAwait(false) is not { } owner)
                continue;
            ContainerInspect? present = await client.ContainerFindAsync(dependent.Name, cancellationToken).ConfigureAwait(false);
            // A run that was killed may have come so far.
            ContainerInspect? left = await client.ContainerFindAsync(aside, cancellationToken).ConfigureAwait(false);
            if (present is null && left is null)
            {
                observer.Warning($"Container '{dependent.Name}' shared the network of '{dependent.Owner}' before the upgrade and no longer exists.");
                continue;
            }

            bool isCurrent = present is not null && (Shares(present, owner.Id) || (present.Id == dependent.Id && owner.Id == dependent.OwnerId));
            if (!isCurrent)
            {
                if (left is null)
                {
                    await client.ContainerStopAsync(present!.Id, cancellationToken).ConfigureAwait(false);
                    await client.ContainerRenameAsync(present.Id, aside, cancellationToken).ConfigureAwait(false);
                    left = present;
                }

                await RemoveOnceAsync(dependent.Name, cancellationToken).ConfigureAwait(false);
                ContainerDefinition definition = await DefineAsync(left.Id, left.Config.Image!, cancellationToken).ConfigureAwait(false);
                await definition.SharingWith(SharedId(left) ?? dependent.OwnerId, owner.Id, dependent.Owner, dependent.Aliases).CreateAsync(client, dependent.Name, cancellationToken).ConfigureAwait(false);
                observer.Verbose($"Recreated container '{dependent.Name}', which shares the network of '{dependent.Owner}' or has a link to it.");
            }

            await RemoveOnceAsync(aside, cancellationToken).ConfigureAwait(false);
            if (dependent.Runs)
                await client.ContainerStartAsync(dependent.Name, cancellationToken).ConfigureAwait(false);
        }
    }

    private static string? SharedId(ContainerInspect container) =>
        new[] { container.HostConfig.NetworkMode, container.HostConfig.IpcMode, container.HostConfig.PidMode }
            .FirstOrDefault(mode => mode?.StartsWith(ContainerDefinition.OfContainer, StringComparison.Ordinal) == true)?[ContainerDefinition.OfContainer.Length..];

    private async Task<IReadOnlyList<StoppedContainer>> FindWritersAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> own = await OwnContainersAsync(cancellationToken).ConfigureAwait(false);
        List<ContainerSummary> writers = [.. own.Where(container => !IsServer(container))];
        writers.AddRange(await OtherUsersAsync(cancellationToken).ConfigureAwait(false));
        foreach (string path in application.ContainerPaths)
            writers.AddRange((await ContainerUsers.OfPathAsync(client, own[0].Id, path, cancellationToken).ConfigureAwait(false)).Where(user => user.Disturbs).Select(user => user.Container));
        var running = new List<ContainerInspect>();
        foreach (string id in writers.Select(container => container.Id).Distinct(StringComparer.Ordinal))
        {
            ContainerInspect container = await client.ContainerInspectAsync(id, cancellationToken).ConfigureAwait(false);
            if (container.State.Running || container.State.Restarting)
                running.Add(container);
        }

        return [.. StartOrder.Of(running).Reverse().SelectMany(group => group).Select(container => new StoppedContainer(container.Id, container.ShortName))];
    }

    // The start time: the first part of the ID, unique within one application.
    private static string StampOf(string id) => id[..id.IndexOf('-', StringComparison.Ordinal)];

    // A tag has at most 128 characters (distribution.github.io/distribution/spec/api); a longer start is replaced by a hash.
    private static string KeptTagStart(UpgradeSubject.Application application, string name)
    {
        string? project = application switch
        {
            UpgradeSubject.ComposeProject compose => compose.Name,
            UpgradeSubject.MajorVersion server => server.Project,
            _ => null,
        };
        string start = project is null ? $"container.{name}." : $"compose.{project}.{name}.";
        return start.Length <= LongestTagStart ? start : start[..(LongestTagStart / 2)] + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(start)))[..16] + ".";
    }

    private async Task ForgetKeptAsync(UpgradeRecord record, bool ofThis, CancellationToken cancellationToken)
    {
        string stamp = StampOf(record.Id);
        string[] own = [.. (record.Deployment?.Images ?? []).Select(image => KeptName(image.Name, record.Id))];
        foreach (string tag in (await client.ImageListAsync(cancellationToken).ConfigureAwait(false)).SelectMany(image => image.RepoTags ?? []))
        {
            // The same length: a longer name with the same start belongs to another application.
            bool isOfThese = own.Any(name => name.Length == tag.Length && tag.StartsWith(name[..^stamp.Length], StringComparison.Ordinal));
            if (isOfThese && own.Contains(tag) == ofThis)
                await client.ImageUntagAsync(tag, cancellationToken).ConfigureAwait(false);
        }
    }
}
