namespace DbBackup.Engine.Engines.Files;

/// <summary>Paths in a folder, each with everything below it.</summary>
internal sealed class ChosenPaths
{
    private readonly HashSet<string> _paths, _above;

    /// <param name="paths">The paths, with slashes; an empty one is the folder itself.</param>
    public ChosenPaths(IEnumerable<string> paths)
    {
        _paths = new(paths, StringComparer.Ordinal);
        _above = new(_paths.SelectMany(Above), StringComparer.Ordinal);
    }

    /// <summary>The chosen path that a path is, or lies below; null if there is none.</summary>
    public string? RootOf(string path) => _paths.Contains(path) ? path : Above(path).FirstOrDefault(_paths.Contains);

    /// <summary>True if a path is chosen, lies below a chosen one, or is a folder above one.</summary>
    public bool Touches(string path) => _above.Contains(path) || RootOf(path) is not null;

    /// <summary>The folders above a path, the outermost first: the empty one is the folder itself.</summary>
    public static IEnumerable<string> Above(string path)
    {
        if (path.Length == 0)
            yield break;
        yield return string.Empty;
        for (int slash = path.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = path.IndexOf('/', slash + 1))
            yield return path[..slash];
    }
}
