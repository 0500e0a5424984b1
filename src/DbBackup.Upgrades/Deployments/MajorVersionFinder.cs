using System.Globalization;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Recognizes an upgrade of a PostgreSQL server to another major version, which cannot open the present data.</summary>
internal static class MajorVersionFinder
{
    /// <summary>Returns the upgrade's complete subject; null if it is of another kind.</summary>
    /// <param name="application">What the user named.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">It is such an upgrade, and cannot be done so.</exception>
    public static async Task<UpgradeSubject.MajorVersion?> FindAsync(UpgradeSubject.Application application, UpgradeRequest request, CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(application.DockerHost), cancellationToken).ConfigureAwait(false);
        return application switch
        {
            UpgradeSubject.ComposeProject { Services: [var service] } compose => await OfServiceAsync(client, compose, service, request, cancellationToken).ConfigureAwait(false),
            UpgradeSubject.ComposeProject { Image: { } image } => throw Invalid(
                $"-Image '{image}' is for the one service of a PostgreSQL server.", "Name that service alone: -Service db -Image postgres:18. The images of other services stand in the project's files.", image),
            UpgradeSubject.Container { Image: { } image } single => await OfContainerAsync(client, single, image, request, cancellationToken).ConfigureAwait(false),
            _ => null,
        };
    }

    private static async Task<UpgradeSubject.MajorVersion?> OfServiceAsync(DockerClient client, UpgradeSubject.ComposeProject subject, string service, UpgradeRequest request, CancellationToken cancellationToken)
    {
        ComposeProject project = await ComposeProject.FindAsync(client, subject.Name, cancellationToken).ConfigureAwait(false);
        ContainerInspect container = await client.ContainerInspectAsync(project.Choose(service).Id, cancellationToken).ConfigureAwait(false);
        string? image = subject.Image;
        if (image is null && ServerImage.MajorOf(container) is not null && subject is { GitRef: null, Build: false, Pull: false })
            image = await ImageOfFilesAsync(client, subject, project, service, request, cancellationToken).ConfigureAwait(false);
        if (image is null)
            return null;
        UpgradeSubject.MajorVersion? found = await OfAsync(client, container, image, subject, request, cancellationToken).ConfigureAwait(false);
        if (found is null)
        {
            return subject.Image is null ? null : throw Invalid(
                $"Image '{image}' is no other major version of the PostgreSQL server in service '{service}'.", $"Name the image in the project's file, and upgrade without -Image: Invoke-DbUpgrade -ComposeProject {project.Name} -Service {service}.", image);
        }

        if (subject is not { GitRef: null, Build: false })
            throw Invalid($"-GitRef and -Build do not go with the upgrade of the server in service '{service}' to PostgreSQL {found.To}.", "Upgrade the server by itself, and the application before or after it.", service);
        if (project.Containers.Count(each => each.Label(ComposeLabels.Service) == service) > 1)
            throw Invalid($"Service '{service}' of compose project '{project.Name}' has more than one container.", "Scale it to one container first (docker compose up --scale).", service);
        UpgradeSubject.MovedVolume[] volumes = [.. found.Volumes];
        for (int index = 0; index < volumes.Length; index++)
            volumes[index] = await InProjectAsync(client, volumes[index], project.Name, found, volumes[..index], cancellationToken).ConfigureAwait(false);
        return found with
        {
            Project = project.Name,
            Service = service,
            DockerHost = subject.DockerHost,
            Database = subject.Database,
            Folder = FolderOf(subject, project),
            Files = [.. FilesOf(subject).Select(file => Path.GetFullPath(file, FolderOf(subject, project) ?? Environment.CurrentDirectory))],
            Old = volumes[0].Old,
            New = volumes[0].New,
            Tablespaces = volumes[1..],
        };
    }

    // A volume that the project's files declare has its successor there too.
    private static async Task<UpgradeSubject.MovedVolume> InProjectAsync(
        DockerClient client, UpgradeSubject.MovedVolume volume, string project, UpgradeSubject.MajorVersion found, UpgradeSubject.MovedVolume[] others, CancellationToken cancellationToken)
    {
        VolumeModel old = await client.VolumeInspectAsync(volume.Old.Name, cancellationToken).ConfigureAwait(false);
        string? key = old.Labels?.GetValueOrDefault(ComposeLabels.Project) == project ? old.Labels.GetValueOrDefault(ComposeLabels.Volume) : null;
        return key is null ? volume : new UpgradeSubject.MovedVolume(
            volume.Old with { Key = key },
            await FreeAsync(client, volume.New, $"{project}_{{0}}", KeyFor(key, found.From, found.To), isKey: true, others, cancellationToken).ConfigureAwait(false));
    }

    private static async Task<UpgradeSubject.MajorVersion?> OfContainerAsync(DockerClient client, UpgradeSubject.Container subject, string image, UpgradeRequest request, CancellationToken cancellationToken)
    {
        ContainerInspect container = await client.ContainerInspectAsync(subject.Name, cancellationToken).ConfigureAwait(false);
        // Of those the usual way tells what to name instead.
        if (container.Label(ComposeLabels.Project) is not null || container.Label(ComposeLabels.SwarmService) is not null)
            return null;
        UpgradeSubject.MajorVersion? found = await OfAsync(client, container, image, subject, request, cancellationToken).ConfigureAwait(false);
        return found is null ? null : found with { DockerHost = subject.DockerHost };
    }

    private static async Task<UpgradeSubject.MajorVersion?> OfAsync(
        DockerClient client, ContainerInspect container, string reference, UpgradeSubject.Application application, UpgradeRequest request, CancellationToken cancellationToken)
    {
        if (ServerImage.MajorOf(container) is not { } from)
            return null;
        ImageInspect image = await client.ImageFindAsync(reference, cancellationToken).ConfigureAwait(false) ?? throw new BackupFailure(
            ErrorCodes.ImageNotFound, FailureCategory.NotFound, $"Image '{reference}' is not on this Docker Engine, so its PostgreSQL version is unknown. Nothing was changed.", $"Pull it first: docker pull {reference}.")
        { Target = reference };
        if (ServerImage.MajorOf(image) is not { } to || to == from)
            return null;
        if (to < from)
            throw Invalid($"Image '{reference}' is PostgreSQL {to}, and container '{container.ShortName}' runs PostgreSQL {from}: an older version cannot load the dumps of a newer one.", "Choose an image of a newer version.", reference);
        if (request.Migrate is not null)
            throw Invalid($"-Migrate was given, and the upgrade from PostgreSQL {from} to {to} runs no migration.", "Upgrade the server without -Migrate; upgrade the application before or after it.", reference);
        if (application.Pull || application.ContainerPaths.Count > 0)
            throw Invalid($"-Pull and -ContainerPath do not go with the upgrade from PostgreSQL {from} to {to}.", $"Pull the image first (docker pull {reference}); files of the server's container stay as they are.", reference);
        MountPoint mount = RequireVolume(container);
        string path = ServerImage.MountFor(container, await client.ImageFindAsync(container.Image, cancellationToken).ConfigureAwait(false), image, mount.Destination);
        var volumes = new List<UpgradeSubject.MovedVolume>();
        foreach ((MountPoint each, string place) in (IEnumerable<(MountPoint, string)>)[(mount, path), .. await TablespaceVolumes.FindAsync(container, mount, path, application.DockerHost, cancellationToken).ConfigureAwait(false)])
        {
            volumes.Add(new UpgradeSubject.MovedVolume(
                new UpgradeSubject.ServerVolume(each.Name!, each.Destination),
                await FreeAsync(client, new UpgradeSubject.ServerVolume(each.Name!, place), "{0}", KeyFor(each.Name!, from, to), isKey: false, volumes, cancellationToken).ConfigureAwait(false)));
        }

        return new UpgradeSubject.MajorVersion(container.ShortName, reference) { From = from, To = to, Old = volumes[0].Old, New = volumes[0].New, Tablespaces = volumes[1..] };
    }

    private static MountPoint RequireVolume(ContainerInspect container)
    {
        string data = ServerImage.DataFolderOf(container);
        MountPoint? mount = (container.Mounts ?? []).Where(each => ContainerPaths.IsWithin(data, each.Destination)).MaxBy(each => each.Destination.Length);
        string? why = mount switch
        {
            null => $"its data folder '{data}' is in no volume",
            { Type: not "volume" } => $"its data folder '{data}' is in a folder of the host ('{mount.Source}'), and not in a volume",
            _ when DockerDeployment.IsAnonymous(mount.Name) => $"its data folder '{data}' is in a volume without a name",
            _ when (container.Mounts ?? []).FirstOrDefault(each => each != mount && ContainerPaths.IsWithin(each.Destination, data)) is { } inner => $"a part of its data is in another mount ('{inner.Destination}')",
            _ => null,
        };
        return why is null ? mount! : throw Unfit(container, why, "Back the server up (New-DbBackup -AllDatabases), start a server of the new version with an empty volume of its own, and restore into it (Restore-DbBackup).");
    }

    /// <summary>The failure for a server whose data cannot be moved to new volumes.</summary>
    /// <param name="container">Its container.</param>
    /// <param name="why">The reason, as the rest of a sentence.</param>
    /// <param name="hint">What to do.</param>
    internal static BackupFailure Unfit(ContainerInspect container, string why, string hint) => new(
        ErrorCodes.TargetInvalid, FailureCategory.NotSupported, $"Container '{container.ShortName}' cannot get another major version of PostgreSQL this way: {why}. Nothing was changed.", hint)
    { Target = container.ShortName };

    private static async Task<string?> ImageOfFilesAsync(DockerClient client, UpgradeSubject.ComposeProject subject, ComposeProject project, string service, UpgradeRequest request, CancellationToken cancellationToken)
    {
        // Without the files, the usual way tells what is missing.
        if (FolderOf(subject, project) is not { } folder)
            return null;
        ComposeCommand compose = await ComposeCommand.FindAsync(folder, FilesOf(subject), project, client.Endpoint, cancellationToken).ConfigureAwait(false);
        var command = UpgradeCommand.Of(compose.Program, [.. compose.Arguments, .. compose.AllProfiles, .. compose.ConfigArguments], folder, new Dictionary<string, string?>(compose.Environment));
        string text = await command.RunAsync(request.Timeout, null, SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        string? named = ComposeConfig.Parse(text, project.Name).Services.GetValueOrDefault(service)?.Image;
        // An image that is not here yet is pulled by the usual way, which refuses another major version.
        return named is not null && await client.ImageFindAsync(named, cancellationToken).ConfigureAwait(false) is not null ? named : null;
    }

    private static string? FolderOf(UpgradeSubject.ComposeProject subject, ComposeProject project)
    {
        string? folder = subject.Folder ?? (project.WorkingFolder is { } working && Directory.Exists(working) ? working : ComposeProject.FolderOf(subject.Name));
        return Directory.Exists(folder) ? folder : null;
    }

    private static IReadOnlyList<string> FilesOf(UpgradeSubject.ComposeProject subject) => subject.Files.Count > 0 ? subject.Files : ComposeReference.Parse(subject.Name).Files;

    // data becomes data-17, and data-17 becomes data-18.
    internal static string KeyFor(string volume, int from, int to)
    {
        string end = string.Create(CultureInfo.InvariantCulture, $"-{from}");
        return string.Create(CultureInfo.InvariantCulture, $"{(volume.EndsWith(end, StringComparison.Ordinal) ? volume[..^end.Length] : volume)}-{to}");
    }

    // A volume of an earlier upgrade that was rolled back may have the name: it holds what users wrote then.
    private static async Task<UpgradeSubject.ServerVolume> FreeAsync(
        DockerClient client, UpgradeSubject.ServerVolume volume, string form, string key, bool isKey, IEnumerable<UpgradeSubject.MovedVolume> others, CancellationToken cancellationToken)
    {
        var taken = (await client.VolumeListAsync(cancellationToken).ConfigureAwait(false)).Select(each => each.Name).Concat(others.Select(each => each.New.Name)).ToHashSet(StringComparer.Ordinal);
        for (int number = 1; ; number++)
        {
            string candidate = number == 1 ? key : string.Create(CultureInfo.InvariantCulture, $"{key}-{number}");
            string name = form.Replace("{0}", candidate, StringComparison.Ordinal);
            if (!taken.Contains(name))
                return volume with { Name = name, Key = isKey ? candidate : null };
        }
    }

    private static BackupFailure Invalid(string message, string hint, string target) => new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message + " Nothing was changed.", hint) { Target = target };
}
