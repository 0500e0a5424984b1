using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Upgrades.Deployments;

/// <summary>
/// The traps of another image for a PostgreSQL server: another major version, which cannot open the data, and another place for the data
/// (the official image moved it to <c>/var/lib/postgresql/MAJOR/docker</c> with version 18: https://hub.docker.com/_/postgres, "PGDATA").
/// </summary>
internal static class ServerImage
{
    private const string DataVariable = "PGDATA";
    private const string MajorVariable = "PG_MAJOR";

    /// <summary>Fails where the server would not find its data, or could not open them.</summary>
    /// <param name="server">The server's container.</param>
    /// <param name="image">The other image.</param>
    /// <param name="reference">Its name.</param>
    /// <param name="force">Whether that is no obstacle.</param>
    /// <exception cref="BackupFailure">With what to do.</exception>
    public static void RequireCompatible(ContainerInspect server, ImageInspect image, string reference, bool force)
    {
        if (!force && FindTrap(server, image) is { } trap)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.NotSupported,
                $"The image '{reference}' does not fit the data of the server '{server.ShortName}': {trap}.",
                "Keep the server's image in this upgrade. To move to another major version: New-DbBackup, then Restore-DbBackup into a server of the new version with an empty volume. -Force goes on all the same.")
            { Target = reference };
        }
    }

    /// <summary>What is wrong with it; null where nothing is, or it cannot be told.</summary>
    internal static string? FindTrap(ContainerInspect server, ImageInspect image)
    {
        string? VariableOf(string name) => image.Config?.Env?.LastOrDefault(entry => entry.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];
        if (server.Variable(MajorVariable) is { } now && VariableOf(MajorVariable) is { } then && now != then)
            return $"it is PostgreSQL {then}, which does not open the data of {now}";
        string? present = server.Variable(DataVariable);
        string? next = VariableOf(DataVariable);
        if (present is null || next is null || present == next)
            return null;
        MountPoint[] mounts = [.. (server.Mounts ?? []).Where(mount => mount.Type is "volume" or "bind")];
        return mounts.Any(mount => ContainerPaths.IsWithin(next, mount.Destination))
            ? $"it looks for its data in '{next}', and they are in '{present}'"
            : $"it keeps its data in '{next}', which is in none of the mounts ({string.Join(", ", mounts.Select(mount => mount.Destination))}); they are in '{present}'";
    }
}
