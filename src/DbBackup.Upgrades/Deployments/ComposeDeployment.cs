using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Services of a compose project, recreated by docker compose itself.</summary>
/// <param name="client">The Docker Engine client, disposed with this object.</param>
/// <param name="application">The completed subject.</param>
/// <param name="request">The request.</param>
internal sealed class ComposeDeployment(DockerClient client, UpgradeSubject.ComposeProject application, UpgradeRequest request) : DockerDeployment(client, application, request)
{
    private ComposeCommand? _compose;

    public override IReadOnlyList<string> Steps { get; } =
    [
        UpgradeSteps.Preflight, UpgradeSteps.Version, UpgradeSteps.Rehearsal, UpgradeSteps.Maintenance, UpgradeSteps.Backup, UpgradeSteps.Migration,
        UpgradeSteps.Start, UpgradeSteps.Check, UpgradeSteps.Release,
    ];

    public override bool HasNewVersion => !HasSource;

    private string Folder => application.Folder!;

    private GitCheckout Git => new(Folder, Request.Timeout);

    public override async Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken)
    {
        ComposeProject project = await FindProjectAsync(cancellationToken).ConfigureAwait(false);
        await ComposeAsync(["config", "-q"], SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        var images = new List<ImageRecord>();
        var definitions = new Dictionary<string, string>();
        foreach (string service in application.Services)
        {
            ContainerInspect container = await Client.ContainerInspectAsync(project.Choose(service).Id, cancellationToken).ConfigureAwait(false);
            definitions[service] = (await DefineAsync(container.Id, container.Image, cancellationToken).ConfigureAwait(false)).Describe();
            images.Add(new ImageRecord(service, container.Config.Image!, container.Image, project.Containers.Count(each => each.Label(ComposeLabels.Service) == service)));
        }

        GitInfo? git = application.GitRef is { } reference ? await Git.RequireCleanAsync(reference, cancellationToken).ConfigureAwait(false) : GitWorkTree.Describe(Folder);
        return new DeploymentRecord { Images = images, Definitions = definitions, Git = git };
    }

    public override (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record)
    {
        var fetch = new List<string>();
        if (application.GitRef is { } reference)
            fetch.Add($"check out '{reference}' in '{Folder}' (now {record.Git!.Branch ?? "no branch"}, {record.Git.Commit[..10]})");
        if (application.Pull)
            fetch.AddRange(record.Images.Select(image => $"pull the image of service '{image.Name}' ({image.Reference}, now {Short(image.Id)})"));
        if (application.Build)
            fetch.AddRange(record.Images.Select(image => $"build the image of service '{image.Name}' ({image.Reference}, now {Short(image.Id)})"));
        return (fetch, [$"recreate {string.Join(", ", record.Images.Select(image => image.Name))} if the image or the project's files have changed (docker compose up --no-deps)"]);
    }

    public override async Task<string> FetchAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await KeepImagesAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        var done = new List<string>();
        if (application.GitRef is { } reference)
        {
            done.Add(await Git.CheckOutAsync(reference, observer, cancellationToken).ConfigureAwait(false));
            // The project's files have changed.
            _compose = null;
            await ComposeAsync(["config", "-q"], observer, cancellationToken).ConfigureAwait(false);
        }

        if (application.Pull)
            await ComposeAsync(["pull", .. application.Services], observer, cancellationToken).ConfigureAwait(false);
        if (application.Build)
            await ComposeAsync(["build", .. application.Services], observer, cancellationToken).ConfigureAwait(false);
        await RequireServerCanStayAsync(observer, cancellationToken).ConfigureAwait(false);
        foreach (ImageRecord image in journal.Record.Deployment!.Images)
        {
            string? now = (await Client.ImageFindAsync(image.Reference, cancellationToken).ConfigureAwait(false))?.Id;
            done.Add(now == image.Id ? $"{image.Name} keeps {image.Reference}" : $"{image.Name}: {image.Reference} {Short(image.Id)} → {(now is null ? "not pulled" : Short(now))}");
        }

        return string.Join("; ", done);
    }

    public override async Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string name = OnceName(journal?.Record.Id ?? Guid.NewGuid().ToString("N"));
        await RemoveTrialAsync(name, cancellationToken).ConfigureAwait(false);
        try
        {
            return await ComposeAsync([.. RunArguments(name, target), .. CommandWords.Of(command)], observer, cancellationToken, target?.Environment).ConfigureAwait(false);
        }
        finally
        {
            // The container survives docker compose.
            await RemoveTrialAsync(name, CancellationToken.None).ConfigureAwait(false);
        }
    }

    public override async Task TrialRunAsync(IUpgradeTarget copy, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string name = OnceName(journal.Record.Id);
        await RemoveTrialAsync(name, cancellationToken).ConfigureAwait(false);
        try
        {
            await ComposeAsync(["run", "-d", .. RunArguments(name, copy).Skip(3)], observer, cancellationToken, copy.Environment).ConfigureAwait(false);
            await RequireHealthyAsync(name, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await RemoveTrialAsync(name, CancellationToken.None).ConfigureAwait(false);
        }
    }

    public override async Task<string> StartAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string[] scale = [.. journal.Record.Deployment!.Images.Where(image => image.Containers > 1).SelectMany(image => new[] { "--scale", FormattableString.Invariant($"{image.Name}={image.Containers}") })];
        await ComposeAsync(["up", "-d", "--no-deps", .. scale, .. application.Services], observer, cancellationToken).ConfigureAwait(false);
        string running = await WaitUntilHealthyAsync(cancellationToken).ConfigureAwait(false);
        await StartOthersAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        return running;
    }

    public override async Task<string> CleanUpAsync(UpgradeJournal journal, CancellationToken cancellationToken)
    {
        await ForgetEarlierAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        return $"the previous images are kept until the next upgrade: {string.Join(", ", journal.Record.Deployment!.Images.Select(image => KeptName(image.Name, journal.Record.Id)))}";
    }

    public override async Task RestorePreviousAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await RemoveTrialAsync(OnceName(record.Id), cancellationToken).ConfigureAwait(false);
        if (record.HasBegun(UpgradeSteps.Version))
        {
            if (application.GitRef is not null && record.Deployment?.Git is { } git)
            {
                await Git.ReturnAsync(git, observer, cancellationToken).ConfigureAwait(false);
                _compose = null;
            }

            await RestoreImagesAsync(record, observer, cancellationToken).ConfigureAwait(false);
        }

        if (!record.HasBegun(UpgradeSteps.Start))
            return;
        foreach (ContainerSummary container in await OwnContainersAsync(cancellationToken).ConfigureAwait(false))
            await Client.ContainerStopAsync(container.Id, cancellationToken).ConfigureAwait(false);
        await ComposeAsync(["up", "--no-start", "--no-deps", .. application.Services], observer, cancellationToken).ConfigureAwait(false);
    }

    protected override async Task<IReadOnlyList<ContainerSummary>> OwnContainersAsync(CancellationToken cancellationToken)
    {
        ComposeProject project = await FindProjectAsync(cancellationToken).ConfigureAwait(false);
        return [.. application.Services.SelectMany(service => project.Containers.Where(container => container.Label(ComposeLabels.Service) == service))];
    }

    protected override async Task<IReadOnlyList<ContainerSummary>> OtherUsersAsync(CancellationToken cancellationToken)
    {
        if (application.DatabaseService is null)
            return [];
        PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(
            new PostgreSqlConnectionRequest { Server = application.Server, Database = application.Database }, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, application.Database, cancellationToken).ConfigureAwait(false);
        return (await ServerUsers.FindAsync(maintenance, [application.Database!], cancellationToken).ConfigureAwait(false))?.Containers ?? [];
    }

    private bool HasSource => application.Pull || application.Build || application.GitRef is not null;

    private IEnumerable<string> RunArguments(string name, IUpgradeTarget? target) =>
    [
        "run", "--rm", "-T", "--no-deps", "--name", name,
        // The value comes through the environment: every user can read arguments.
        .. (target?.Environment.Keys ?? []).SelectMany(variable => new[] { "-e", variable }),
        .. (target?.Mounts ?? new Dictionary<string, string>()).SelectMany(mount => new[] { "-v", $"{mount.Value}:{mount.Key}" }),
        .. Request.MigrationPath is { } path ? ["-w", path] : Array.Empty<string>(),
        application.Services[0],
    ];

    // The next "up" by anyone also recreates the server's container.
    private async Task RequireServerCanStayAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (application.DatabaseService is not { } service)
            return;
        string? reference = ComposeConfig.ImageOf(await ComposeAsync(["config"], SilentObserver.Instance, cancellationToken).ConfigureAwait(false), service);
        ImageInspect? image = reference is null ? null : await Client.ImageFindAsync(reference, cancellationToken).ConfigureAwait(false);
        ComposeProject project = await FindProjectAsync(cancellationToken).ConfigureAwait(false);
        ContainerInspect server = await Client.ContainerInspectAsync(project.Choose(service).Id, cancellationToken).ConfigureAwait(false);
        if (image is null || image.Id == server.Image)
            return;
        ServerImage.RequireCompatible(server, image, reference!, Request.Force);
        if (!application.Services.Contains(service))
            observer.Warning($"The new compose file uses image '{reference}' for service '{service}'. The service was not changed; the next 'docker compose up' will recreate it.");
    }

    private Task<ComposeProject> FindProjectAsync(CancellationToken cancellationToken) => ComposeProject.FindAsync(Client, application.Name, cancellationToken);

    private async Task<string> ComposeAsync(
        IReadOnlyList<string> arguments, IOperationObserver observer, CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? environment = null)
    {
        _compose ??= await ComposeCommand.FindAsync(Folder, await FindProjectAsync(cancellationToken).ConfigureAwait(false), Client.Endpoint, cancellationToken).ConfigureAwait(false);
        var variables = new Dictionary<string, string?>(_compose.Environment);
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
            variables[name] = value;
        var command = UpgradeCommand.Of(_compose.Program, [.. _compose.Arguments, .. arguments], Folder, variables);
        return await command.RunAsync(Request.Timeout, null, observer, cancellationToken).ConfigureAwait(false);
    }
}
