using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Upgrades.Deployments;

/// <summary>
/// Detects an incompatible image for a PostgreSQL server: another major version, which cannot open the data, or another data directory
/// (the official image moved it to <c>/var/lib/postgresql/MAJOR/docker</c> with version 18: https://hub.docker.com/_/postgres, "PGDATA").
/// </summary>
internal static class ServerImage
{
    private const string DataVariable = "PGDATA";
    private const string MajorVariable = "PG_MAJOR";

    /// <summary>Fails if the server would not find its data or could not open them.</summary>
    /// <param name="server">The server's container.</param>
    /// <param name="image">The new image.</param>
    /// <param name="reference">The image's name.</param>
    /// <param name="force">True to accept an incompatible image.</param>
    /// <exception cref="BackupFailure">The image is incompatible.</exception>
    public static void RequireCompatible(ContainerInspect server, ImageInspect image, string reference, bool force)
    {
        if (!force && FindTrap(server, image) is { } trap)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.NotSupported,
                $"Image '{reference}' is incompatible with the data of server '{server.ShortName}': {trap}.",
                "Keep the server's image in this upgrade. To change the major version: New-DbBackup, then Restore-DbBackup into a server of the new version with an empty volume. -Force skips this check.")
            { Target = reference };
        }
    }

    /// <summary>Returns why the image is incompatible; null if it is compatible or that is unknown.</summary>
    internal static string? FindTrap(ContainerInspect server, ImageInspect image)
    {
        string? VariableOf(string name) => image.Config?.Env?.LastOrDefault(entry => entry.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];
        if (server.Variable(MajorVariable) is { } now && VariableOf(MajorVariable) is { } then && now != then)
            return $"it is PostgreSQL {then}, which cannot open the data of PostgreSQL {now}";
        string? present = server.Variable(DataVariable);
        string? next = VariableOf(DataVariable);
        if (present is null || next is null || present == next)
            return null;
        MountPoint[] mounts = [.. (server.Mounts ?? []).Where(mount => mount.Type is "volume" or "bind")];
        return mounts.Any(mount => ContainerPaths.IsWithin(next, mount.Destination))
            ? $"its data directory is '{next}', and the data are in '{present}'"
            : $"its data directory '{next}' is not in a mount ({string.Join(", ", mounts.Select(mount => mount.Destination))}); the data are in '{present}'";
    }
}
