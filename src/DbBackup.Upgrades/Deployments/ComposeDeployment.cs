using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
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
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

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
        ComposeConfig config = await ConfigAsync(project, cancellationToken).ConfigureAwait(false);
        var images = new List<ImageRecord>();
        var definitions = new Dictionary<string, string>();
        var mounts = new Dictionary<string, IReadOnlyList<DataMount>>();
        HashSet<string> oneShots = OneShotsOf(config);
        foreach (string service in application.Services)
        {
            ContainerInspect container = await Client.ContainerInspectAsync(project.Choose(service).Id, cancellationToken).ConfigureAwait(false);
            mounts[service] = DataMountsOf(container);
            if (container is { State: { Status: "exited", ExitCode: 0 }, HostConfig.RestartPolicy.Name: null or "" or "no" })
                oneShots.Add(service);
            definitions[service] = (await DefineAsync(container.Id, container.Image, cancellationToken).ConfigureAwait(false)).Describe();
            images.Add(new ImageRecord(service, container.Config.Image!, container.Image, project.Containers.Count(each => each.Label(ComposeLabels.Service) == service)));
        }

        GitInfo? git = application.GitRef is { } reference ? await Git.RequireCleanAsync(reference, cancellationToken).ConfigureAwait(false) : GitWorkTree.Describe(Folder);
        var record = new DeploymentRecord
        {
            Images = images,
            Definitions = definitions,
            Git = git,
            Mounts = mounts,
            OneShots = [.. oneShots],
            Servers = [.. project.Containers.Where(IsServer).Select(container => new StoppedContainer(container.Id, container.Name))],
            Dependents = await FindDependentsAsync(await OwnContainersAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false),
        };
        await RequireFitAsync(record, project, config, cancellationToken).ConfigureAwait(false);
        return record;
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
        return (fetch, [$"recreate {string.Join(", ", record.Images.Select(image => image.Name))} if the image or the project's files have changed (docker compose up --no-deps)", .. DescribeDependents(record)]);
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
            ComposeProject project = await FindProjectAsync(cancellationToken).ConfigureAwait(false);
            await RequireFitAsync(journal.Record.Deployment!, project, await ConfigAsync(project, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
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
        ComposeConfig config = await ConfigAsync(await FindProjectAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        HashSet<string> oneShots = OneShotsOf(config);
        oneShots.UnionWith(journal.Record.Deployment!.OneShots);
        journal.Write(journal.Record with { Deployment = journal.Record.Deployment with { OneShots = [.. oneShots] } });
        // Compose is told to leave other services alone, and waits for none then: what others wait for is started before them.
        var left = application.Services.ToList();
        if (IsServerUpgraded)
        {
            await UpAsync([application.DatabaseService!], journal.Record, observer, cancellationToken).ConfigureAwait(false);
            left.Remove(application.DatabaseService!);
            await WaitForServerAsync(cancellationToken).ConfigureAwait(false);
        }

        while (left.Find(service => oneShots.Contains(service) && !NeedsOneOf(config, service, left, oneShots)) is { } next)
        {
            await UpAsync([next], journal.Record, observer, cancellationToken).ConfigureAwait(false);
            left.Remove(next);
            await WaitForEndAsync(next, cancellationToken).ConfigureAwait(false);
        }

        // A container in the network of another one cannot start while it names the ID of one that is gone.
        string[] sharing = [.. left.Where(service => config.Services.GetValueOrDefault(service)?.NetworkMode?.StartsWith("service:", StringComparison.Ordinal) == true)];
        await UpAsync([.. left.Except(sharing)], journal.Record, observer, cancellationToken).ConfigureAwait(false);
        await ReattachAsync(journal.Record, observer, cancellationToken).ConfigureAwait(false);
        await UpAsync(sharing, journal.Record, observer, cancellationToken).ConfigureAwait(false);
        string running = await WaitUntilHealthyAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        await StartOthersAsync(journal.Record, observer, cancellationToken).ConfigureAwait(false);
        return running;
    }

    public override async Task<string> CleanUpAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
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
        await UpPreviousAsync(record, observer, cancellationToken).ConfigureAwait(false);
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

    protected override string NameOf(ContainerSummary container) => container.Label(ComposeLabels.Service) ?? container.Name;

    protected override bool IsOneShot(UpgradeRecord record, ContainerSummary container) => record.Deployment?.OneShots.Contains(NameOf(container)) == true;

    protected override bool IsServer(ContainerSummary container) => IsServerUpgraded && container.Label(ComposeLabels.Service) == application.DatabaseService;

    private bool IsServerUpgraded => application.DatabaseService is { } service && application.Services.Contains(service);

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
        ComposeProject project = await FindProjectAsync(cancellationToken).ConfigureAwait(false);
        string? reference = (await ConfigAsync(project, cancellationToken).ConfigureAwait(false)).Services.GetValueOrDefault(service)?.Image;
        ImageInspect? image = reference is null ? null : await Client.ImageFindAsync(reference, cancellationToken).ConfigureAwait(false);
        ContainerInspect server = await Client.ContainerInspectAsync(project.Choose(service).Id, cancellationToken).ConfigureAwait(false);
        if (image is null || image.Id == server.Image)
            return;
        ServerImage.RequireCompatible(server, image, reference!, Request.Force);
        if (!application.Services.Contains(service))
            observer.Warning($"The new compose file uses image '{reference}' for service '{service}'. The service was not changed; the next 'docker compose up' will recreate it.");
    }

    // Before anything is stopped: the files, with the variables that are known here, must describe the application that runs.
    private async Task RequireFitAsync(DeploymentRecord record, ComposeProject project, ComposeConfig config, CancellationToken cancellationToken)
    {
        foreach (string service in application.Services)
        {
            if (config.Services.GetValueOrDefault(service) is not { } wanted)
            {
                throw new BackupFailure(
                    ErrorCodes.TargetInvalid, FailureCategory.InvalidArgument, $"The files of compose project '{project.Name}' in '{Folder}' have no service '{service}', which runs.",
                    $"Name other services (-Service), or the files that the project was started with. They have {string.Join(", ", config.Services.Keys)}.")
                { Target = service };
            }

            await RequireFreeNameAsync(project, service, wanted, cancellationToken).ConfigureAwait(false);
            foreach (DataMount mount in Request.Force ? [] : record.Mounts.GetValueOrDefault(service) ?? [])
            {
                ComposeMount? now = wanted.Mounts.FirstOrDefault(each => each.Target.TrimEnd('/') == mount.Path.TrimEnd('/'));
                if (now is null || (now.Source is not null && !IsSame(now.Source, mount.Source)))
                    throw OtherData($"By the project's files in '{Folder}', service '{service}'", mount, now?.Source, project.Name);
            }
        }
    }

    // On other machines than this one, and in virtual ones, folders have other names than the engine gives.
    private bool IsSame(string source, string mounted) => source == mounted || mounted.EndsWith("/" + source.TrimStart('/'), StringComparison.Ordinal)
        || (Client.Endpoint.IsLocal && Directory.Exists(source) && Directory.Exists(mounted) && UnixFile.RealPath(source) == UnixFile.RealPath(mounted));

    private async Task RequireFreeNameAsync(ComposeProject project, string service, ComposeService wanted, CancellationToken cancellationToken)
    {
        string name = wanted.ContainerName ?? project.Choose(service).Name;
        if (await Client.ContainerFindAsync(name, cancellationToken).ConfigureAwait(false) is not { } other
            || (other.ShortName == name && other.Label(ComposeLabels.Project) == project.Name && other.Label(ComposeLabels.Service) == service) || other.ShortName != name)
        {
            return;
        }

        throw new BackupFailure(
            ErrorCodes.TargetInvalid, FailureCategory.Refused, $"Service '{service}' of compose project '{project.Name}' gets a container called '{name}', and another container has that name. Nothing was changed.",
            $"Remove or rename the other one (docker rename {name} NEWNAME), or correct container_name in the project's file.")
        { Target = name };
    }

    private async Task<ComposeConfig> ConfigAsync(ComposeProject project, CancellationToken cancellationToken)
    {
        ComposeCommand compose = await FindComposeAsync(cancellationToken).ConfigureAwait(false);
        return ComposeConfig.Parse(await ComposeAsync(compose.ConfigArguments, SilentObserver.Instance, cancellationToken).ConfigureAwait(false), project.Name);
    }

    private static HashSet<string> OneShotsOf(ComposeConfig config) =>
    [
        .. config.Services.Values.SelectMany(service => service.Dependencies).Where(dependency => dependency.Value == ComposeService.Completed).Select(dependency => dependency.Key),
    ];

    private static bool NeedsOneOf(ComposeConfig config, string service, List<string> left, HashSet<string> oneShots) =>
        config.Services.GetValueOrDefault(service)?.Dependencies.Keys.Any(other => other != service && left.Contains(other) && oneShots.Contains(other)) == true;

    private async Task UpAsync(string[] services, UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (services.Length == 0)
            return;
        string[] scale = [.. record.Deployment!.Images.Where(image => image.Containers > 1 && services.Contains(image.Name)).SelectMany(image => new[] { "--scale", FormattableString.Invariant($"{image.Name}={image.Containers}") })];
        await ComposeAsync(["up", "-d", "--no-deps", .. scale, .. services], observer, cancellationToken).ConfigureAwait(false);
    }

    // The user may have named the new images in the project's files, which are not ours to change: a file of our own overrides them.
    private async Task UpPreviousAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ComposeConfig config = await ConfigAsync(await FindProjectAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        var previous = new Dictionary<string, string>();
        foreach (ImageRecord image in record.Deployment!.Images)
        {
            if (config.Services.GetValueOrDefault(image.Name)?.Image is not { } named || named == image.Reference)
                continue;
            bool isThere = (await Client.ImageFindAsync(image.Reference, cancellationToken).ConfigureAwait(false))?.Id == image.Id;
            previous[image.Name] = isThere ? image.Reference : KeptName(image.Name, record.Id);
            observer.Warning($"Service '{image.Name}' has its previous image {image.Reference} again. The project's files in '{Folder}' still name {named}: correct them before the next 'docker compose up'.");
        }

        if (previous.Count == 0)
        {
            await ComposeAsync(["up", "--no-start", "--no-deps", .. application.Services], observer, cancellationToken).ConfigureAwait(false);
            return;
        }

        using LocalWorkspace scratch = LocalWorkspace.Create(Path.GetTempPath());
        string file = Path.Join(scratch.Path, "previous.json");
        var services = new JsonObject([.. previous.Select(each => KeyValuePair.Create<string, JsonNode?>(each.Key, new JsonObject { ["image"] = each.Value }))]);
        // The first version needs the same version in all files.
        var content = new JsonObject { ["services"] = services };
        if (config.Version is { } version)
            content["version"] = version;
        using (FileStream stream = PrivateFiles.CreateNew(file))
            await stream.WriteAsync(Encoding.UTF8.GetBytes(content.ToJsonString()), cancellationToken).ConfigureAwait(false);
        await ComposeAsync(["-f", file, "up", "--no-start", "--no-deps", .. application.Services], observer, cancellationToken).ConfigureAwait(false);
    }

    private async Task WaitForEndAsync(string service, CancellationToken cancellationToken)
    {
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false))
        {
            ContainerSummary[] containers = [.. (await OwnContainersAsync(cancellationToken).ConfigureAwait(false)).Where(container => NameOf(container) == service)];
            ContainerInspect[] states = [.. await Task.WhenAll(containers.Select(each => Client.ContainerInspectAsync(each.Id, cancellationToken))).ConfigureAwait(false)];
            if (states.FirstOrDefault(each => each is { State: { Status: "exited" or "dead", ExitCode: not 0 } }) is { } failed)
                throw await UnhealthyAsync(FormattableString.Invariant($"container '{failed.ShortName}' is {failed.State.Status} (exit code {failed.State.ExitCode})"), [failed.Id], cancellationToken).ConfigureAwait(false);
            if (states.Length > 0 && states.All(each => each.State.Status == "exited"))
                return;
            if (waited.Elapsed > Request.Timeout)
                throw await UnhealthyAsync(FormattableString.Invariant($"service '{service}', which others wait for, did not end within {Request.Timeout.TotalSeconds:0} s"), [.. states.Select(each => each.Id)], cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WaitForServerAsync(CancellationToken cancellationToken)
    {
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false))
        {
            try
            {
                PostgreSqlConnectionSettings server = await PostgreSqlServer.ResolveAsync(new PostgreSqlConnectionRequest { Server = application.Server, Database = application.Database }, cancellationToken).ConfigureAwait(false);
                using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, application.Database!, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (BackupException failure)
            {
                ContainerSummary? container = (await OwnContainersAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(IsServer);
                if (waited.Elapsed > Request.Timeout || container?.State is not ("running" or "created"))
                    throw await UnhealthyAsync($"the server in service '{application.DatabaseService}' does not answer: {failure.Message.TrimEnd('.')}", container is null ? [] : [container.Id], cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private Task<ComposeProject> FindProjectAsync(CancellationToken cancellationToken) => ComposeProject.FindAsync(Client, application.Name, cancellationToken);

    private async Task<string> ComposeAsync(
        IReadOnlyList<string> arguments, IOperationObserver observer, CancellationToken cancellationToken, IReadOnlyDictionary<string, string?>? environment = null)
    {
        ComposeCommand compose = await FindComposeAsync(cancellationToken).ConfigureAwait(false);
        var variables = new Dictionary<string, string?>(compose.Environment);
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
            variables[name] = value;
        var command = UpgradeCommand.Of(compose.Program, [.. compose.Arguments, .. compose.AllProfiles, .. arguments], Folder, variables);
        return await command.RunAsync(Request.Timeout, null, observer, cancellationToken).ConfigureAwait(false);
    }

    private async Task<ComposeCommand> FindComposeAsync(CancellationToken cancellationToken) =>
        _compose ??= await ComposeCommand.FindAsync(Folder, application.Files, await FindProjectAsync(cancellationToken).ConfigureAwait(false), Client.Endpoint, cancellationToken).ConfigureAwait(false);
}
