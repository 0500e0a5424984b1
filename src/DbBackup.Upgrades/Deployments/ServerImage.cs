using System.Globalization;
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
                "Keep the server's image in this upgrade. To change the major version, upgrade the server alone: Invoke-DbUpgrade -ComposeProject … -Service … -Image …, or -Container … -Image …. -Force skips this check.")
            { Target = reference };
        }
    }

    /// <summary>Returns the major version of a container's PostgreSQL server, as its image says; null if it says none.</summary>
    public static int? MajorOf(ContainerInspect server) => Parse(server.Variable(MajorVariable));

    /// <summary>Returns the major version of an image's PostgreSQL server; null if it says none.</summary>
    public static int? MajorOf(ImageInspect image) => Parse(VariableOf(image, MajorVariable));

    /// <summary>Returns a server's data folder.</summary>
    public static string DataFolderOf(ContainerInspect server) => server.Variable(DataVariable) ?? "/var/lib/postgresql/data";

    /// <summary>Returns where the volume of a new server is mounted.</summary>
    /// <param name="server">The present container.</param>
    /// <param name="oldImage">Its image; null if that is gone.</param>
    /// <param name="image">The new image.</param>
    /// <param name="present">Where the present volume is mounted.</param>
    public static string MountFor(ContainerInspect server, ImageInspect? oldImage, ImageInspect image, string present)
    {
        // A data folder that the user chose for the container stays; one of the old image does not.
        string? chosen = oldImage is not null && server.Variable(DataVariable) is { } own && own != VariableOf(oldImage, DataVariable) ? own : null;
        string data = chosen ?? VariableOf(image, DataVariable) ?? DataFolderOf(server);
        if (ContainerPaths.IsWithin(data, present))
            return present;
        return (image.Config?.Volumes?.Keys ?? []).Where(path => ContainerPaths.IsWithin(data, path)).MaxBy(path => path.Length) ?? data;
    }

    /// <summary>Returns why the image is incompatible; null if it is compatible or that is unknown.</summary>
    internal static string? FindTrap(ContainerInspect server, ImageInspect image)
    {
        if (server.Variable(MajorVariable) is { } now && VariableOf(image, MajorVariable) is { } then && now != then)
            return $"it is PostgreSQL {then}, which cannot open the data of PostgreSQL {now}";
        string? present = server.Variable(DataVariable);
        string? next = VariableOf(image, DataVariable);
        if (present is null || next is null || present == next)
            return null;
        MountPoint[] mounts = [.. (server.Mounts ?? []).Where(mount => mount.Type is "volume" or "bind")];
        return mounts.Any(mount => ContainerPaths.IsWithin(next, mount.Destination))
            ? $"its data directory is '{next}', and the data are in '{present}'"
            : $"its data directory '{next}' is not in a mount ({string.Join(", ", mounts.Select(mount => mount.Destination))}); the data are in '{present}'";
    }

    private static string? VariableOf(ImageInspect image, string name) =>
        image.Config?.Env?.LastOrDefault(entry => entry.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..];

    private static int? Parse(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int major) ? major : null;
}
