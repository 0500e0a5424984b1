namespace DbBackup.Engine.Docker.Addressing;

/// <summary>Paths as containers and engines have them.</summary>
internal static class ContainerPaths
{
    /// <summary>True if a path is a folder, or lies in it. Sources of Docker Desktop may be paths of Windows.</summary>
    public static bool IsWithin(string path, string folder)
    {
        string trimmed = folder.TrimEnd('/', '\\');
        return path == folder || (path.StartsWith(trimmed, StringComparison.Ordinal) && (path.Length == trimmed.Length || path[trimmed.Length] is '/' or '\\'));
    }
}
