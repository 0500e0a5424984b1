using System.Diagnostics;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
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
    public string Name => Request.Subject switch
    {
        UpgradeSubject.SqliteFile file => file.Path,
        UpgradeSubject.ServerDatabase server => PostgreSqlConnectionSettings.Resolve(server.Connection).LocationOf(server.Connection.Database),
        UpgradeSubject.ServerMove move => PostgreSqlConnectionSettings.Resolve(move.From).LocationOf(null),
        UpgradeSubject.Application application => (application.Main.LocationOf(null) with { Host = DockerLocation.HostOf(DockerContexts.OfUser.Resolve(application.DockerHost)) }).ToString(),
        _ => throw new UnreachableException(),
    };

    /// <summary>A short name for the journal.</summary>
    public string ShortName => Request.Subject switch
    {
        UpgradeSubject.SqliteFile file => Path.GetFileNameWithoutExtension(file.Path),
        UpgradeSubject.ServerDatabase server => server.Connection.Database!,
        UpgradeSubject.ServerMove => "server",
        UpgradeSubject.Container container => container.Name,
        UpgradeSubject.ComposeProject project => project.Name,
        UpgradeSubject.MajorVersion server => server.Project ?? server.Name,
        _ => throw new UnreachableException(),
    };

    /// <summary>Completes a request with what the user left out.</summary>
    /// <exception cref="BackupException">Nothing or more than one thing matches the request.</exception>
    public static async Task<ResolvedUpgrade> CompleteAsync(UpgradeRequest request, CancellationToken cancellationToken)
    {
        UpgradeSubject subject = request.Subject switch
        {
            UpgradeSubject.ServerDatabase server => Complete(server),
            UpgradeSubject.ServerMove move => await ServerMoveDeployment.CompleteAsync(move, cancellationToken).ConfigureAwait(false),
            UpgradeSubject.Application application => await MajorVersionFinder.FindAsync(application, request, cancellationToken).ConfigureAwait(false)
                ?? await ApplicationFinder.CompleteAsync(application, request.Migrate, cancellationToken).ConfigureAwait(false),
            var file => file,
        };
        if (request.UpdateComposeFile && subject is not UpgradeSubject.MajorVersion { Service: not null })
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-UpdateComposeFile goes with the upgrade of a PostgreSQL server to another major version, and this upgrade is none. Nothing was changed.",
                "Name the server's service and an image of another version (-Service db -Image postgres:18), or leave -UpdateComposeFile out.");
        }

        return await CreateAsync(request with { Subject = subject }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Connects to what a completed request names. Searches for nothing: parts of an interrupted upgrade may be missing.</summary>
    public static async Task<ResolvedUpgrade> CreateAsync(UpgradeRequest request, CancellationToken cancellationToken)
    {
        switch (request.Subject)
        {
            case UpgradeSubject.SqliteFile file:
                return new ResolvedUpgrade(request, new SqliteUpgradeTarget(file, request), new HostDeployment(request));
            case UpgradeSubject.ServerDatabase { Connection: var server } database:
                var urls = DatabaseUrls.OfProgram(request.DatabaseVariable, PostgreSqlConnectionSettings.Resolve(server), request.DatabaseVariable is { } variable ? Environment.GetEnvironmentVariable(variable) : null);
                return new ResolvedUpgrade(request, new PostgreSqlUpgradeTarget(server, server.Database!, [], database.AdditionalPaths, urls, request), new HostDeployment(request));
            case UpgradeSubject.ServerMove move:
                return new ResolvedUpgrade(request, new ServerUpgradeTarget(move.From, new NewServer(move.From, move.To, request), request), new ServerMoveDeployment(move, request));
            case UpgradeSubject.Application application:
                return await CreateAsync(application, request, cancellationToken).ConfigureAwait(false);
            default:
                throw new UnreachableException();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Target.DisposeAsync().ConfigureAwait(false);
        await Deployment.DisposeAsync().ConfigureAwait(false);
    }

    private static UpgradeSubject.ServerDatabase Complete(UpgradeSubject.ServerDatabase server)
    {
        PostgreSqlConnectionSettings settings = PostgreSqlConnectionSettings.Resolve(server.Connection);
        string database = settings.Database ?? throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The connection to '{settings.LocationOf(null)}' names no database.", "Name it with -Database or in the connection string.");
        // The journal stores this subject without its password, which stays in memory.
        return server with { Connection = new PostgreSqlConnectionRequest { Server = ServerAddress.Of(settings.ToKeywords()), Database = database, Password = settings.Password } };
    }

    private static async Task<ResolvedUpgrade> CreateAsync(UpgradeSubject.Application application, UpgradeRequest request, CancellationToken cancellationToken)
    {
        DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(application.DockerHost), cancellationToken).ConfigureAwait(false);
        IDeployment deployment = application switch
        {
            UpgradeSubject.ComposeProject project => new ComposeDeployment(client, project, request),
            UpgradeSubject.Container container => new ContainerDeployment(client, container, request),
            UpgradeSubject.MajorVersion server => new MajorVersionDeployment(client, server, request),
            _ => throw new UnreachableException(),
        };
        try
        {
            IUpgradeTarget target = application switch
            {
                UpgradeSubject.ComposeProject { DatabaseService: not null } ofServer => await TargetOfAsync(client, ofServer, request, cancellationToken).ConfigureAwait(false),
                UpgradeSubject.MajorVersion server => new ServerUpgradeTarget(new PostgreSqlConnectionRequest { Server = server.Server, Database = server.Database }, new ScratchRehearsal(server, request), request),
                _ => new ContainerFilesUpgradeTarget(application.Main, [.. application.ContainerPaths], application.DatabaseFiles ?? [], request),
            };
            return new ResolvedUpgrade(request, target, deployment);
        }
        catch
        {
            await deployment.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task<PostgreSqlUpgradeTarget> TargetOfAsync(DockerClient client, UpgradeSubject.ComposeProject project, UpgradeRequest request, CancellationToken cancellationToken)
    {
        ContainerFilesRequest[] files = [.. project.ContainerPaths.Select(path => new ContainerFilesRequest { Subject = project.Main, Path = path, LockTimeout = request.LockTimeout, AllowEmpty = true })];
        var urls = DatabaseUrls.OfContainer(await EnvironmentOfAsync(client, project, cancellationToken).ConfigureAwait(false), project.Database!, request.DatabaseVariable);
        return new PostgreSqlUpgradeTarget(new PostgreSqlConnectionRequest { Server = project.Server }, project.Database!, files, [], urls, request);
    }

    // An interrupted upgrade may have left no container.
    private static async Task<IReadOnlyList<string>> EnvironmentOfAsync(DockerClient client, UpgradeSubject.ComposeProject subject, CancellationToken cancellationToken)
    {
        try
        {
            ComposeProject project = await ComposeProject.FindAsync(client, subject.Name, cancellationToken).ConfigureAwait(false);
            return (await client.ContainerInspectAsync(project.Choose(subject.Services[0]).Id, cancellationToken).ConfigureAwait(false)).Config.Env ?? [];
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.ContainerNotFound)
        {
            return [];
        }
    }
}
