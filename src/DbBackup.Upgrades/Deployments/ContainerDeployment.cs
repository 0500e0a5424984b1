using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>A single container, recreated from another image. The old one is kept under another name until the new one is healthy.</summary>
/// <param name="client">The Docker Engine client, disposed with this object.</param>
/// <param name="application">The completed subject.</param>
/// <param name="request">The request.</param>
internal sealed class ContainerDeployment(DockerClient client, UpgradeSubject.Container application, UpgradeRequest request) : DockerDeployment(client, application, request)
{
    public override IReadOnlyList<string> Steps { get; } =
    [
        UpgradeSteps.Preflight, UpgradeSteps.Version, UpgradeSteps.Rehearsal, UpgradeSteps.Maintenance, UpgradeSteps.Backup, UpgradeSteps.Install,
        UpgradeSteps.Migration, UpgradeSteps.Start, UpgradeSteps.Check, UpgradeSteps.Release,
    ];

    public override bool HasNewVersion => !application.Pull;

    private string Name => application.Name;

    private string Image => application.Image!;

    public override async Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken)
    {
        ContainerInspect container = await Client.ContainerInspectAsync(Name, cancellationToken).ConfigureAwait(false);
        if (container.HostConfig.AutoRemove)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.NotSupported, $"Container '{Name}' was started with --rm: Docker removes it when it stops, so it could not be rolled back. Nothing was changed.", "Recreate it without --rm first.")
            { Target = Name };
        }

        ImageInspect? image = application.Pull
            ? await Client.ImageFindAsync(Image, cancellationToken).ConfigureAwait(false)
            : await Client.ImageInspectAsync(Image, cancellationToken).ConfigureAwait(false);
        if (image is not null)
            ServerImage.RequireCompatible(container, image, Image, Request.Force);
        ContainerDefinition definition = await DefineAsync(container.Id, container.Image, cancellationToken).ConfigureAwait(false);
        return new DeploymentRecord
        {
            Images = [new ImageRecord(Name, container.Config.Image!, container.Image)],
            Definitions = new Dictionary<string, string> { [Name] = definition.Describe() },
            Mounts = new Dictionary<string, IReadOnlyList<DataMount>> { [Name] = DataMountsOf(container) },
            Dependents = await FindDependentsAsync(await OwnContainersAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false),
        };
    }

    public override (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record) => (
        application.Pull ? [$"pull '{Image}'"] : [],
        [
            $"recreate container '{Name}' from '{Image}' (now {record.Images[0].Reference}, {Short(record.Images[0].Id)}); the old container is kept until the new one is healthy",
            .. DescribeDependents(record),
        ]);

    public override async Task<string> FetchAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await KeepImagesAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        if (application.Pull)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Request.Timeout);
            try
            {
                await Client.ImagePullAsync(Image, observer.Verbose, limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw UpgradeCommand.Failure($"pull {Image}", FormattableString.Invariant($"took longer than {Request.Timeout.TotalSeconds:0} s"), string.Empty, "Increase -Timeout, or pull it by hand first.");
            }
        }

        ImageInspect image = await Client.ImageInspectAsync(Image, cancellationToken).ConfigureAwait(false);
        ServerImage.RequireCompatible(await Client.ContainerInspectAsync(Name, cancellationToken).ConfigureAwait(false), image, Image, Request.Force);
        return image.Id == journal.Record.Deployment!.Images[0].Id ? $"{Image} is already the container's image" : $"{Image} is {Short(image.Id)}";
    }

    public override async Task<string> InstallAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string old = OldName(journal.Record.Id);
        if (await Client.ContainerFindAsync(old, cancellationToken).ConfigureAwait(false) is null)
            await Client.ContainerRenameAsync(Name, old, cancellationToken).ConfigureAwait(false);
        // An interrupted run may have left it.
        await RemoveOnceAsync(Name, cancellationToken).ConfigureAwait(false);
        ContainerDefinition definition = await DefineAsync(old, Image, cancellationToken).ConfigureAwait(false);
        await definition.CreateAsync(Client, Name, cancellationToken).ConfigureAwait(false);
        return $"the old container is '{old}'";
    }

    public override async Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string name = OnceName(journal?.Record.Id ?? Guid.NewGuid().ToString("N"));
        string container = await StartOnceAsync(name, CommandWords.Of(command), target, journal is null, cancellationToken).ConfigureAwait(false);
        try
        {
            return await WaitForAsync(container, command, observer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await RemoveTrialAsync(name, CancellationToken.None).ConfigureAwait(false);
        }
    }

    public override async Task TrialRunAsync(IUpgradeTarget copy, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string name = OnceName(journal.Record.Id);
        string container = await StartOnceAsync(name, null, copy, isAlone: true, cancellationToken).ConfigureAwait(false);
        try
        {
            await RequireHealthyAsync(container, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // The check reads its database next, which must not contain half a transaction.
            await Client.ContainerStopAsync(container, CancellationToken.None).ConfigureAwait(false);
            await RemoveTrialAsync(name, CancellationToken.None).ConfigureAwait(false);
        }
    }

    public override async Task<string> StartAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await Client.ContainerStartAsync(Name, cancellationToken).ConfigureAwait(false);
        string running = await WaitUntilHealthyAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        await StartOthersAsync(journal.Record, observer, cancellationToken).ConfigureAwait(false);
        return running;
    }

    public override async Task<string> CleanUpAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await RemoveOnceAsync(OldName(journal.Record.Id), cancellationToken).ConfigureAwait(false);
        await ForgetEarlierAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        return $"removed the old container; its image is kept until the next upgrade: {KeptName(Name, journal.Record.Id)}";
    }

    public override async Task RestorePreviousAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await RemoveTrialAsync(OnceName(record.Id), cancellationToken).ConfigureAwait(false);
        if (record.HasBegun(UpgradeSteps.Version))
            await RestoreImagesAsync(record, observer, cancellationToken).ConfigureAwait(false);
        if (!record.HasBegun(UpgradeSteps.Install))
            return;
        string old = OldName(record.Id);
        if (await Client.ContainerFindAsync(old, cancellationToken).ConfigureAwait(false) is not null)
        {
            await RemoveOnceAsync(Name, cancellationToken).ConfigureAwait(false);
            await Client.ContainerRenameAsync(old, Name, cancellationToken).ConfigureAwait(false);
        }
        else if (record.HasBegun(UpgradeSteps.Release))
        {
            await RemakeAsync(record.Deployment!.Images[0], record.Id, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override async Task<IReadOnlyList<ContainerSummary>> OwnContainersAsync(CancellationToken cancellationToken)
    {
        ContainerInspect own = await Client.ContainerInspectAsync(Name, cancellationToken).ConfigureAwait(false);
        return [.. (await Client.ContainerListAsync(all: true, null, cancellationToken).ConfigureAwait(false)).Where(container => container.Id == own.Id)];
    }

    protected override string NameOf(ContainerSummary container) => Name;

    private static string OldName(string id) => "before-" + id;

    // The old container was removed: it is recreated from the new one's definition and its old image.
    private async Task RemakeAsync(ImageRecord image, string id, CancellationToken cancellationToken)
    {
        string undone = "undone-" + id;
        ContainerInspect? present = await Client.ContainerFindAsync(Name, cancellationToken).ConfigureAwait(false);
        if (present is not null && present.Image != image.Id)
        {
            await Client.ContainerStopAsync(present.Id, cancellationToken).ConfigureAwait(false);
            await Client.ContainerRenameAsync(present.Id, undone, cancellationToken).ConfigureAwait(false);
            present = null;
        }

        if (present is null)
        {
            bool isNamed = (await Client.ImageFindAsync(image.Reference, cancellationToken).ConfigureAwait(false))?.Id == image.Id;
            ContainerDefinition definition = await DefineAsync(undone, isNamed ? image.Reference : image.Id, cancellationToken).ConfigureAwait(false);
            await definition.CreateAsync(Client, Name, cancellationToken).ConfigureAwait(false);
        }

        await RemoveOnceAsync(undone, cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> StartOnceAsync(string name, IReadOnlyList<string>? command, IUpgradeTarget? target, bool isAlone, CancellationToken cancellationToken)
    {
        await RemoveTrialAsync(name, cancellationToken).ConfigureAwait(false);
        // A container that works on a copy has no network, so that it cannot reach live services.
        bool isCopy = target?.Mounts.Count > 0;
        ContainerDefinition definition = (await DefineAsync(Name, Image, cancellationToken).ConfigureAwait(false)).ForOnce(
            command, Request.MigrationPath, target?.Environment ?? new Dictionary<string, string?>(), target?.Mounts ?? new Dictionary<string, string>(), TemporaryContainer.OwnLabels(), isAlone || isCopy);
        string id = await definition.CreateAsync(Client, name, cancellationToken).ConfigureAwait(false);
        await Client.ContainerStartAsync(id, cancellationToken).ConfigureAwait(false);
        return id;
    }

    private async Task<string> WaitForAsync(string container, string command, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Request.Timeout);
        int exitCode;
        try
        {
            exitCode = await Client.ContainerWaitAsync(container, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            (string partly, string partlyErrors) = await Client.ContainerOutputAsync(container, CancellationToken.None).ConfigureAwait(false);
            throw UpgradeCommand.Failure(
                command, FormattableString.Invariant($"took longer than {Request.Timeout.TotalSeconds:0} s and was terminated"), UpgradeCommand.Words(Lines(partly), partlyErrors), $"Run it by hand in a container of '{Image}' on a copy of the data to see why.");
        }

        (string output, string errors) = await Client.ContainerOutputAsync(container, cancellationToken).ConfigureAwait(false);
        foreach (string line in Lines(output + "\n" + errors))
            observer.Verbose(line);
        return exitCode == 0 ? output : throw UpgradeCommand.Failure(
            command, FormattableString.Invariant($"failed with exit code {exitCode}"), UpgradeCommand.Words(Lines(output), errors), $"Run it by hand in a container of '{Image}' on a copy of the data to see why.");
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
