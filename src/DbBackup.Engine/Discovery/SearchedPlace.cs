using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Discovery;

/// <summary>A volume, or a path of the engine's machine that containers have mounted.</summary>
/// <param name="Source">Its path on the engine's machine.</param>
/// <param name="Volume">The volume; null for a bind mount.</param>
/// <param name="Users">The containers that mount it, the one by which it is best named first.</param>
internal sealed record SearchedPlace(string Source, VolumeModel? Volume, IReadOnlyList<PlaceUser> Users)
{
    // Folders of the system, or of everything: no application's own.
    private static readonly string[] s_system = ["/", "/run", "/var/run", "/lib/modules", "/etc", "/usr"];
    private static readonly string[] s_systemTrees = ["/proc", "/sys", "/dev", "/var/lib/docker"];

    /// <summary>True if it is the system's, and not an application's.</summary>
    public bool IsOfSystem => Volume is null && (s_system.Contains(Source)
        || s_systemTrees.Any(tree => ContainerPaths.IsWithin(Source, tree) || Users.Any(user => ContainerPaths.IsWithin(user.Mount.Destination, tree)))
        || Source.EndsWith("/docker.sock", StringComparison.Ordinal) || Source is "/etc/localtime" or "/etc/timezone");

    /// <summary>The names of the containers.</summary>
    public IReadOnlyList<string> UsedBy => [.. Users.Select(user => user.Container.Name).Distinct(StringComparer.Ordinal)];

    /// <summary>Gathers what the containers mount, and the volumes that none does.</summary>
    /// <param name="containers">All containers, those first by which places are best named.</param>
    /// <param name="volumes">All volumes.</param>
    public static IReadOnlyList<SearchedPlace> Gather(IEnumerable<ContainerSummary> containers, IReadOnlyList<VolumeModel> volumes)
    {
        var byName = volumes.ToDictionary(volume => volume.Name, StringComparer.Ordinal);
        PlaceUser[] users = [.. containers.SelectMany(container => (container.Mounts ?? []).Select(mount => new PlaceUser(container, mount)))];
        IEnumerable<SearchedPlace> mounted = users.Where(user => user.Mount.Type == "volume" && user.Mount.Name is not null && byName.ContainsKey(user.Mount.Name))
            .GroupBy(user => user.Mount.Name!, StringComparer.Ordinal)
            .Select(group => new SearchedPlace(byName[group.Key].Mountpoint, byName[group.Key], [.. group]));
        IEnumerable<SearchedPlace> bound = users.Where(user => user.Mount.Type == "bind" && user.Mount.Source is { Length: > 0 })
            .GroupBy(user => user.Mount.Source!, StringComparer.Ordinal)
            .Select(group => new SearchedPlace(group.Key, null, [.. group]));
        var used = users.Select(user => user.Mount.Name).OfType<string>().ToHashSet(StringComparer.Ordinal);
        IEnumerable<SearchedPlace> alone = volumes.Where(volume => !used.Contains(volume.Name) && !IsAnonymous(volume.Name))
            .Select(volume => new SearchedPlace(volume.Mountpoint, volume, []));
        return [.. mounted.Concat(alone).OrderBy(place => place.Volume!.Name, StringComparer.Ordinal), .. bound.OrderBy(place => place.Source, StringComparer.Ordinal)];
    }

    /// <summary>True if the engine gave a volume its name: 64 hexadecimal digits.</summary>
    public static bool IsAnonymous(string name) => name.Length == 64 && name.All(char.IsAsciiHexDigitLower);

    /// <summary>
    /// The path here; null where it is not to be had. It counts only where the containers run on this kernel, and the engine sees the same
    /// date there: in a container with the engine's socket, the same path may be another folder.
    /// </summary>
    public async Task<string?> FindHereAsync(DockerClient client, CancellationToken cancellationToken)
    {
        if ((Volume is not null && Volume.Driver != "local") || !await client.IsSameKernelAsync(cancellationToken).ConfigureAwait(false) || !Path.Exists(Source))
            return null;
        if (Users.Count == 0)
            return Source;
        string real = UnixFile.RealPath(Source);
        // Twice, because the application may be changing the folder between the two looks.
        for (int look = 0; look < 2; look++)
        {
            if (await client.ContainerArchiveInfoAsync(Users[0].Container.Id, Users[0].Mount.Destination, cancellationToken).ConfigureAwait(false) is { } stat
                && UnixFile.TryStat(real, out UnixFileFacts facts) && facts.ModifiedUtc == stat.Mtime.ToUniversalTime())
            {
                return Source;
            }
        }

        return null;
    }
}

/// <summary>A container, and where it has a place mounted.</summary>
internal sealed record PlaceUser(ContainerSummary Container, MountPoint Mount)
{
    /// <summary>True if the container sees something else at a path of the mount, because another mount lies over it.</summary>
    public bool IsCovered(string relative)
    {
        string path = Mount.Destination.TrimEnd('/') + relative;
        return (Container.Mounts ?? []).Any(other => other.Destination != Mount.Destination
            && ContainerPaths.IsWithin(other.Destination, Mount.Destination) && ContainerPaths.IsWithin(path, other.Destination));
    }
}
