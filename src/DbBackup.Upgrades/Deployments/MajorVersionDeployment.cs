using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Repository;
using DbBackup.Upgrades.Deployments.ComposeFiles;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>
/// A PostgreSQL server in a container that gets another major version. The old server's volume is only read; the new server gets a volume of its
/// own. From maintenance on, the old container has another name and is stopped, and its data are read in a container without a network.
/// </summary>
/// <param name="client">The Docker Engine client, disposed with this object.</param>
/// <param name="server">The completed subject.</param>
/// <param name="request">The request.</param>
internal sealed class MajorVersionDeployment(DockerClient client, UpgradeSubject.MajorVersion server, UpgradeRequest request) : DockerDeployment(client, server, request)
{
    /// <summary>The label with the upgrade's ID. A volume without it was not created by an upgrade, and is not removed as a new one.</summary>
    public const string UpgradeLabel = "dbbackup.upgrade";

    // Of the old volume's description in the project's files: with another one, compose would ask whether to make the volume anew.
    private const string ConfigHashLabel = "com.docker.compose.config-hash";

    private readonly ComposeFileUpdate _files = new(client, server, request);

    public override IReadOnlyList<string> Steps { get; } =
    [
        UpgradeSteps.Preflight, UpgradeSteps.Version, UpgradeSteps.Rehearsal, UpgradeSteps.Maintenance, UpgradeSteps.Backup, UpgradeSteps.Migration,
        UpgradeSteps.Start, UpgradeSteps.Check, UpgradeSteps.Release,
    ];

    public override bool HasNewVersion => true;

    private PostgreSqlConnectionRequest Connection => new() { Server = server.Server };

    private IReadOnlyList<string> OldVolumes => [.. server.Volumes.Select(volume => volume.Old.Name)];

    private IReadOnlyList<string> NewVolumes => [.. server.Volumes.Select(volume => volume.New.Name)];

    private string RecordName => server.Service ?? server.Name;

    private ServerChange Upgraded => new(server.Name, $"in container '{server.Name}'", server.From, server.To)
    {
        SuperuserHint = "Create the container with the superuser as POSTGRES_USER, or load a new server by hand: New-DbBackup -AllDatabases, Restore-DbBackup.",
        VersionHint = "Recreate the container from the image of the version that it runs.",
        // The volumes of an engine usually share one file system.
        RoomHint = "Free some room where Docker keeps its volumes (docker system df).",
    };

    public override async Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken)
    {
        ContainerInspect container = await Client.ContainerInspectAsync(server.Name, cancellationToken).ConfigureAwait(false);
        if (container.HostConfig.AutoRemove)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.NotSupported, $"Container '{server.Name}' was started with --rm: Docker removes it when it stops, so it could not be rolled back. Nothing was changed.", "Recreate it without --rm first.")
            { Target = server.Name };
        }

        await _files.InspectAsync(cancellationToken).ConfigureAwait(false);
        await ServerPreflight.RequireAsync(Connection, Connection, Upgraded, Request.Force, cancellationToken).ConfigureAwait(false);
        ContainerDefinition definition = await DefineAsync(container.Id, container.Image, cancellationToken).ConfigureAwait(false);
        return new DeploymentRecord
        {
            Images = [new ImageRecord(RecordName, container.Config.Image!, container.Image)],
            Definitions = new Dictionary<string, string> { [RecordName] = definition.Describe() },
            Mounts = new Dictionary<string, IReadOnlyList<DataMount>> { [RecordName] = [.. DataMountsOf(container).Where(mount => !server.Volumes.Any(volume => volume.Old.Path == mount.Path)), .. server.Volumes.Select(volume => new DataMount(volume.New.Path, volume.New.Name))] },
            Servers = [new StoppedContainer(container.Id, server.Name)],
            Dependents = await FindDependentsAsync(await OwnContainersAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false),
        };
    }

    public override (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record) => (
        [],
        [
            $"load all databases and roles into a new server of '{server.Image}', in the new {Named(NewVolumes)}, and compare them",
            $"recreate container '{server.Name}' from '{server.Image}' with volume {string.Join(" and ", server.Volumes.Select(volume => $"'{volume.New.Name}' at '{volume.New.Path}'"))}; the old {Named(OldVolumes)} {(server.Tablespaces.Count == 0 ? "is kept as it is" : "are kept as they are")}",
            .. DescribeDependents(record),
            .. _files.Describe(),
        ]);

    public override async Task<string> FetchAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await KeepImagesAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        ImageInspect image = await Client.ImageInspectAsync(server.Image, cancellationToken).ConfigureAwait(false);
        string words = $"{server.Image} is {Short(image.Id)}, PostgreSQL {server.To}";
        if (!Request.NoRehearsal)
            return words;
        // Without a rehearsal, nothing else would tell before the old server stops that the new one does not start or lacks an extension.
        ScratchServer scratch = await ScratchServer.StartAsync(server, Request.Timeout, cancellationToken).ConfigureAwait(false);
        await using (scratch.ConfigureAwait(false))
            await ServerPreflight.RequireExtensionsAsync(Connection, scratch.Server.Connection, $"Image '{server.Image}'", server.Image, "Build an image of the new version that has them.", cancellationToken).ConfigureAwait(false);
        return $"{words}, starts and has the extensions";
    }

    public override async Task<string> StopAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string stopped = await base.StopAsync(journal, observer, cancellationToken).ConfigureAwait(false);
        string kept = KeptContainer(journal.Record.Id);
        if (await Client.ContainerFindAsync(kept, cancellationToken).ConfigureAwait(false) is null)
        {
            await Client.ContainerStopAsync(server.Name, cancellationToken).ConfigureAwait(false);
            await Client.ContainerRenameAsync(server.Name, kept, cancellationToken).ConfigureAwait(false);
        }

        await StartOldAsync(kept, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession session = await TrialServer.OpenAsync(Connection, cancellationToken).ConfigureAwait(false);
        await ServerPreflight.RequireNoPreparedAsync(session, Upgraded, cancellationToken).ConfigureAwait(false);
        return $"{stopped}; '{server.Name}' runs without a network, and its container is '{kept}'";
    }

    public override async Task<string> LoadAsync(Backup backup, BackupRepository repository, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string kept = KeptContainer(journal.Record.Id);
        string name = OnceName(journal.Record.Id);
        await StartOldAsync(kept, cancellationToken).ConfigureAwait(false);
        await RemoveTrialAsync(name, cancellationToken).ConfigureAwait(false);
        await RemoveNewVolumeAsync(journal.Record.Id, cancellationToken).ConfigureAwait(false);
        foreach (UpgradeSubject.MovedVolume volume in server.Volumes)
            await Client.VolumeCreateAsync(volume.New.Name, await LabelsAsync(volume, journal.Record.Id, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        ContainerDefinition definition = await ServerDefinition.ForLoadingAsync(Client, kept, server, NewVolumes, cancellationToken).ConfigureAwait(false);
        TrialServer target = await TrialServer.StartAsync(Client, definition, name, server.DockerHost, Request.Timeout, cancellationToken).ConfigureAwait(false);
        string loaded;
        await using (target.ConfigureAwait(false))
        {
            loaded = await ServerLoad.RunAsync(server, target, backup, repository, Request, observer, cancellationToken).ConfigureAwait(false);
            await target.StopAsync(cancellationToken).ConfigureAwait(false);
        }

        await RemoveOldAsync(cancellationToken).ConfigureAwait(false);
        return $"{loaded}, in {Named(NewVolumes)}";
    }

    public override async Task<string> StartAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await RemoveOldAsync(cancellationToken).ConfigureAwait(false);
        if (await Client.ContainerFindAsync(server.Name, cancellationToken).ConfigureAwait(false) is null)
        {
            ContainerDefinition definition = await ServerDefinition.OfNewAsync(Client, KeptContainer(journal.Record.Id), server, NewVolumes, cancellationToken).ConfigureAwait(false);
            await definition.CreateAsync(Client, server.Name, cancellationToken).ConfigureAwait(false);
        }

        await StartServerAsync(cancellationToken).ConfigureAwait(false);
        // Before its users come: what they write from now on is what a later rollback leaves behind.
        if (journal.Record.Deployment!.Written is null)
        {
            IReadOnlyDictionary<string, long> written = await ServerWrites.CountAsync(TrialServer.ConnectionTo(server.Name, server.DockerHost), cancellationToken).ConfigureAwait(false);
            // The old server does not run any more, so that an engine that takes the last change for the creation does not change it either.
            IReadOnlyDictionary<string, DateTimeOffset> old = await UpgradeRemoval.CreationOfAsync(Client, OldVolumes, cancellationToken).ConfigureAwait(false);
            journal.Write(journal.Record with { Deployment = journal.Record.Deployment with { Written = written, OldVolumes = old } });
        }

        string running = await WaitUntilHealthyAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        await StartOthersAsync(journal.Record, observer, cancellationToken).ConfigureAwait(false);
        return running;
    }

    public override async Task<string> CleanUpAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await RemoveOnceAsync(KeptContainer(journal.Record.Id), cancellationToken).ConfigureAwait(false);
        await ForgetEarlierAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        string files = await _files.MakeAsync(journal, observer, cancellationToken).ConfigureAwait(false) is { } words ? $"; {words}" : string.Empty;
        return $"the old data are kept in {Named(OldVolumes)}, the old image as {KeptName(RecordName, journal.Record.Id)} (when they are no longer needed: Remove-DbUpgrade {journal.Record.Id}){files}";
    }

    public override async Task RestorePreviousAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await RemoveTrialAsync(OnceName(record.Id), cancellationToken).ConfigureAwait(false);
        if (!record.HasBegun(UpgradeSteps.Maintenance))
            return;
        if (record.HasBegun(UpgradeSteps.Start))
            await LeaveNewAsync(record, observer, cancellationToken).ConfigureAwait(false);
        string kept = KeptContainer(record.Id);
        if (await Client.ContainerFindAsync(kept, cancellationToken).ConfigureAwait(false) is not null)
        {
            if (await Client.ContainerFindAsync(server.Name, cancellationToken).ConfigureAwait(false) is { } present)
                await Client.ContainerStopAsync(present.Id, cancellationToken).ConfigureAwait(false);
            await RemoveOnceAsync(server.Name, cancellationToken).ConfigureAwait(false);
            await Client.ContainerRenameAsync(kept, server.Name, cancellationToken).ConfigureAwait(false);
        }
        else if (record.HasBegun(UpgradeSteps.Release))
        {
            await RecreateOldAsync(record, cancellationToken).ConfigureAwait(false);
        }

        await StartServerAsync(cancellationToken).ConfigureAwait(false);
        ComposeFileUpdate.Revert(record, observer);
        // What was only loaded is in the backup and in the old volume; once the new server has run, its volume may hold the work of users.
        if (!record.HasBegun(UpgradeSteps.Start))
            await RemoveNewVolumeAsync(record.Id, cancellationToken).ConfigureAwait(false);
    }

    public override Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("A server's upgrade runs no migration.");

    // The rehearsal has loaded a new server and compared it by then.
    public override Task TrialRunAsync(IUpgradeTarget copy, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task<IReadOnlyList<ContainerSummary>> OwnContainersAsync(CancellationToken cancellationToken)
    {
        ContainerInspect own = await Client.ContainerInspectAsync(server.Name, cancellationToken).ConfigureAwait(false);
        return [.. (await Client.ContainerListAsync(all: true, null, cancellationToken).ConfigureAwait(false)).Where(container => container.Id == own.Id)];
    }

    protected override async Task<IReadOnlyList<ContainerSummary>> OtherUsersAsync(CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await TrialServer.OpenAsync(Connection, cancellationToken).ConfigureAwait(false);
        string[] databases = [.. await session.RowsAsync("SELECT datname::text FROM pg_database", row => row.GetString(0), "listing databases", cancellationToken).ConfigureAwait(false)];
        return (await Engine.Docker.Restore.ServerUsers.FindAsync(session, databases, cancellationToken).ConfigureAwait(false))?.Containers ?? [];
    }

    protected override string NameOf(ContainerSummary container) => RecordName;

    protected override bool IsServer(ContainerSummary container) => container.Name == server.Name;

    // "volume 'data'", or "volumes 'data' and 'fast'".
    private static string Named(IReadOnlyList<string> volumes) => $"{(volumes.Count == 1 ? "volume" : "volumes")} {string.Join(" and ", volumes.Select(name => $"'{name}'"))}";

    private static string KeptContainer(string id) => "before-" + id;

    // As the old one's: what finds a project's volumes by their labels finds the new one too.
    private async Task<Dictionary<string, string>> LabelsAsync(UpgradeSubject.MovedVolume volume, string id, CancellationToken cancellationToken)
    {
        VolumeModel old = await Client.VolumeInspectAsync(volume.Old.Name, cancellationToken).ConfigureAwait(false);
        var labels = (old.Labels ?? new Dictionary<string, string>()).Where(label => label.Key is not (ComposeLabels.Volume or ConfigHashLabel)).ToDictionary();
        labels[UpgradeLabel] = id;
        if (volume.New.Key is { } key)
            labels[ComposeLabels.Volume] = key;
        return labels;
    }

    private static bool HasVolume(ContainerInspect container, UpgradeSubject.ServerVolume volume) => (container.Mounts ?? []).Any(mount => mount.Name == volume.Name);

    // The old server on its volume, in a container that nothing but this reaches.
    private async Task StartOldAsync(string kept, CancellationToken cancellationToken)
    {
        ContainerInspect? present = await Client.ContainerFindAsync(server.Name, cancellationToken).ConfigureAwait(false);
        if (present is null)
        {
            ContainerInspect old = await Client.ContainerInspectAsync(kept, cancellationToken).ConfigureAwait(false);
            ContainerDefinition definition = await DefineAsync(kept, old.Image, cancellationToken).ConfigureAwait(false);
            // With its labels it is the service's container, so that the backup has the service's name.
            await ServerDefinition.Alone(definition, old.Config.Labels ?? new Dictionary<string, string>()).CreateAsync(Client, server.Name, cancellationToken).ConfigureAwait(false);
        }

        await StartServerAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task RemoveOldAsync(CancellationToken cancellationToken)
    {
        if (await Client.ContainerFindAsync(server.Name, cancellationToken).ConfigureAwait(false) is not { } present || !HasVolume(present, server.Old))
            return;
        await Client.ContainerStopAsync(present.Id, cancellationToken).ConfigureAwait(false);
        await Client.TrialContainerDeleteAsync(present.Id, cancellationToken).ConfigureAwait(false);
    }

    private async Task StartServerAsync(CancellationToken cancellationToken)
    {
        await Client.ContainerStartAsync(server.Name, cancellationToken).ConfigureAwait(false);
        await TrialServer.WaitAsync(Client, server.Name, TrialServer.ConnectionTo(server.Name, server.DockerHost), Request.Timeout, cancellationToken).ConfigureAwait(false);
    }

    private async Task RemoveNewVolumeAsync(string id, CancellationToken cancellationToken)
    {
        VolumeModel[] present = [.. (await Client.VolumeListAsync(cancellationToken).ConfigureAwait(false)).Where(each => server.Volumes.Any(volume => volume.New.Name == each.Name))];
        if (Array.Find(present, each => each.Labels?.GetValueOrDefault(UpgradeLabel) != id) is { } foreign)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.Refused, $"Volume '{foreign.Name}' was not created by this upgrade, and is left as it is.", $"Rename or remove it (docker volume rm {foreign.Name}).")
            { Target = foreign.Name };
        }

        foreach (VolumeModel volume in present)
            await Client.VolumeDeleteAsync(volume.Name, cancellationToken).ConfigureAwait(false);
    }

    // Says what the old server will not have, and stops those who write.
    private async Task LeaveNewAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        foreach (StoppedContainer each in record.Deployment?.Stopped ?? [])
        {
            if (await Client.ContainerFindAsync(each.Name, cancellationToken).ConfigureAwait(false) is not null)
                await Client.ContainerStopAsync(each.Name, cancellationToken).ConfigureAwait(false);
        }

        if (await Client.ContainerFindAsync(server.Name, cancellationToken).ConfigureAwait(false) is not { State.Running: true } present || !HasVolume(present, server.New))
            return;
        await ServerWrites.WarnAsync(
            TrialServer.ConnectionTo(server.Name, server.DockerHost), record.Deployment?.Written, $"They stay in {Named(NewVolumes)}, and the old server does not have them.", observer, cancellationToken).ConfigureAwait(false);
    }

    // The old container was removed: it is recreated from the new one's definition, the old image and the old volume.
    private async Task RecreateOldAsync(UpgradeRecord record, CancellationToken cancellationToken)
    {
        string undone = "undone-" + record.Id;
        ImageRecord image = record.Deployment!.Images[0];
        ContainerInspect? present = await Client.ContainerFindAsync(server.Name, cancellationToken).ConfigureAwait(false);
        if (present is not null && HasVolume(present, server.New))
        {
            await Client.ContainerStopAsync(present.Id, cancellationToken).ConfigureAwait(false);
            await Client.ContainerRenameAsync(present.Id, undone, cancellationToken).ConfigureAwait(false);
            present = null;
        }

        if (present is null)
        {
            bool isNamed = (await Client.ImageFindAsync(image.Reference, cancellationToken).ConfigureAwait(false))?.Id == image.Id;
            ContainerDefinition definition = await DefineAsync(undone, isNamed ? image.Reference : image.Id, cancellationToken).ConfigureAwait(false);
            foreach (UpgradeSubject.MovedVolume volume in server.Volumes)
                definition = definition.WithVolume(volume.New.Path, volume.Old.Name, volume.Old.Path);
            await definition.CreateAsync(Client, server.Name, cancellationToken).ConfigureAwait(false);
        }

        await RemoveOnceAsync(undone, cancellationToken).ConfigureAwait(false);
    }
}
