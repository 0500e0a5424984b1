using System.Formats.Tar;

namespace DbBackup.Engine.Engines.Files;

/// <summary>A file or folder of an archive that is restored by itself.</summary>
/// <param name="Path">Its path in the archived folder, with slashes; empty for all of it.</param>
/// <param name="IsFolder">True if it is a folder.</param>
/// <param name="Bytes">The bytes of its files.</param>
/// <param name="Entries">How many entries it has.</param>
internal sealed record ArchivePart(string Path, bool IsFolder, long Bytes, long Entries);

/// <summary>Finds the parts of an archive that are named.</summary>
internal static class ArchiveParts
{
    /// <summary>Reads an archive to its end.</summary>
    /// <param name="tar">The archive; it stays open.</param>
    /// <param name="root">The name of what was archived, which its paths begin with.</param>
    /// <param name="wanted">Tells whether a path is named; null if each file is a part.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>What is named, without what lies below something else that is.</returns>
    /// <exception cref="BackupException">It is damaged, or a file in it is a second name of one that is not named.</exception>
    public static async Task<IReadOnlyList<ArchivePart>> FindAsync(Stream tar, string root, Func<string, bool>? wanted, CancellationToken cancellationToken)
    {
        var parts = new Dictionary<string, ArchivePart>(StringComparer.Ordinal);
        var known = new Dictionary<string, bool>(StringComparer.Ordinal);
        var links = new List<(string Name, string Of)>();
        bool IsWanted(string path) => known.TryGetValue(path, out bool result) ? result : known[path] = wanted!(path);
        string? RootOf(string path) => wanted is null ? path : ChosenPaths.Above(path).Append(path).FirstOrDefault(IsWanted);
        var scan = new TarScan(tar, requireEndMark: false);
        while (await scan.NextAsync(cancellationToken).ConfigureAwait(false) is { } entry)
        {
            string path = Within(entry.Name, root);
            bool isFolder = entry.EntryType == TarEntryType.Directory;
            if (entry.EntryType is TarEntryType.TapeVolume or TarEntryType.DirectoryList || (wanted is null && isFolder) || RootOf(path) is not { } part)
                continue;
            if (entry.EntryType == TarEntryType.HardLink)
                links.Add((path, Within(entry.LinkName, root)));
            ArchivePart before = parts.GetValueOrDefault(part) ?? new ArchivePart(part, false, 0, 0);
            parts[part] = before with { IsFolder = before.IsFolder || isFolder || path != part, Bytes = before.Bytes + entry.Length, Entries = before.Entries + 1 };
        }

        foreach ((string name, string of) in links.Where(link => RootOf(link.Of) is null))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{WarningLog.Shown(name)}' is a second name of '{WarningLog.Shown(of)}', which is not named.", $"Name both: add '{of}' to -File.")
            { Target = name };
        }

        return [.. parts.Values.OrderBy(part => part.Path, StringComparer.Ordinal)];
    }

    /// <summary>The path of an entry in the archived folder.</summary>
    public static string Within(string name, string root)
    {
        string path = name.TrimEnd('/');
        if (path.StartsWith("./", StringComparison.Ordinal))
            path = path[2..];
        return path == root || path == "." ? string.Empty : path.StartsWith(root + "/", StringComparison.Ordinal) ? path[(root.Length + 1)..] : path;
    }
}
