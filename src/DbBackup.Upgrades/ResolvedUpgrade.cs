using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Upgrades.Deployments;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>An upgrade whose target and deployment are known.</summary>
/// <param name="Request">The completed request.</param>
/// <param name="Target">The data.</param>
/// <param name="Deployment">The application.</param>
internal sealed record ResolvedUpgrade(UpgradeRequest Request, IUpgradeTarget Target, IDeployment Deployment) : IAsyncDisposable
{
    /// <summary>The name of what is upgraded; it identifies two upgrades of the same thing.</summary>
    public string Name => Request switch
    {
        { DatabasePath: { } path } => path,
        { Project: { } project } => new DockerLocation { Host = HostOf(project), Project = project.Project, Service = Request.Services[0] }.ToString(),
        { Container: { } container } => new DockerLocation { Host = HostOf(container), Container = container.Name }.ToString(),
        _ => PostgreSqlConnectionSettings.Resolve(Request.Server!).LocationOf(Request.Server!.Database),
    };

    /// <summary>A short name for the journal.</summary>
    public string ShortName => Request switch
    {
        { DatabasePath: { } path } => Path.GetFileNameWithoutExtension(path),
        { Project: { } project } => project.Project,
        { Container: { } container } => container.Name,
        _ => Request.Server!.Database!,
    };

    /// <summary>Completes a request with what the user left out.</summary>
    /// <exception cref="BackupException">Nothing or more than one thing matches the request.</exception>
    public static async Task<ResolvedUpgrade> CompleteAsync(UpgradeRequest request, CancellationToken cancellationToken)
    {
        if (request.Server is { } server)
        {
            PostgreSqlConnectionSettings settings = PostgreSqlConnectionSettings.Resolve(server);
            string database = settings.Database ?? throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The connection to '{settings.LocationOf(null)}' names no database.", "Name it with -Database or in the connection string.");
            // The journal stores this request without its password, which stays in memory.
            request = request with { Server = new PostgreSqlConnectionRequest { Server = ServerAddress.Of(settings.ToKeywords()), Database = database, Password = settings.Password } };
        }
        else if (request.IsOfContainers)
        {
            request = await ApplicationFinder.CompleteAsync(request, cancellationToken).ConfigureAwait(false);
        }

        return await CreateAsync(request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Connects to what a completed request names. Searches for nothing: parts of an interrupted upgrade may be missing.</summary>
    public static async Task<ResolvedUpgrade> CreateAsync(UpgradeRequest request, CancellationToken cancellationToken)
    {
        if (request.DatabasePath is { } path)
            return new ResolvedUpgrade(request, new SqliteUpgradeTarget(path, request), new HostDeployment(request));
        if (request.Server is { } server)
        {
            var urls = DatabaseUrls.OfProgram(request.DatabaseVariable, PostgreSqlConnectionSettings.Resolve(server), request.DatabaseVariable is { } variable ? Environment.GetEnvironmentVariable(variable) : null);
            return new ResolvedUpgrade(request, new PostgreSqlUpgradeTarget(server, server.Database!, [], urls, request), new HostDeployment(request));
        }

        DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(request.Application!.DockerHost), cancellationToken).ConfigureAwait(false);
        IDeployment deployment = request.Project is not null ? new ComposeDeployment(client, request) : new ContainerDeployment(client, request);
        try
        {
            return new ResolvedUpgrade(request, await TargetOfAsync(client, request, cancellationToken).ConfigureAwait(false), deployment);
        }
        catch
        {
            await deployment.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Target.DisposeAsync().ConfigureAwait(false);
        await Deployment.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<IUpgradeTarget> TargetOfAsync(DockerClient client, UpgradeRequest request, CancellationToken cancellationToken)
    {
        ContainerAddress own = request.Project is { } project ? project with { Service = request.Services[0] } : request.Application!;
        if (request.DatabaseService is null)
            return new ContainerFilesUpgradeTarget(own, [.. request.ContainerPaths], request.DatabaseFiles ?? [], request);
        ContainerFilesRequest[] files = [.. request.ContainerPaths.Select(path => new ContainerFilesRequest { Subject = own, Path = path, LockTimeout = request.LockTimeout, AllowEmpty = true })];
        var urls = DatabaseUrls.OfContainer(await EnvironmentOfAsync(client, request, cancellationToken).ConfigureAwait(false), request.Database!, request.DatabaseVariable);
        return new PostgreSqlUpgradeTarget(
            new PostgreSqlConnectionRequest { Server = new ServerAddress.Through(new ContainerServerAddress(request.Project! with { Service = request.DatabaseService })) }, request.Database!, files, urls, request);
    }

    // An interrupted upgrade may have left no container.
    private static async Task<IReadOnlyList<string>> EnvironmentOfAsync(DockerClient client, UpgradeRequest request, CancellationToken cancellationToken)
    {
        try
        {
            ComposeProject project = await ComposeProject.FindAsync(client, request.Project!.Project, cancellationToken).ConfigureAwait(false);
            return (await client.ContainerInspectAsync(project.Choose(request.Services[0]).Id, cancellationToken).ConfigureAwait(false)).Config.Env ?? [];
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.ContainerNotFound)
        {
            return [];
        }
    }

    private static string? HostOf(ContainerAddress application) => DockerLocation.HostOf(DockerContexts.OfUser.Resolve(application.DockerHost));
}
