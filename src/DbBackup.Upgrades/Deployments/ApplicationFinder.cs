using System.Diagnostics;
using DbBackup.Engine.Discovery;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Completes a request for an application in containers: finds its database service and its data folders.</summary>
internal static class ApplicationFinder
{
    /// <summary>Completes what the user named.</summary>
    /// <param name="application">What the user named.</param>
    /// <param name="migrate">The migration command; null if the new version migrates by itself.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">The application was not found, or the request is ambiguous.</exception>
    public static async Task<UpgradeSubject.Application> CompleteAsync(UpgradeSubject.Application application, string? migrate, CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(application.DockerHost), cancellationToken).ConfigureAwait(false);
        return application switch
        {
            UpgradeSubject.ComposeProject project => await CompleteProjectAsync(client, project, migrate, cancellationToken).ConfigureAwait(false),
            UpgradeSubject.Container container => await CompleteContainerAsync(client, container, migrate, cancellationToken).ConfigureAwait(false),
            _ => throw new UnreachableException(),
        };
    }

    private static async Task<UpgradeSubject.Application> CompleteProjectAsync(DockerClient client, UpgradeSubject.ComposeProject subject, string? migrate, CancellationToken cancellationToken)
    {
        ComposeProject project = await ComposeProject.FindAsync(client, subject.Name, cancellationToken).ConfigureAwait(false);
        // The folder that its containers name, in which its relative paths begin; another one where that is not on this machine.
        string? folder = subject.Folder ?? (project.WorkingFolder is { } working && Directory.Exists(working) ? working : ComposeProject.FolderOf(subject.Name) ?? project.WorkingFolder);
        if (folder is null || !Directory.Exists(folder))
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"The files of compose project '{project.Name}' were not found{(folder is null ? string.Empty : $" (it was started from '{folder}')")}.",
                "Name the folder that holds them: -ComposeProject ./folder.")
            { Target = project.Name };
        }

        // Whoever names services may have changed the project's files.
        if (migrate is null && subject.GitRef is null && !subject.Pull && !subject.Build && subject.Services.Count == 0)
            throw Invalid($"Nothing to upgrade was specified for compose project '{project.Name}'.", "Specify the source of the new version (-GitRef, -Pull, -Build) or the migration command (-Migrate); or, if the project's files were changed, the services (-Service).", project.Name);
        string? server = subject.DatabaseService ?? await FindServerAsync(client, project, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<string> services = subject.Services.Count > 0 ? subject.Services : [.. project.Services.Where(service => service != server)];
        if (services.Count == 0 || (services.Count > 1 && subject.Services.Count == 0 && migrate is not null))
            throw Invalid($"The services to upgrade in compose project '{project.Name}' were not specified.", $"Name them with -Service, starting with the one that runs the migration: {string.Join(", ", project.Services)}.", project.Name);
        subject = subject with { Name = project.Name, Folder = folder, Files = subject.Files.Count > 0 ? subject.Files : ComposeReference.Parse(subject.Name).Files, Services = services, DatabaseService = server };
        if (server is not null)
            return subject with { Database = subject.Database ?? (await PostgreSqlServer.ResolveAsync(new PostgreSqlConnectionRequest { Server = subject.Server }, cancellationToken).ConfigureAwait(false)).Database };
        ContainerInspect container = await client.ContainerInspectAsync(project.Choose(services[0]).Id, cancellationToken).ConfigureAwait(false);
        return await CompleteFilesAsync(subject, container, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<UpgradeSubject.Application> CompleteContainerAsync(DockerClient client, UpgradeSubject.Container subject, string? migrate, CancellationToken cancellationToken)
    {
        ContainerInspect container = await client.ContainerInspectAsync(subject.Name, cancellationToken).ConfigureAwait(false);
        if (container.Label(ComposeLabels.Project) is { } project)
        {
            throw Invalid(
                $"Container '{container.ShortName}' belongs to compose project '{project}', whose next 'docker compose up' would recreate it from the project's files.", $"Upgrade the project: -ComposeProject {project} -Service {container.Label(ComposeLabels.Service)}.", container.ShortName);
        }

        if (container.Label(ComposeLabels.SwarmService) is { } swarm)
        {
            throw Invalid(
                $"Container '{container.ShortName}' is a task of Swarm service '{swarm}', which would replace it by another one.", $"Back it up (New-DbBackup -Container {swarm}), then upgrade the service: docker service update --image IMAGE {swarm}.", container.ShortName);
        }

        if (subject.Image is null && !subject.Pull && migrate is null)
            throw Invalid($"Nothing to upgrade was specified for container '{container.ShortName}'.", "Name the new image (-Image), pull the present one again (-Pull), or specify the migration command (-Migrate).", container.ShortName);
        return await CompleteFilesAsync(
            subject with { Name = container.ShortName, Image = subject.Image ?? container.Config.Image }, container, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<UpgradeSubject.Application> CompleteFilesAsync(UpgradeSubject.Application subject, ContainerInspect container, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> paths = subject.ContainerPaths.Count > 0
            ? [.. subject.ContainerPaths.Select(path => ContainerFiles.Normalize(path, isOfVolume: false)!)]
            : [.. (container.Mounts ?? []).Where(mount => mount is { Type: "volume", RW: true }).Select(mount => mount.Destination).Order(StringComparer.Ordinal)];
        if (paths.Count == 0)
        {
            throw Invalid(
                $"Container '{container.ShortName}' has no writable volume to back up.", "Name its data folder: -ContainerPath /app/data.", container.ShortName);
        }

        return subject with { ContainerPaths = paths, DatabaseFiles = subject.DatabaseFiles ?? await FindDatabasesAsync(subject, container, paths, cancellationToken).ConfigureAwait(false) };
    }

    private static async Task<IReadOnlyList<string>> FindDatabasesAsync(UpgradeSubject.Application subject, ContainerInspect container, IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        var search = new SourceSearchRequest
        {
            DockerHost = subject.DockerHost,
            Containers = [NameFilter.Exact(container.ShortName)],
            Kinds = [BackupSourceKind.Sqlite],
        };
        var found = new List<string>();
        await foreach (BackupSource source in SourceSearch.FindAsync(search, SilentObserver.Instance, cancellationToken).ConfigureAwait(false))
        {
            // The search may name the volume, or another container that mounts it.
            if (DockerLocation.IsOne(source.Location) && PathIn(container, DockerLocation.Parse(source.Location)) is { } path && paths.Any(each => ContainerPaths.IsWithin(path, each)))
                found.Add(path);
        }

        return [.. found.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    private static string? PathIn(ContainerInspect container, DockerLocation location) => location.Volume is { } volume
        ? (container.Mounts ?? []).FirstOrDefault(mount => mount.Name == volume) is { } mount ? mount.Destination.TrimEnd('/') + location.Path : null
        : location.Path;

    private static async Task<string?> FindServerAsync(DockerClient client, ComposeProject project, CancellationToken cancellationToken)
    {
        var servers = new List<string>();
        foreach (ContainerSummary container in project.Containers)
        {
            if (await FoundServer.FindAsync(client, container, cancellationToken).ConfigureAwait(false) is not null)
                servers.Add(container.Label(ComposeLabels.Service)!);
        }

        string[] different = [.. servers.Distinct(StringComparer.Ordinal)];
        return different.Length <= 1 ? different.FirstOrDefault() : throw Invalid(
            $"Compose project '{project.Name}' has more than one PostgreSQL service.", $"Choose one with -DatabaseService: {string.Join(", ", different)}.", project.Name);
    }

    private static BackupFailure Invalid(string message, string hint, string target) => new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint) { Target = target };
}
