using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>A folder or file of a container or volume to which something is restored.</summary>
/// <param name="Location">Where it is, as manifests have it.</param>
/// <param name="Bind">The volume's name, or the folder on the engine's machine, in which it lies.</param>
/// <param name="Path">Its path in that, with a slash before it; empty for all of it.</param>
/// <param name="Image">The image of a container that uses it; null where there is none.</param>
/// <param name="Users">The containers that use it, running or not.</param>
/// <param name="Exists">True if something is there.</param>
/// <param name="Files">What is restored as a folder, or as a file that is no database; null where only a database is.</param>
/// <param name="Databases">SQLite databases, each with its path in the folder; empty for the place itself.</param>
internal sealed record VolumePlace(
    DockerLocation Location,
    string Bind,
    string Path,
    string? Image,
    IReadOnlyList<ContainerSummary> Users,
    bool Exists,
    Payload? Files,
    IReadOnlyList<(Payload Payload, string Relative)> Databases)
{
    /// <summary>Finds the place of a location.</summary>
    /// <exception cref="BackupException">There is no such container or volume, or the path would not outlive the container.</exception>
    public static async Task<VolumePlace> FindAsync(
        DockerClient client, DockerLocation location, bool mayCreate, Payload? files, IReadOnlyList<(Payload Payload, string Relative)> databases, CancellationToken cancellationToken)
    {
        if (location.Volume is { } volume)
        {
            if (mayCreate && CameFrom(volume, files ?? databases[0].Payload) && !await ExistsAsync(client, volume, cancellationToken).ConfigureAwait(false))
                return new VolumePlace(location, volume, location.Path ?? string.Empty, null, [], Exists: false, files, databases);
            IReadOnlyList<ContainerUse> users = await ContainerUsers.OfVolumeAsync(client, volume, cancellationToken).ConfigureAwait(false);
            return new VolumePlace(
                location, volume, location.Path ?? string.Empty, users.Count == 0 ? null : users[0].Container.ImageID, [.. users.Select(user => user.Container)], Exists: true, files, databases);
        }

        (ContainerInspect container, location) = await ContainerOfAsync(client, location, mayCreate, cancellationToken).ConfigureAwait(false);
        MountPoint? mount = (container.Mounts ?? []).Where(each => each.Type is "volume" or "bind" && ContainerPaths.IsWithin(location.Path!, each.Destination)).MaxBy(each => each.Destination.Length);
        if (mount is null)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.NotSupported,
                $"'{location.Path}' of the {location.Subject} is in no volume and no mount: it would be gone with the container. Nothing was changed.",
                "Restore it into a folder (-Destination) and copy it in (docker cp), or give the application a volume there.")
            { Target = location.ToString() };
        }

        if (files is null && location.Path == mount.Destination)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.NotSupported,
                $"'{location.Path}' is mounted in the {location.Subject} as a single file, which cannot be replaced while the container is there. Nothing was changed.",
                "Stop the container and restore it to the mounted file on its machine (-Destination), or mount the folder it is in.")
            { Target = location.ToString() };
        }

        if (!mount.RW)
            throw ReadOnly(location);
        if ((container.Mounts ?? []).FirstOrDefault(each => each.Destination != location.Path && each != mount && ContainerPaths.IsWithin(each.Destination, location.Path!)) is { } within)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.NotSupported, $"'{within.Destination}' is another mount within '{location.Path}', so the folder cannot be replaced as a whole. Nothing was changed.",
                "Restore the two separately.")
            { Target = location.ToString() };
        }

        IReadOnlyList<ContainerUse> sharing = await ContainerUsers.OfPathAsync(client, container.Id, location.Path!, cancellationToken).ConfigureAwait(false);
        bool exists = await client.ContainerArchiveInfoAsync(container.Id, location.Path!, cancellationToken).ConfigureAwait(false) is not null;
        return new VolumePlace(
            location, mount.Type == "volume" ? mount.Name! : mount.Source!, location.Path![mount.Destination.TrimEnd('/').Length..], container.Image, [.. sharing.Select(user => user.Container)], exists, files, databases);
    }

    /// <summary>Finds the container of a location, and the location with its project's name.</summary>
    /// <exception cref="BackupException">There is no such container.</exception>
    public static async Task<(ContainerInspect Container, DockerLocation Location)> ContainerOfAsync(DockerClient client, DockerLocation location, bool mayCreate, CancellationToken cancellationToken)
    {
        if (location.Container is { } name)
            return (await DockerSubject.InspectAsync(client, name, cancellationToken).ConfigureAwait(false), location);
        ComposeProject project = await DockerSubject.FindProjectAsync(client, location.Project!, mayCreate, cancellationToken).ConfigureAwait(false);
        // The folder that a person named is not the project's name.
        return (await client.ContainerInspectAsync(project.Choose(location.Service).Id, cancellationToken).ConfigureAwait(false), location with { Project = project.Name });
    }

    /// <summary>What is thrown for a path that its container may only read.</summary>
    public static BackupFailure ReadOnly(DockerLocation location) => new(
        ErrorCodes.TargetInvalid, FailureCategory.PermissionDenied, $"'{location.Path}' is mounted read-only in the {location.Subject}. Nothing was changed.",
        "Restore it through the container that writes it, or into the volume (-Volume).")
    { Target = location.ToString() };

    // The engine makes a volume that is lost when the first container mounts it; one that was only mistyped is an error.
    private static bool CameFrom(string volume, Payload payload) => DockerLocation.IsOne(payload.OriginalPath) && DockerLocation.Parse(payload.OriginalPath!).Volume == volume;

    private static async Task<bool> ExistsAsync(DockerClient client, string volume, CancellationToken cancellationToken) =>
        (await client.VolumeListAsync(cancellationToken).ConfigureAwait(false)).Any(each => each.Name == volume);
}
