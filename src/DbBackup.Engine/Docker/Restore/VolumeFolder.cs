using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Restores;

namespace DbBackup.Engine.Docker.Restore;

/// <summary>
/// Finds where the folder of a volume or container lies on this machine, so that single files are put in place there as in any other
/// folder: each by a rename, with nothing beside it touched and no container stopped.
/// </summary>
internal static class VolumeFolder
{
    /// <summary>The folder here into which a payload's files go.</summary>
    /// <exception cref="BackupException">There is no such container, volume or path, it is read-only, or it cannot be reached from here.</exception>
    public static async Task<string> FindAsync(RestoreRequest request, Payload payload, CancellationToken cancellationToken)
    {
        DockerLocation location = VolumeRestorePlanner.LocationOf(payload, request.Place, request.ContainerPath);
        using DockerClient client = await VolumeRestorePlanner.ConnectAsync(request, payload, cancellationToken).ConfigureAwait(false);
        if (location.Volume is { } name)
        {
            VolumeModel volume = await client.VolumeInspectAsync(name, cancellationToken).ConfigureAwait(false);
            // A volume of other storage is in its folder only while a container uses it.
            IReadOnlyList<ContainerUse> users = volume.Options is { Count: > 0 } ? await ContainerUsers.OfVolumeAsync(client, name, cancellationToken).ConfigureAwait(false) : [];
            bool isMounted = volume.Options is not { Count: > 0 } || users.Any(user => user.Container.State is "running" or "paused");
            return (isMounted ? await HostPath.OfVolumeAsync(client, volume, location.Path, cancellationToken).ConfigureAwait(false) : null) ?? throw OutOfReach(location);
        }

        (ContainerInspect container, location) = await VolumePlace.ContainerOfAsync(client, location, mayCreate: false, cancellationToken).ConfigureAwait(false);
        MountedPath place = await MountedPath.FindAsync(client, container, location, cancellationToken).ConfigureAwait(false);
        if (place.Mount is { RW: false })
            throw VolumePlace.ReadOnly(location);
        return await HostPath.OfAsync(client, place, cancellationToken).ConfigureAwait(false) ?? throw OutOfReach(location);
    }

    private static BackupFailure OutOfReach(DockerLocation location) => new(
        ErrorCodes.TargetInvalid,
        FailureCategory.NotSupported,
        $"Single files cannot be put in place in '{location}': its folder cannot be reached from here (it is in no volume or mount, on another machine, or this user may not read it). Nothing was changed.",
        "Run as root on the engine's machine, or restore them into a folder (-Destination) and copy them in (docker cp).")
    { Target = location.ToString() };
}
