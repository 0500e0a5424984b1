using System.Formats.Tar;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// The names of an archive that is unpacked elsewhere, by a container's engine: held to the same promise as <see cref="ExtractionRoot"/> holds
/// those that are unpacked here, before any of them is sent.
/// </summary>
internal sealed class ArchivePaths
{
    // Of what is no folder, only links can be passed through.
    private readonly HashSet<string> _links = new(StringComparer.Ordinal);
    private string? _top;

    /// <summary>Takes an entry.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its kind.</param>
    /// <param name="secondNameOf">The name of the file that it is a second name of; null for none.</param>
    /// <exception cref="BackupFailure">It would land outside of the archive's folder.</exception>
    public void Add(string name, TarEntryType type, string? secondNameOf)
    {
        List<string> parts = Within(name);
        string path = string.Join('/', parts);
        if (secondNameOf is not null)
            RequireNoLink(Within(secondNameOf), secondNameOf);
        RequireNoLink(parts, name);
        if (type == TarEntryType.Directory && _links.Contains(path))
            throw ExtractionRoot.UnsafeName(name, "is a folder where the archive already has a link");
        if (type == TarEntryType.SymbolicLink)
            _links.Add(path);
        else
            _links.Remove(path);
    }

    /// <summary>Fails where a file that is added to the archive's folder would land elsewhere.</summary>
    /// <param name="relative">Its path in the folder.</param>
    /// <exception cref="BackupFailure">A link of the archive leads elsewhere, or is in its place.</exception>
    public void RequireFree(string relative)
    {
        List<string> parts = [_top ?? string.Empty, .. ExtractionRoot.Parts(relative)];
        RequireNoLink(parts, relative);
        if (_links.Contains(string.Join('/', parts)))
            throw ExtractionRoot.UnsafeName(relative, "is a link of the archive");
    }

    private List<string> Within(string name)
    {
        List<string> parts = ExtractionRoot.Parts(name);
        _top ??= parts.Count == 0 ? "." : parts[0];
        return _top == "." || (parts.Count > 0 && parts[0] == _top) ? parts : throw ExtractionRoot.UnsafeName(name, $"is not in its folder '{WarningLog.Shown(_top)}'");
    }

    private void RequireNoLink(List<string> parts, string name)
    {
        string above = string.Empty;
        foreach (string part in parts[..^Math.Min(1, parts.Count)])
        {
            above = above.Length == 0 ? part : $"{above}/{part}";
            if (_links.Contains(above))
                throw ExtractionRoot.UnsafeName(name, $"passes through '{WarningLog.Shown(above)}', which is a link");
        }
    }
}
