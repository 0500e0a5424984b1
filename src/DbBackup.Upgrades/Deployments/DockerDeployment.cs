using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>An application in containers of an engine: what a compose project and a single container have in common.</summary>
internal abstract class DockerDeployment(DockerClient client, UpgradeRequest request) : IDeployment
{
    /// <summary>Under this name an image stays that no container has any more: it would go with the next "docker image prune".</summary>
    public const string KeptRepository = "dbbackup-kept";

    private const string ImageOfDefinition = "Image";
    private const int LogLines = 10;
    private const int LongestTagStart = 100;

    // A container without a health check of its own that lives so long has started.
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(2);

    public abstract IReadOnlyList<string> Steps { get; }

    public abstract bool HasNewVersion { get; }

    /// <summary>The engine.</summary>
    protected DockerClient Client => client;

    /// <summary>The upgrade.</summary>
    protected UpgradeRequest Request => request;

    public abstract Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken);

    public abstract (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record);

    public abstract Task<string> FetchAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken);

    public virtual Task<string> InstallAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.FromResult(string.Empty);

    public abstract Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken);

    public abstract Task TrialRunAsync(IUpgradeTarget copy, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken);

    public abstract Task<string> StartAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken);

    public abstract Task<string> CleanUpAsync(UpgradeJournal journal, CancellationToken cancellationToken);

    public abstract Task RestorePreviousAsync(UpgradeRecord note, IOperationObserver observer, CancellationToken cancellationToken);

    public async Task<string> StopAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        DeploymentRecord record = journal.Note.Deployment!;
        if (record.Stopped is null)
        {
            // On disk before the first of them stops: whoever finds the journal starts them again.
            record = record with { Stopped = await FindWritersAsync(cancellationToken).ConfigureAwait(false) };
            journal.Write(journal.Note with { Deployment = record });
        }

        foreach (StoppedContainer each in record.Stopped!)
        {
            if (await client.ContainerFindAsync(each.Id, cancellationToken).ConfigureAwait(false) is not null)
                await client.ContainerStopAsync(each.Id, cancellationToken).ConfigureAwait(false);
        }

        return record.Stopped!.Count == 0 ? "nothing that writes was running" : $"stopped {string.Join(", ", record.Stopped.Select(each => each.Name))}";
    }

    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        string[] names = [.. (await OwnContainersAsync(cancellationToken).ConfigureAwait(false)).Select(container => container.Id)];
        if (await ContainerHealth.WatchAsync(client, names, request.SettleTime, cancellationToken).ConfigureAwait(false) is { } trouble)
            throw await SickAsync(trouble, names, cancellationToken).ConfigureAwait(false);
    }

    public async Task CheckAsync(string command, IUpgradeTarget target, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ContainerSummary own = (await OwnContainersAsync(cancellationToken).ConfigureAwait(false))[0];
        var host = new ContainerHost(client, await client.ContainerInspectAsync(own.Id, cancellationToken).ConfigureAwait(false));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(request.Timeout);
        try
        {
            (int exitCode, string output, string errors) = await host.CaptureAsync("sh", ["-c", command], limit.Token).ConfigureAwait(false);
            if (exitCode != 0)
                throw UpgradeCommand.Failure(command, FormattableString.Invariant($"in the {host.Description} ended with exit code {exitCode}"), UpgradeCommand.Words(output.Split('\n'), errors), $"Run it by hand: docker exec {own.Name} sh -c '…'.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw UpgradeCommand.Failure(command, FormattableString.Invariant($"took longer than {request.Timeout.TotalSeconds:0} s"), string.Empty, "Give it longer (-Timeout), or see why it hangs.");
        }
    }

    public async Task StopAllAsync(UpgradeRecord note, CancellationToken cancellationToken)
    {
        await RemoveTrialAsync(OnceName(note.Id), cancellationToken).ConfigureAwait(false);
        foreach (ContainerSummary container in await OwnContainersAsync(cancellationToken).ConfigureAwait(false))
            await client.ContainerStopAsync(container.Id, cancellationToken).ConfigureAwait(false);
    }

    public async Task RestartAsync(UpgradeRecord note, IOperationObserver observer, CancellationToken cancellationToken)
    {
        foreach (StoppedContainer each in (note.Deployment?.Stopped ?? []).Reverse())
        {
            // By name: one that was made anew has another id.
            if (await client.ContainerFindAsync(each.Name, cancellationToken).ConfigureAwait(false) is null)
            {
                observer.Warning($"The container '{each.Name}', which ran before the upgrade, is not there any more.");
                continue;
            }

            await client.ContainerStartAsync(each.Name, cancellationToken).ConfigureAwait(false);
        }

        foreach (StoppedContainer each in note.Deployment?.Stopped ?? [])
        {
            if (await client.ContainerFindAsync(each.Name, cancellationToken).ConfigureAwait(false) is not null
                && await ContainerHealth.FindTroubleAsync(client, each.Name, s_settled, TimeSpan.FromMinutes(2), cancellationToken).ConfigureAwait(false) is { } trouble)
            {
                observer.Warning($"The container '{each.Name}' was started again with its old version and {trouble}. See 'docker logs {each.Name}'.");
            }
        }

        await ForgetKeptAsync(note, ofThis: true, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The containers of the application itself, as they are now; at least one.</summary>
    protected abstract Task<IReadOnlyList<ContainerSummary>> OwnContainersAsync(CancellationToken cancellationToken);

    /// <summary>Other containers that use its database.</summary>
    protected virtual Task<IReadOnlyList<ContainerSummary>> OtherUsersAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ContainerSummary>>([]);

    /// <summary>An image's id as docker shows it.</summary>
    protected static string Short(string id) => id.Replace("sha256:", string.Empty, StringComparison.Ordinal)[..12];

    /// <summary>The name of the container in which an upgrade runs something once; whoever finds the upgrade cut off looks for it.</summary>
    protected static string OnceName(string id) => "dbbackup-" + id;

    /// <summary>A container's definition, for another image.</summary>
    protected async Task<ContainerDefinition> DefineAsync(string container, string image, CancellationToken cancellationToken)
    {
        JsonObject definition = await client.ContainerDefinitionAsync(container, cancellationToken).ConfigureAwait(false);
        JsonObject oldImage = await client.ImageDefinitionAsync((string)definition[ImageOfDefinition]!, cancellationToken).ConfigureAwait(false);
        return ContainerDefinition.Recreate(definition, oldImage, image);
    }

    /// <summary>
    /// Removes the container in which an upgrade runs something once, with the volumes that the engine made for it: those that the image
    /// asks for and the project does not name.
    /// </summary>
    protected async Task RemoveTrialAsync(string name, CancellationToken cancellationToken)
    {
        if (await client.ContainerFindAsync(name, cancellationToken).ConfigureAwait(false) is { } left)
            await client.TrialContainerDeleteAsync(left.Id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a container of the old or the new version by its name; its volumes stay.</summary>
    protected async Task RemoveOnceAsync(string name, CancellationToken cancellationToken)
    {
        if (await client.ContainerFindAsync(name, cancellationToken).ConfigureAwait(false) is { } left)
            await client.ContainerDeleteAsync(left.Id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The names by which the images of the old version stay.</summary>
    protected string KeptName(string name, string id) => $"{KeptRepository}:{KeptTagStart(request.IsOfProject ? name : null)}{StampOf(id)}";

    /// <summary>Keeps the images that are in use.</summary>
    protected async Task KeepImagesAsync(UpgradeRecord note, CancellationToken cancellationToken)
    {
        foreach (ImageRecord image in note.Deployment!.Images)
            await client.ImageTagAsync(image.Id, KeptName(image.Name, note.Id), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets go of the images of upgrades before this one.</summary>
    protected Task ForgetEarlierAsync(UpgradeRecord note, CancellationToken cancellationToken) => ForgetKeptAsync(note, ofThis: false, cancellationToken);

    /// <summary>Starts the containers that were stopped and are not the application's own.</summary>
    protected async Task StartOthersAsync(UpgradeRecord note, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> own = await OwnContainersAsync(cancellationToken).ConfigureAwait(false);
        foreach (StoppedContainer each in (note.Deployment?.Stopped ?? []).Reverse())
        {
            if (!own.Any(container => container.Name == each.Name) && await client.ContainerFindAsync(each.Id, cancellationToken).ConfigureAwait(false) is not null)
                await client.ContainerStartAsync(each.Id, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until the application's own containers are healthy.</summary>
    protected async Task<string> WaitUntilHealthyAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> own = await OwnContainersAsync(cancellationToken).ConfigureAwait(false);
        foreach (ContainerSummary container in own)
        {
            if (await ContainerHealth.FindTroubleAsync(client, container.Id, s_settled, request.Timeout, cancellationToken).ConfigureAwait(false) is { } trouble)
                throw await SickAsync($"the container '{container.Name}' {trouble}", [container.Id], cancellationToken).ConfigureAwait(false);
        }

        return $"{string.Join(", ", own.Select(container => container.Name))} {(own.Count == 1 ? "runs" : "run")}";
    }

    /// <summary>Waits until a container outside its place is healthy, and sees whether it stays so.</summary>
    protected async Task RequireWellAsync(string container, CancellationToken cancellationToken)
    {
        string? trouble = await ContainerHealth.FindTroubleAsync(client, container, s_settled, request.Timeout, cancellationToken).ConfigureAwait(false) is { } failed
            ? $"the container on a copy {failed}"
            : await ContainerHealth.WatchAsync(client, [container], request.SettleTime, cancellationToken).ConfigureAwait(false);
        if (trouble is not null)
            throw await SickAsync(trouble, [container], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What is thrown for containers that do not stay well, with their last words.</summary>
    protected async Task<BackupFailure> SickAsync(string trouble, IReadOnlyList<string> containers, CancellationToken cancellationToken)
    {
        string words = string.Empty;
        foreach (string container in containers)
            words += await client.ContainerLogsAsync(container, LogLines, cancellationToken).ConfigureAwait(false);
        words = words.Trim();
        return new BackupFailure(
            ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, $"The new version does not stay up and well: {trouble}{(words.Length == 0 ? "." : ":" + Environment.NewLine + words)}", "See why the new version does not stay up on these data.")
        { Target = containers.Count == 0 ? null : containers[0] };
    }

    /// <summary>Puts the old images back under the names by which they are asked for.</summary>
    protected async Task RestoreImagesAsync(UpgradeRecord note, IOperationObserver observer, CancellationToken cancellationToken)
    {
        foreach (ImageRecord image in (note.Deployment?.Images ?? []).Where(image => !image.Reference.Contains('@', StringComparison.Ordinal) && !image.Id.Contains(image.Reference, StringComparison.Ordinal)))
        {
            string? now = (await client.ImageFindAsync(image.Reference, cancellationToken).ConfigureAwait(false))?.Id;
            if (now == image.Id)
                continue;
            await client.ImageTagAsync(image.Id, image.Reference, cancellationToken).ConfigureAwait(false);
            observer.Warning($"'{image.Reference}' names the image of before again ({Short(image.Id)}){(now is null ? string.Empty : $"; that of the new version is {Short(now)}")}.");
        }
    }

    private async Task<IReadOnlyList<StoppedContainer>> FindWritersAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> own = await OwnContainersAsync(cancellationToken).ConfigureAwait(false);
        var writers = new List<ContainerSummary>(own);
        writers.AddRange(await OtherUsersAsync(cancellationToken).ConfigureAwait(false));
        foreach (string path in request.ContainerPaths)
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

    // When it began: the first part of its name. Together with whose it is, no other has it.
    private static string StampOf(string id) => id[..id.IndexOf('-', StringComparison.Ordinal)];

    // A tag has 128 signs at most (distribution.github.io/distribution/spec/api); what is longer is told by its hash.
    private string KeptTagStart(string? service)
    {
        string start = service is null ? $"container.{request.Application!.Container}." : $"compose.{request.Application!.ComposeProject}.{service}.";
        return start.Length <= LongestTagStart ? start : start[..(LongestTagStart / 2)] + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(start)))[..16] + ".";
    }

    private async Task ForgetKeptAsync(UpgradeRecord note, bool ofThis, CancellationToken cancellationToken)
    {
        string stamp = StampOf(note.Id);
        string[] own = [.. (note.Deployment?.Images ?? []).Select(image => KeptName(image.Name, note.Id))];
        foreach (string tag in (await client.ImageListAsync(cancellationToken).ConfigureAwait(false)).SelectMany(image => image.RepoTags ?? []))
        {
            // Of the same length: a longer name that begins in the same way is another one's.
            bool isOfThese = own.Any(name => name.Length == tag.Length && tag.StartsWith(name[..^stamp.Length], StringComparison.Ordinal));
            if (isOfThese && own.Contains(tag) == ofThis)
                await client.ImageUntagAsync(tag, cancellationToken).ConfigureAwait(false);
        }
    }
}
