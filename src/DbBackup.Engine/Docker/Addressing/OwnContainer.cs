namespace DbBackup.Engine.Docker.Addressing;

/// <summary>The container that this process runs in, if it does: paused, it could resume nothing.</summary>
internal static class OwnContainer
{
    // The engine mounts each container's own /etc/hostname from a folder with the container's id as its name.
    private const string MountedName = "hostname";

    /// <summary>True if this process runs in a container.</summary>
    public static bool Is(string id) => OperatingSystem.IsLinux() && Is(id, Mounts());

    /// <summary>The same, of the lines of /proc/self/mountinfo (proc(5): the fourth field is the mount's root, the fifth its place).</summary>
    public static bool Is(string id, IEnumerable<string> mountInfo) => mountInfo.Select(line => line.Split(' '))
        .Any(fields => fields.Length > 4 && fields[4] == "/etc/" + MountedName && fields[3].EndsWith($"/{id}/{MountedName}", StringComparison.Ordinal));

    private static string[] Mounts()
    {
        try
        {
            return File.ReadAllLines("/proc/self/mountinfo");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
