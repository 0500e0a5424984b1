using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Docker.Files;

/// <summary>A container that uses files.</summary>
/// <param name="Container">The container.</param>
/// <param name="CanWrite">True if it can change them.</param>
internal sealed record ContainerUse(ContainerSummary Container, bool CanWrite)
{
    /// <summary>True if it must be paused for a snapshot: it runs and can change them.</summary>
    public bool Disturbs => CanWrite && Container.State is "running" or "restarting";
}

/// <summary>Finds the containers that use a volume, or the same files as another container.</summary>
internal static class ContainerUsers
{
    /// <summary>The containers that have a volume mounted, running or not.</summary>
    public static async Task<IReadOnlyList<ContainerUse>> OfVolumeAsync(DockerClient client, string volume, CancellationToken cancellationToken)
    {
        VolumeModel found = await client.VolumeInspectAsync(volume, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(all: true, filters: null, cancellationToken).ConfigureAwait(false);
        return Select(all, mount => Shares(mount, "volume", found.Name, found.Mountpoint));
    }

    /// <summary>
    /// The containers that see what lies at a path of a container: itself, and those that have the same volume or folder mounted,
    /// or a folder above it or below it. A mount of the whole root folder does not count: that container monitors the host.
    /// </summary>
    public static async Task<IReadOnlyList<ContainerUse>> OfPathAsync(DockerClient client, string container, string path, CancellationToken cancellationToken)
    {
        ContainerInspect owner = await client.ContainerInspectAsync(container, cancellationToken).ConfigureAwait(false);
        MountPoint[] mounts = MountsAt(owner.Mounts ?? [], path);
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(all: true, filters: null, cancellationToken).ConfigureAwait(false);
        ContainerUse[] sharing = [.. Select(all, mount => mounts.Any(own => Shares(mount, own.Type, own.Name, own.Source)))];
        // What is in its own layer is changed by itself alone, and a mount can be read-only for it.
        bool ownWrites = mounts.Length == 0 || mounts.Any(mount => mount.RW) || !ContainerPaths.IsWithin(path, mounts[0].Destination);
        return [.. all.Where(each => each.Id == owner.Id).Select(each => new ContainerUse(each, ownWrites)), .. sharing.Where(use => use.Container.Id != owner.Id)];
    }

    /// <summary>The mounts that a path of a container is made of: the one that it lies in, and those below it.</summary>
    internal static MountPoint[] MountsAt(IReadOnlyList<MountPoint> mounts, string path)
    {
        MountPoint? around = mounts.Where(mount => ContainerPaths.IsWithin(path, mount.Destination)).MaxBy(mount => mount.Destination.Length);
        return [.. around is null ? [] : new[] { around }, .. mounts.Where(mount => mount != around && ContainerPaths.IsWithin(mount.Destination, path))];
    }

    private static ContainerUse[] Select(IEnumerable<ContainerSummary> all, Func<MountPoint, bool> chosen) =>
    [
        .. from container in all
           let mounts = (container.Mounts ?? []).Where(chosen).ToArray()
           where mounts.Length > 0
           select new ContainerUse(container, mounts.Any(mount => mount.RW)),
    ];

    private static bool Shares(MountPoint mount, string type, string? name, string? source)
    {
        if (type == "volume" && mount.Type == "volume")
            return name is not null && mount.Name == name;
        // A bind of a volume's own folder shows its files too; one of the folder of all volumes is a tool that manages them.
        if (mount.Type == "tmpfs" || string.IsNullOrEmpty(mount.Source) || string.IsNullOrEmpty(source))
            return false;
        if (type == "volume" || mount.Type == "volume")
            return ContainerPaths.IsWithin(mount.Source, source) && ContainerPaths.IsWithin(source, mount.Source);
        return mount.Source != "/" && source != "/" && (ContainerPaths.IsWithin(mount.Source, source) || ContainerPaths.IsWithin(source, mount.Source));
    }
}
