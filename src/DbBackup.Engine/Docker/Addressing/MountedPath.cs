using DbBackup.Engine.Docker.Api;
using PathStat = Docker.DotNet.Models.ContainerPathStatResponse;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>A path of a container, and the mount in which it is.</summary>
/// <param name="Container">The container.</param>
/// <param name="Path">The path with all links resolved, as the container sees them.</param>
/// <param name="Stat">What the engine says of it.</param>
/// <param name="Mount">The mount; null where it is in the container's own file system.</param>
/// <param name="HasMountsWithin">True if other mounts lie in it.</param>
internal sealed record MountedPath(string Container, string Path, PathStat Stat, MountPoint? Mount, bool HasMountsWithin)
{
    /// <summary>True if it is a folder.</summary>
    public bool IsFolder => Stat.IsDirectory;

    /// <summary>The path on the engine's machine; null where it is in no mount.</summary>
    public string? Source => Mount?.Source is { Length: > 0 } source ? source.TrimEnd('/') + Relative : null;

    /// <summary>The path in the mount, with a slash before it; empty for the mount itself.</summary>
    public string Relative => Mount is null ? string.Empty : Path[Mount.Destination.TrimEnd('/').Length..];

    /// <summary>Finds a location's path in a container.</summary>
    /// <exception cref="BackupException">There is nothing, or nothing that outlives the container.</exception>
    public static async Task<MountedPath> FindAsync(DockerClient client, ContainerInspect container, DockerLocation location, CancellationToken cancellationToken)
    {
        RequireOnDisk(container, location, location.Path!);
        string resolved = string.Empty;
        PathStat? stat = null;
        foreach (string part in location.Path!.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            string next = $"{resolved.TrimEnd('/')}/{part}";
            stat = await client.ContainerArchiveInfoAsync(container.Id, next, cancellationToken).ConfigureAwait(false) ?? throw NoPath(location, location.Path);
            // The engine has followed all links of the target already.
            if (stat.IsSymbolicLink)
            {
                next = stat.LinkTarget;
                stat = await client.ContainerArchiveInfoAsync(container.Id, next, cancellationToken).ConfigureAwait(false) ?? throw NoPath(location, location.Path);
            }

            resolved = next;
        }

        RequireOnDisk(container, location, resolved);
        IReadOnlyList<MountPoint> mounts = container.Mounts ?? [];
        return new MountedPath(
            container.Id,
            resolved,
            stat!,
            mounts.Where(mount => ContainerPaths.IsWithin(resolved, mount.Destination)).MaxBy(mount => mount.Destination.Length),
            mounts.Any(mount => mount.Destination != resolved && mount.Type != "tmpfs" && ContainerPaths.IsWithin(mount.Destination, resolved)));
    }

    /// <summary>What is thrown for a path that a container or volume does not have.</summary>
    public static BackupFailure NoPath(DockerLocation location, string path) => new(
        ErrorCodes.SourceNotFound,
        FailureCategory.NotFound,
        $"There is no '{path}' in the {location.Subject}.",
        "Check the path; nothing was created. 'docker exec CONTAINER ls' shows what a running container has, 'docker diff' what it changed.")
    { Target = location.ToString() };

    // The engine does not see what is in memory, and gives an empty folder instead.
    private static void RequireOnDisk(ContainerInspect container, DockerLocation location, string path)
    {
        IEnumerable<string> inMemory = (container.Mounts ?? []).Where(mount => mount.Type == "tmpfs").Select(mount => mount.Destination).Concat(container.HostConfig.Tmpfs?.Keys ?? []);
        if (!inMemory.Any(folder => ContainerPaths.IsWithin(path, folder)))
            return;
        throw new BackupFailure(
            ErrorCodes.SourceUnreadable,
            FailureCategory.NotSupported,
            $"'{path}' of the {location.Subject} is in memory alone (a tmpfs), and is gone when the container stops.",
            "Name a path that is kept: in a volume, a bind mount, or the container's own file system.")
        { Target = location.ToString() };
    }

    /// <summary>True if a container shows all of a volume: nothing else is mounted within it.</summary>
    public static bool ShowsWhole(ContainerSummary container, string volume) =>
        (container.Mounts ?? []).FirstOrDefault(mount => mount.Name == volume) is { } own
        && !(container.Mounts ?? []).Any(mount => mount != own && ContainerPaths.IsWithin(mount.Destination, own.Destination));
}
