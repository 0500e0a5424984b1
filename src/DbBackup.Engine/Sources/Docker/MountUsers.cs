using DbBackup.Engine.Platform.Docker;

namespace DbBackup.Engine.Sources.Docker;

/// <summary>Which containers can write the files of a path.</summary>
internal static class MountUsers
{
    /// <summary>The containers, running or not, that have the path in a mount that they may write.</summary>
    /// <param name="client">The engine.</param>
    /// <param name="container">The container in which the path was named, which counts in any case; null for a volume.</param>
    /// <param name="source">The path on the engine's machine; null where it is the container's own.</param>
    /// <param name="mount">The mount in which it is; null where it is the container's own.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    public static async Task<IReadOnlyList<ContainerSummary>> OfAsync(
        DockerClient client, string? container, string? source, MountPoint? mount, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> all = await client.ContainerListAsync(all: true, null, cancellationToken).ConfigureAwait(false);
        return [.. all.Where(each => each.Id == container || (mount is not null && (each.Mounts ?? []).Any(other => other.RW && IsShared(other, source, mount))))];
    }

    /// <summary>Whether a container shows all of a volume: nothing else is mounted within it.</summary>
    public static bool ShowsWhole(ContainerSummary container, string volume) =>
        (container.Mounts ?? []).FirstOrDefault(mount => mount.Name == volume) is { } own
        && !(container.Mounts ?? []).Any(mount => mount != own && IsWithin(mount.Destination, own.Destination));

    /// <summary>Whether a path is another one, or in it.</summary>
    public static bool IsWithin(string path, string folder) =>
        path == folder || path.StartsWith(folder.EndsWith('/') ? folder : folder + "/", StringComparison.Ordinal);

    private static bool IsShared(MountPoint other, string? source, MountPoint mount) =>
        (mount.Name is not null && other.Name == mount.Name && other.Type == mount.Type)
        || (other.Source is { Length: > 0 } theirs && source is { Length: > 0 } && (IsWithin(source, theirs) || IsWithin(theirs, source)));
}
