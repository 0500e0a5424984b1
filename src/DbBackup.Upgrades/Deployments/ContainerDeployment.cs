using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>A single container, which is made anew of another image, and otherwise as it is. The old one is kept under another name until the new one is well.</summary>
/// <param name="client">The engine; closed with this object.</param>
/// <param name="request">The upgrade, completed.</param>
internal sealed class ContainerDeployment(DockerClient client, UpgradeRequest request) : DockerDeployment(client, request)
{
    public override IReadOnlyList<string> Steps { get; } =
    [
        UpgradeSteps.Preflight, UpgradeSteps.Version, UpgradeSteps.Rehearsal, UpgradeSteps.Maintenance, UpgradeSteps.Backup, UpgradeSteps.Install,
        UpgradeSteps.Migration, UpgradeSteps.Start, UpgradeSteps.Check, UpgradeSteps.Release,
    ];

    public override bool HasNewVersion => !Request.Pull;

    private string Name => Request.Application!.Container!;

    private string Image => Request.Image!;

    public override async Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken)
    {
        ContainerInspect container = await Client.ContainerInspectAsync(Name, cancellationToken).ConfigureAwait(false);
        if (container.HostConfig.AutoRemove)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.NotSupported, $"The container '{Name}' is removed as soon as it stops (docker run --rm), so there would be no way back. Nothing was changed.", "Make it without --rm first.")
            { Target = Name };
        }

        ImageInspect? image = Request.Pull
            ? await Client.ImageFindAsync(Image, cancellationToken).ConfigureAwait(false)
            : await Client.ImageInspectAsync(Image, cancellationToken).ConfigureAwait(false);
        if (image is not null)
            ServerImage.RequireCompatible(container, image, Image, Request.Force);
        ContainerDefinition definition = await DefineAsync(container.Id, container.Image, cancellationToken).ConfigureAwait(false);
        return new DeploymentRecord
        {
            Images = [new ImageRecord(Name, container.Config.Image!, container.Image)],
            Definitions = new Dictionary<string, string> { [Name] = definition.Describe() },
        };
    }

    public override (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record) => (
        Request.Pull ? [$"pull '{Image}'"] : [],
        [$"make the container '{Name}' anew of '{Image}' ({record.Images[0].Reference}, {Short(record.Images[0].Id)} now), otherwise as it is; the old one is kept until the new one is well"]);

    public override async Task<string> FetchAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await KeepImagesAsync(journal.Note, cancellationToken).ConfigureAwait(false);
        if (Request.Pull)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Request.Timeout);
            try
            {
                await Client.ImagePullAsync(Image, observer.Verbose, limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw UpgradeCommand.Failure($"pull {Image}", FormattableString.Invariant($"took longer than {Request.Timeout.TotalSeconds:0} s"), string.Empty, "Give it longer (-Timeout), or pull it by hand first.");
            }
        }

        ImageInspect image = await Client.ImageInspectAsync(Image, cancellationToken).ConfigureAwait(false);
        ServerImage.RequireCompatible(await Client.ContainerInspectAsync(Name, cancellationToken).ConfigureAwait(false), image, Image, Request.Force);
        return image.Id == journal.Note.Deployment!.Images[0].Id ? $"{Image} is the image that it has" : $"{Image} is {Short(image.Id)}";
    }

    public override async Task<string> InstallAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string old = OldName(journal.Note.Id);
        if (await Client.ContainerFindAsync(old, cancellationToken).ConfigureAwait(false) is null)
            await Client.ContainerRenameAsync(Name, old, cancellationToken).ConfigureAwait(false);
        // Of a run that was cut off here.
        await RemoveOnceAsync(Name, cancellationToken).ConfigureAwait(false);
        ContainerDefinition definition = await DefineAsync(old, Image, cancellationToken).ConfigureAwait(false);
        await definition.CreateAsync(Client, Name, cancellationToken).ConfigureAwait(false);
        return $"the old container is '{old}'";
    }

    public override async Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string name = OnceName(journal?.Note.Id ?? Guid.NewGuid().ToString("N"));
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
        string name = OnceName(journal.Note.Id);
        string container = await StartOnceAsync(name, null, copy, isAlone: true, cancellationToken).ConfigureAwait(false);
        try
        {
            await RequireWellAsync(container, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // Its database is looked at next: no half of a transaction is to be in it.
            await Client.ContainerStopAsync(container, CancellationToken.None).ConfigureAwait(false);
            await RemoveTrialAsync(name, CancellationToken.None).ConfigureAwait(false);
        }
    }

    public override async Task<string> StartAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await Client.ContainerStartAsync(Name, cancellationToken).ConfigureAwait(false);
        string running = await WaitUntilHealthyAsync(cancellationToken).ConfigureAwait(false);
        await StartOthersAsync(journal.Note, cancellationToken).ConfigureAwait(false);
        return running;
    }

    public override async Task<string> CleanUpAsync(UpgradeJournal journal, CancellationToken cancellationToken)
    {
        await RemoveOnceAsync(OldName(journal.Note.Id), cancellationToken).ConfigureAwait(false);
        await ForgetEarlierAsync(journal.Note, cancellationToken).ConfigureAwait(false);
        return $"removed the old container; its image is kept until the next upgrade: {KeptName(Name, journal.Note.Id)}";
    }

    public override async Task RestorePreviousAsync(UpgradeRecord note, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await RemoveTrialAsync(OnceName(note.Id), cancellationToken).ConfigureAwait(false);
        if (note.HasBegun(UpgradeSteps.Version))
            await RestoreImagesAsync(note, observer, cancellationToken).ConfigureAwait(false);
        if (!note.HasBegun(UpgradeSteps.Install))
            return;
        string old = OldName(note.Id);
        if (await Client.ContainerFindAsync(old, cancellationToken).ConfigureAwait(false) is not null)
        {
            await RemoveOnceAsync(Name, cancellationToken).ConfigureAwait(false);
            await Client.ContainerRenameAsync(old, Name, cancellationToken).ConfigureAwait(false);
        }
        else if (note.HasBegun(UpgradeSteps.Release))
        {
            await RemakeAsync(note.Deployment!.Images[0], note.Id, cancellationToken).ConfigureAwait(false);
        }
    }

    protected override async Task<IReadOnlyList<ContainerSummary>> OwnContainersAsync(CancellationToken cancellationToken)
    {
        ContainerInspect own = await Client.ContainerInspectAsync(Name, cancellationToken).ConfigureAwait(false);
        return [.. (await Client.ContainerListAsync(all: true, null, cancellationToken).ConfigureAwait(false)).Where(container => container.Id == own.Id)];
    }

    private static string OldName(string id) => "before-" + id;

    // The old container has been let go of: it is made anew of the new one and its old image.
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
        // A copy is nobody else's business: a container that works on it has no network.
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
                command, FormattableString.Invariant($"took longer than {Request.Timeout.TotalSeconds:0} s and was ended"), UpgradeCommand.Words(Lines(partly), partlyErrors), $"Run it by hand in a container of '{Image}' on a copy of the data to see why.");
        }

        (string output, string errors) = await Client.ContainerOutputAsync(container, cancellationToken).ConfigureAwait(false);
        foreach (string line in Lines(output + "\n" + errors))
            observer.Verbose(line);
        return exitCode == 0 ? output : throw UpgradeCommand.Failure(
            command, FormattableString.Invariant($"ended with exit code {exitCode}"), UpgradeCommand.Words(Lines(output), errors), $"Run it by hand in a container of '{Image}' on a copy of the data to see why.");
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
